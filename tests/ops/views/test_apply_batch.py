"""Operations on batches: the formulas of the oracles, image by image."""

import numpy as np
import pytest
import torch
import view_oracles as oracles
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.transforms.v2 import functional as vision

from rsp.ops.views import (
    ColorJitter,
    GaussianBlur,
    GaussianNoise,
    Geometry,
    Grayscale,
    Solarize,
    ViewRecipe,
    seeded_uniforms,
)
from rsp.ops.views.color_jitter import ORDERS
from rsp.ops.views.kernels.normal_field import normal_field

# Largest error in levels of 255, by type: a few roundings of values up to 1, where a
# turn of the hue counts sectors up to 12.
LEVELS = {torch.float32: 2e-3, torch.float16: 3.0, torch.bfloat16: 16.0}
EVERY_TYPE = pytest.mark.parametrize('dtype', LEVELS)
STEPS = (oracles.brightness, oracles.contrast, oracles.saturation, oracles.hue)


def pictures(count=4, bands=3, height=24, width=20, dtype=torch.float32):
    """Shares of the range, with black, white, gray and pure colors."""
    rng = np.random.default_rng(bands)
    values = rng.random((count, bands, height, width))
    values[:, :, 0], values[:, :, 1], values[:, :, 2] = 0, 1, 0.5
    values[:, :2, 3], values[:, 2:, 4], values[:, :, 4] = 0, 1, values[:, :, 5]
    return torch.from_numpy(values).to(dtype)


def drawn(table):
    """Parameters, as they come from the host."""
    return torch.tensor(table, dtype=torch.float64)


def rows(image):
    """Of a tensor (C, H, W) as the oracles have it."""
    return image.double().numpy().transpose(1, 2, 0)


def assert_near(got, images, formula, dtype, levels=None):
    """Compare with a formula that is given each image and its number."""
    assert got.dtype == dtype
    assert got.shape == images.shape
    for number, (view, image) in enumerate(zip(got, images, strict=True)):
        error = 255 * np.abs(rows(view) - formula(number, rows(image))).max()
        assert error <= (levels or LEVELS[dtype])


@EVERY_TYPE
def test_jitter_follows_the_order_of_every_image(dtype):
    images = pictures(24, dtype=dtype)
    rng = np.random.default_rng(0)
    factors = rng.uniform((0.6, 0.6, 0.0, -0.5), (1.4, 1.4, 2.0, 0.5), (24, 4))
    parameters = np.concatenate([np.ones((24, 1)), np.arange(24)[:, None], factors], 1)
    jitter = ColorJitter((0.1, 2), (0.1, 2), (0, 2), (-0.5, 0.5))
    got = jitter.apply_batch(images, torch.from_numpy(parameters))

    def formula(number, image):
        for step in ORDERS[number]:
            image = STEPS[step](image, factors[number, step])
        return image

    assert_near(got, images, formula, dtype)


@pytest.mark.parametrize('step', range(4))
@pytest.mark.parametrize('value', [0.0, 0.3, 1.7])
def test_each_change_of_the_jitter_alone_equals_its_formula(step, value):
    ranges = [(1.0, 1.0)] * 3 + [(0.0, 0.0)]
    ranges[step] = (0.0, 2.0)
    row = [1, 5, 1.0, 1.0, 1.0, 0.0]
    row[2 + step] = value
    images = pictures(2)
    got = ColorJitter(*ranges).apply_batch(images, torch.tensor([row, row]).double())
    assert_near(got, images, lambda _, image: STEPS[step](image, value), torch.float32)


def test_jitter_equals_torchvisions():
    images = pictures(3)
    functions = (
        vision.adjust_brightness,
        vision.adjust_contrast,
        vision.adjust_saturation,
        vision.adjust_hue,
    )
    jitter = ColorJitter((0.1, 2), (0.1, 2), (0, 2), (-0.5, 0.5))
    factors = (0.7, 1.3, 1.4, -0.2)
    for order in (0, 9, 23):
        got = jitter.apply_batch(images, drawn([[1, order, *factors]] * 3))
        expected = images.flip(1)  # torchvision takes red, green, blue
        for step in ORDERS[order]:
            expected = functions[step](expected, factors[step])
        # Its weights of gray are 0.2989, 0.587 and 0.114.
        assert (got - expected.flip(1)).abs().max() < 4e-4


@pytest.mark.parametrize('cut', [True, False])
def test_bands_that_are_no_colors_keep_their_own_mean_and_factors(cut):
    images = pictures(2, bands=5)
    jitter = ColorJitter((0.5, 1.5), (0.5, 1.5), bands=5, per_band=True)
    bright, spread = np.linspace(0.6, 1.4, 5), np.linspace(1.5, 0.5, 5)
    first, last = 0, len(ORDERS) - 1  # brightness before contrast, and after it
    got = jitter.apply_batch(
        images,
        drawn([[1, order, *bright, *spread, 1, 0] for order in (first, last)]),
        cut=cut,
    )

    def formula(number, image):
        image = image * (1 if number else bright)
        image = image.clip(0, 1) if cut else image
        image = image.mean((0, 1)) + spread * (image - image.mean((0, 1)))
        image = image.clip(0, 1) if cut else image
        image = image * (bright if number else 1)
        return image.clip(0, 1) if cut else image

    assert_near(got, images, formula, torch.float32)


