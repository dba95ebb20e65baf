import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from rsp.ops.spectrum import focal_spectrum_distance


def image(error):
    return torch.as_tensor(error, dtype=torch.float64).reshape(1, 1, 4, 4)


def distance(error, average=True):
    return focal_spectrum_distance(error, torch.zeros_like(error), average)


def test_a_constant_error_gives_its_square():
    assert distance(image([[0.5] * 4] * 4)).item() == pytest.approx(0.25)


def test_a_single_wrong_pixel_is_spread_over_all_frequencies():
    error = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    error[0, 0, 1, 2] = 2
    assert distance(error).item() == pytest.approx(0.25)


def test_a_weak_frequency_is_weighted_down():
    error = image([[0.5 + 0.25 * (-1) ** x for x in range(4)]] * 4)
    expected = (4 + math.log(2) / math.log(3)) / 16
    assert distance(error).item() == pytest.approx(expected, rel=1e-12)


def slow(pred, target, average):
    """Discrete Fourier sums, one frequency after the other."""
    height, width = pred.shape[2:]
    error = (pred - target).numpy()
    error = error.mean(0, keepdims=True) if average else error
    power = np.zeros(error.shape)
    rows, columns = np.mgrid[:height, :width]
    for u in range(height):
        for v in range(width):
            wave = np.exp(-2j * np.pi * (u * rows / height + v * columns / width))
            sums = (error * wave).sum((2, 3)) / math.sqrt(height * width)
            power[:, :, u, v] = np.abs(sums) ** 2
    weight = np.log1p(np.sqrt(power))
    return (weight / weight.max() * power).mean()


@pytest.mark.parametrize('average', [True, False])
def test_it_equals_the_slow_sums(average):
    pred = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    target = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    ours = focal_spectrum_distance(pred, target, average)
    assert ours.item() == pytest.approx(slow(pred, target, average), rel=1e-10)


@pytest.mark.parametrize(('average', 'cancels'), [(True, True), (False, False)])
def test_opposite_errors_cancel_only_in_the_mean_spectrum(average, cancels):
    error = torch.randn(1, 3, 8, 6)
    both = torch.cat([error, -error])
    assert (distance(both, average).item() < 1e-12) == cancels


@pytest.mark.parametrize(('average', 'same'), [(True, True), (False, False)])
def test_targets_may_change_places_only_in_the_mean_spectrum(average, same):
    pred, target = torch.randn(2, 4, 3, 8, 6, dtype=torch.float64)
    values = [
        focal_spectrum_distance(pred, t, average) for t in (target, target.flip(0))
    ]
    assert torch.isclose(*values, rtol=1e-9, atol=0).item() == same


@pytest.mark.parametrize('average', [True, False])
def test_it_is_at_most_the_mean_squared_error(average):
    """Parseval: the weights are at most 1."""
    error = torch.randn(3, 3, 8, 6, dtype=torch.float64)
    compared = error.mean(0) if average else error
    value = distance(error, average)
    assert 0 <= value <= compared.square().mean()


def test_a_perfect_fit_gives_zero_and_no_nan():
    pred = torch.randn(2, 3, 8, 6, requires_grad=True)
    value = focal_spectrum_distance(pred, pred.detach().clone())
    value.backward()
    assert value.item() == 0
    assert torch.equal(pred.grad, torch.zeros_like(pred))


def test_the_weights_carry_no_gradient():
    """The gradient is that of the weighted sum with fixed weights."""
    error = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    distance(error).backward()
    spectrum = torch.fft.fft2(error.detach(), norm='ortho')
    weight = spectrum.abs().log1p()
    weight = weight / weight.max()
    expected = torch.fft.ifft2(2 * weight * spectrum, norm='ortho').real / 32
    assert_close(error.grad, expected)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_and_half_inputs_are_computed_in_full(dtype):
    """Float16 transforms of sizes like 224 do not exist."""
    pred, target = torch.randn(2, 2, 3, 6, 10)
    reference = focal_spectrum_distance(pred, target)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = focal_spectrum_distance(pred.to(dtype), target)
    assert value.dtype == torch.float32
    assert_close(value, reference, rtol=1e-2, atol=0)


def test_images_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match=r'one shape .* \(1, 3, 4, 4\) and'):
        focal_spectrum_distance(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5))
