"""Operations on batches beside kornia's, where it is installed (pip install kornia)."""

import math

import pytest
import torch

from rsp.ops.views import ColorJitter, GaussianBlur, Grayscale, Solarize

enhance = pytest.importorskip('kornia.enhance', reason='kornia is not installed')
filters = pytest.importorskip('kornia.filters')
color = pytest.importorskip('kornia.color')


@pytest.fixture
def images():
    return torch.rand(3, 3, 24, 20, generator=torch.Generator().manual_seed(0))


FACTORS = torch.tensor([0.6, 1.0, 1.4])
STEPS = (
    (enhance.adjust_brightness_accumulative, 1.0),
    (enhance.adjust_contrast_with_mean_subtraction, 1.0),
    (enhance.adjust_saturation_with_gray_subtraction, 1.0),
)


@pytest.mark.parametrize('step', range(3))
def test_jitter(images, step):
    parameters = torch.tensor([[1, 0, 1, 1, 1, 0]] * 3, dtype=torch.float64)
    parameters[:, 2 + step] = FACTORS
    got = ColorJitter((0.1, 2), (0.1, 2), (0, 2)).apply_batch(images, parameters)
    expected = STEPS[step][0](images.flip(1), FACTORS).flip(1)
    torch.testing.assert_close(got, expected, atol=2e-4, rtol=0)


def test_hue(images):
    turns = torch.tensor([-0.4, 0.0, 0.3], dtype=torch.float64)
    parameters = torch.tensor([[1, 0, 1, 1, 1, 0]] * 3, dtype=torch.float64)
    parameters[:, -1] = turns
    got = ColorJitter(hue=(-0.5, 0.5)).apply_batch(images, parameters)
    expected = enhance.adjust_hue(images.flip(1), 2 * math.pi * turns.float()).flip(1)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)


def test_blur(images):
    sigma = torch.tensor([0.3, 1.1, 2.0])
    parameters = torch.tensor([[1, s, 7] for s in sigma], dtype=torch.float64)
    got = GaussianBlur(kernels=(7,)).apply_batch(images, parameters)
    expected = filters.gaussian_blur2d(images, (7, 7), sigma[:, None].expand(3, 2))
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)


def test_gray_and_solarize(images):
    ones = torch.ones(3, 1, dtype=torch.float64)
    got = Grayscale(3, 1.0, (0.114, 0.587, 0.299)).apply_batch(images, ones)
    expected = color.rgb_to_grayscale(images.flip(1)).expand_as(images)
    torch.testing.assert_close(got, expected)
    got = Solarize(0.4, 1.0).apply_batch(images, ones)
    torch.testing.assert_close(got, enhance.solarize(images, 0.4))
