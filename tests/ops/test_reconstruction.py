import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from rsp.ops.reconstruction import (
    focal_l1,
    focal_spectrum_distance,
    masked_mean,
    relative_error,
)


@pytest.mark.parametrize(
    ('error', 'loss'),
    [(1, 0.0996680), (5, 2.3105858), (-0.5, 0.0249792), (0, 0)],
)
def test_published_settings_of_focal_l1_give_the_closed_form(error, loss):
    """|d| tanh(0.1 |d|)."""
    value = focal_l1(torch.tensor(float(error), dtype=torch.float64)).item()
    assert value == pytest.approx(loss, abs=1e-7)
    assert value == pytest.approx(abs(error) * math.tanh(0.1 * abs(error)))


@pytest.mark.parametrize(('error', 'slope'), [(1, 0.1986746), (0, 0)])
def test_slope_of_focal_l1(error, slope):
    x = torch.tensor(float(error), dtype=torch.float64, requires_grad=True)
    focal_l1(x).backward()
    assert x.grad.item() == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize('gamma', [0, 0.5, 1, 2])
@pytest.mark.parametrize('residual', [False, True])
def test_focal_l1_equals_its_definition(gamma, residual):
    d = torch.linspace(-3, 3, 14, dtype=torch.float64)
    expected = d.abs() * (2 * torch.sigmoid(0.7 * d.abs()) - 1) ** gamma
    expected = expected + d.abs() if residual else expected
    assert_close(focal_l1(d, 0.7, gamma, residual), expected)


def test_gradients_of_focal_l1_are_those_of_differences():
    d = torch.linspace(-3, 3, 14, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: focal_l1(x, 0.7, 2.0), d)


def test_the_masked_mean_counts_channels_once():
    values = torch.zeros(1, 3, 2, 2)
    values[0, :, 0, 0] = torch.tensor([1.0, 2.0, 3.0])
    mask = torch.tensor([[[1, 0], [0, 0]]])
    assert masked_mean(values, mask).item() == pytest.approx(2, rel=2e-5)
    assert masked_mean(values, 0 * mask).item() == 0


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
    with pytest.raises(ValueError, match=r'\(1, 3, 4, 5\), got \(1, 3, 4, 4\)'):
        focal_spectrum_distance(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5))


def test_the_error_is_measured_in_errors_of_the_mean_fill():
    clean = torch.rand(2, 3, 4, 6)
    hidden = torch.zeros(2, 1, 4, 6)
    hidden[:, :, 1:3, 2:5] = 1
    masked = torch.where(hidden.bool(), clean.mean((2, 3), keepdim=True), clean)
    assert relative_error(clean, masked, masked) == 1
    assert relative_error(clean, masked, clean) == 0
    halfway = (clean + masked) / 2
    torch.testing.assert_close(
        relative_error(clean, masked, halfway), torch.tensor(0.5)
    )