@EVERY_TYPE
@pytest.mark.parametrize('bands', [3, 4])
def test_gray_is_the_weighted_mean(dtype, bands):
    images = pictures(2, bands, dtype=dtype)
    weights = np.arange(1, bands + 1) / np.arange(1, bands + 1).sum()
    operation = Grayscale(bands, 1.0, weights.tolist())
    got = operation.apply_batch(images, drawn([[1.0], [0.0]]))

    def formula(number, image):
        return image if number else np.tile((image @ weights)[..., None], (1, 1, bands))

    assert_near(got, images, formula, dtype)


@EVERY_TYPE
def test_solarize_inverts_from_the_threshold_on(dtype):
    images = pictures(3, 2, dtype=dtype)
    images[0, 0, 5, :3] = torch.tensor([0.25, 0.375, 0.75]).to(dtype)
    got = Solarize(0.375, 1.0).apply_batch(images, drawn([[1.0], [0.0], [1.0]]))

    def formula(number, image):
        return image if number == 1 else np.where(image >= 0.375, 1 - image, image)

    assert_near(got, images, formula, dtype)
    expected = vision.solarize(images[[0, 2]], 0.375)
    assert torch.equal(got[[0, 2]], expected)


def blurred(image, sigma, kernel):
    reach = kernel // 2
    weights = np.exp(-((np.arange(kernel) - reach) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), 'reflect')
    height, width = image.shape[:2]
    lines = sum(w * padded[n : n + height] for n, w in enumerate(weights))
    return sum(w * lines[:, n : n + width] for n, w in enumerate(weights))


@EVERY_TYPE
def test_each_image_is_blurred_by_its_own_gaussian(dtype):
    cases = [(0.1, 3), (0.7, 5), (1.3, 7), (2, 13)]
    images = pictures(4, 4, dtype=dtype)
    rows_of = drawn([[1, *case] for case in cases])
    got = GaussianBlur().apply_batch(images, rows_of)
    assert_near(got, images, lambda n, image: blurred(image, *cases[n]), dtype)


def test_a_blur_wider_than_the_image_mirrors_it_again():
    images = pictures(1, 2)[:, :, 6:10, :3]
    got = GaussianBlur().apply_batch(images, drawn([[1, 2.0, 13]]))
    expected = blurred(rows(images[0]), 2.0, 13)
    assert np.abs(rows(got[0]) - expected).max() < 1e-6


def test_blur_equals_torchvisions():
    images = pictures(2)
    got = GaussianBlur(kernels=(3, 5, 7)).apply_batch(images, drawn([[1, 1.1, 5]] * 2))
    torch.testing.assert_close(got, vision.gaussian_blur(images, [5, 5], [1.1, 1.1]))


@EVERY_TYPE
@pytest.mark.parametrize('cut', [True, False])
def test_noise_is_the_field_of_its_seed(dtype, cut):
    images = pictures(3, 4, dtype=dtype)
    table = [(1, 7 / 255, 5), (0, 7 / 255, 6), (1, 3 / 255, 2**31 - 1)]
    got = GaussianNoise().apply_batch(images, drawn(table), cut=cut)

    def formula(number, image):
        applies, deviation, seed = table[number]
        noisy = image + applies * deviation * normal_field(seed, image.shape)
        return noisy.clip(0, 1) if cut else noisy

    assert_near(got, images, formula, dtype)


OPERATIONS = [
    ColorJitter((0.5, 2), (0.5, 2), (0, 2), (-0.5, 0.5)),
    ColorJitter(hue=(-0.5, 0.5)),
    GaussianBlur(),
    GaussianNoise(),
    Grayscale(),
    Solarize(),
]


@EVERY_TYPE
@pytest.mark.parametrize('operation', OPERATIONS, ids=lambda op: type(op).__name__)
def test_images_that_are_not_drawn_keep_every_bit(operation, dtype):
    images = pictures(dtype=dtype)
    uniforms = seeded_uniforms(np.arange(4), operation.numbers)
    parameters = torch.from_numpy(operation.draw(uniforms))
    parameters[:, 0] = torch.tensor([0.0, 1, 1, 0])
    before = images.clone()
    got = operation.apply_batch(images, parameters)
    assert torch.equal(images, before)
    assert torch.equal(got[[0, 3]], images[[0, 3]])
    assert not torch.equal(got[1], images[1])


class NoWaiting(TorchDispatchMode):
    """Refuse what lets the host wait for a device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket._qualified_op_name
        assert name not in ('aten::_local_scalar_dense', 'aten::nonzero'), name
        if name in ('aten::index', 'aten::index_put', 'aten::index_put_'):
            for index in args[1]:
                assert index is None or index.dtype not in (torch.bool, torch.uint8)
        return func(*args, **kwargs or {})


def test_no_operation_waits_for_the_device():
    recipe = ViewRecipe(
        Geometry((16, 16), mirror=0.5, upside_down=0.5, turn=0.5), tuple(OPERATIONS)
    )
    sizes = np.tile([[24, 20]], (4, 1))
    views = recipe.draw(np.arange(4), sizes)
    images = (255 * pictures()).to(torch.uint8)
    geometry, colors = map(torch.from_numpy, (views.geometry, views.colors))
    with NoWaiting():
        views = recipe.apply_batch(images, geometry, colors)
    assert views.shape == (4, 3, 16, 16)
    with NoWaiting(), pytest.raises(AssertionError, match='local_scalar'):
        views.max().item()
