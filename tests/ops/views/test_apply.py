"""Operations on one 8-bit image: their formulas, within rounding."""

from itertools import permutations

import cv2
import numpy as np
import pytest
import view_oracles as oracles
from PIL import Image, ImageFilter
from scipy import stats

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
from rsp.ops.views.resizing import cut_view, resize, snap

# Of float32 in the middle of a rounding.
ROUNDING = 0.5 + 1e-3


def picture(height=40, width=56, bands=3, seed=0):
    """An image with edges, slopes, noise, black, white and gray."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8, width // 8, bands), np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    image[:6] = rng.integers(0, 256, image[:6].shape)
    image[6:8], image[8:10], image[10:12] = 0, 255, 128
    return image


@pytest.mark.parametrize('order', range(24))
@pytest.mark.parametrize(
    'factors',
    [
        (0.6, 1.4, 0.6, 0.4),
        (1.4, 0.6, 1.4, -0.4),
        (1.3, 1.3, 0.0, 0.02),
        (0.7, 0.8, 0.6, 0.1),  # Made in one pass.
        (0.0, 1.5, 1.2, 0.1),
        (1.6, 1.5, 1.7, -0.1),
    ],
)
def test_jitter_equals_its_formulas_in_every_order(order, factors):
    image = picture()
    jitter = ColorJitter((0.1, 2), (0.1, 2), (0, 2), (-0.5, 0.5))
    steps = (oracles.brightness, oracles.contrast, oracles.saturation, oracles.hue)
    expected = image / 255
    for step in list(permutations(range(4)))[order]:
        expected = steps[step](expected, factors[step])
    got = jitter.apply(image, np.array([1, order, *factors]))
    assert got.dtype == np.uint8
    assert np.abs(got - 255 * expected).max() <= ROUNDING


@pytest.mark.parametrize('step', range(4))
@pytest.mark.parametrize('value', [0.0, 0.3, 0.999, 1.7])
def test_each_change_of_the_jitter_alone_equals_its_formula(step, value):
    ranges = [(1.0, 1.0)] * 3 + [(0.0, 0.0)]
    ranges[step] = (0.0, 2.0)
    values = [1.0, 1.0, 1.0, 0.0]
    values[step] = value
    formula = (oracles.brightness, oracles.contrast, oracles.saturation, oracles.hue)
    image = picture(seed=2)
    got = ColorJitter(*ranges).apply(image, np.array([1, 5, *values]))
    expected = 255 * formula[step](image / 255, value)
    assert np.abs(got - expected).max() <= ROUNDING


def test_bands_that_are_no_colors_keep_their_own_mean_and_factors():
    image = picture(bands=5)
    jitter = ColorJitter((0.5, 1.5), (0.5, 1.5), bands=5, per_band=True)
    bright, spread = np.linspace(0.6, 1.4, 5), np.linspace(1.5, 0.5, 5)
    # The first of all orders: brightness, contrast.
    got = jitter.apply(image, np.array([1, 0, *bright, *spread, 1, 0]))
    expected = oracles.contrast(oracles.brightness(image / 255, bright), spread)
    assert np.abs(got - 255 * expected).max() <= ROUNDING


def test_jitter_is_near_pillows_enhancements_in_mmpretrain():
    mmcv = pytest.importorskip('mmcv')
    image = picture()
    for factor in (0.6, 1.0, 1.4):
        cases = (
            (0, mmcv.adjust_brightness(image, factor, backend='pillow')),
            # Pillow takes a whole number for the mean.
            (1, mmcv.adjust_contrast(image, factor, backend='pillow')),
        )
        for step, theirs in cases:
            values = [1.0, 1.0, 1.0, 0.0]
            values[step] = factor
            jitter = ColorJitter((0, 2), (0, 2), (0, 2), (-0.5, 0.5))
            got = jitter.apply(image, np.array([1, 0, *values])).astype(int)
            # Pillow cuts off.
            assert np.abs(got - theirs).max() <= 2


def test_gray_equals_the_weighted_mean():
    image = picture()
    weights = (0.114, 0.587, 0.2989)
    got = Grayscale(3, 1.0, weights).apply(image, np.ones(1))
    expected = image @ (np.array(weights) / sum(weights))
    assert (got == got[..., :1]).all()
    # OpenCV multiplies bytes by whole numbers of 1/1024.
    assert np.abs(got[..., 0] - expected).max() <= 1
    equal = Grayscale(4, 1.0).apply(picture(bands=4), np.ones(1))
    assert np.abs(equal[..., 0] - picture(bands=4).mean(2)).max() <= 1


@pytest.mark.parametrize('threshold', [128 / 255, 0.5, 0.0, 1.0])
def test_solarize_inverts_from_the_threshold_on(threshold):
    image = picture()
    got = Solarize(threshold, 1.0).apply(image, np.ones(1))
    shares = image / 255
    expected = np.where(shares >= threshold, 1 - shares, shares)
    assert (got == np.rint(255 * expected)).all()


@pytest.mark.parametrize(
    ('sigma', 'kernel'), [(0.1, 3), (0.25, 3), (0.27, 3), (0.7, 5), (1.3, 7), (2, 13)]
)
def test_blur_equals_a_cut_off_gaussian(sigma, kernel):
    image = picture()
    got = GaussianBlur(prob=1).apply(image, np.array([1, sigma, kernel]))
    reach = kernel // 2
    weights = np.exp(-((np.arange(kernel) - reach) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    padded = np.pad(
        image.astype(float), ((reach, reach), (reach, reach), (0, 0)), 'reflect'
    )
    rows = sum(w * padded[n : n + 40] for n, w in enumerate(weights))
    expected = sum(w * rows[:, n : n + 56] for n, w in enumerate(weights))
    assert np.abs(got - expected).max() <= ROUNDING


@pytest.mark.parametrize(('sigma', 'left'), [(0.1, True), (0.25, True), (0.27, False)])
def test_a_blur_that_changes_no_level_is_left_out(sigma, left):
    # A white pixel on black is the most that it can change.
    image = np.zeros((9, 9, 3), np.uint8)
    image[4, 4] = 255
    got = GaussianBlur(prob=1).apply(image, np.array([1, sigma, 3]))
    assert (got is image) == (got == image).all() == left


def test_blur_without_a_kernel_is_near_pillows():
    image = picture(80, 96)
    sigma = 1.4
    kernel = GaussianBlur((sigma, sigma)).draw(np.zeros((1, 3)))[0, 2]
    got = GaussianBlur().apply(image, np.array([1, sigma, kernel])).astype(float)
    theirs = Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma))
    # Pillow makes do with three boxes.
    assert np.abs(got - np.asarray(theirs)).mean() < 1


def test_noise_is_normal_independent_and_a_function_of_its_seed():
    gray = np.full((200, 210, 3), 128, np.uint8)
    deviation = 5.0
    noise = GaussianNoise(prob=1)
    one, same, other = (
        noise.apply(gray, np.array([1, deviation / 255, seed])) for seed in (7, 7, 8)
    )
    assert (one == same).all()
    drawn = one.astype(float) - 128
    assert drawn.mean() == pytest.approx(0, abs=0.06)  # four deviations
    # Rounding adds the variance of a uniform number.
    assert drawn.var() == pytest.approx(deviation**2 + 1 / 12, rel=0.02)
    edges = np.arange(-12.5, 13)
    probabilities = np.diff(stats.norm.cdf(edges, 0, deviation))
    counts = np.histogram(drawn, edges)[0]
    within = counts.sum()
    expected = probabilities / probabilities.sum() * within
    assert stats.chisquare(counts, expected).pvalue > 0.001
    for shifted in (drawn[1:] * drawn[:-1], drawn[:, 1:] * drawn[:, :-1],
                    drawn[..., 1:] * drawn[..., :-1]):  # fmt: skip
        assert abs(shifted.mean()) / deviation**2 < 0.02
    assert abs(((other - 128.0) * drawn).mean()) / deviation**2 < 0.02


def test_noise_is_cut_to_the_range():
    dark = np.zeros((30, 31, 3), np.uint8)
    noisy = GaussianNoise(prob=1).apply(dark, np.array([1, 7 / 255, 1]))
    assert (noisy == 0).mean() == pytest.approx(0.53, abs=0.05)
    assert noisy.max() < 40


def test_operations_leave_an_image_that_is_not_drawn():
    image = picture()
    for operation in (ColorJitter((0, 2)), GaussianBlur(), GaussianNoise(),
                      Grayscale(), Solarize()):  # fmt: skip
        parameters = np.full(operation.width, 0.5)
        parameters[0] = 0
        assert operation.apply(image, parameters) is image


def test_operations_modify_no_image():
    image = picture()
    image.setflags(write=False)
    uniforms = seeded_uniforms(np.arange(1), 10)
    for operation in (ColorJitter((0, 2), (0, 2), (0, 2), (-0.5, 0.5)),
                      GaussianBlur(prob=1), GaussianNoise(prob=1), Grayscale(prob=1),
                      Solarize(prob=1)):  # fmt: skip
        drawn = operation.draw(uniforms[:, : operation.numbers])[0]
        assert operation.apply(image, drawn).shape == image.shape


@pytest.mark.parametrize('size', [(20, 24), (13, 90), (40, 56), (64, 17)])
def test_resizing_averages_under_a_triangle_as_pillow_does(size):
    image = picture()
    got = resize(image, size).astype(float)
    expected = oracles.triangle_resize(image.astype(float), size)
    # Pillow and torch round after each of both axes.
    assert np.abs(got - expected).max() <= 1 + 1e-3
    theirs = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
    assert np.abs(got - np.asarray(theirs)).max() <= 1


def test_cubic_resizing_is_pillows():
    image = picture()
    theirs = Image.fromarray(image).resize((24, 20), Image.Resampling.BICUBIC)
    got = resize(image, (20, 24), cubic=True).astype(int)
    assert np.abs(got - np.asarray(theirs)).max() <= 1


def test_a_view_is_cut_resized_mirrored_then_turned():
    image = picture(bands=4)
    image.setflags(write=False)
    part = resize(image[3:28, 7:37].copy(), (16, 16))
    for mirrored, upside_down, turns in np.ndindex(2, 2, 4):
        row = np.array([3, 7, 25, 30, mirrored, upside_down, turns], float)
        expected = part[:, ::-1] if mirrored else part
        expected = expected[::-1] if upside_down else expected
        expected = np.rot90(expected, turns)
        assert (cut_view(image, row, (16, 16)) == expected).all()


def test_boxes_of_reduced_images_stay_inside_of_those_drawn():
    assert snap((3, 4, 10, 11), 2) == (2, 2, 4, 5)
    assert snap((3, 4, 10, 11), 1) == (3, 4, 10, 11)
    rng = np.random.default_rng(0)
    for reduction in (2, 4, 8):
        box = [*rng.integers(0, 50, 2).tolist(), *rng.integers(16, 99, 2).tolist()]
        top, left, height, width = (n * reduction for n in snap(box, reduction))
        assert 0 <= top - box[0] < reduction
        assert 0 <= left - box[1] < reduction
        assert 0 <= box[0] + box[2] - top - height < reduction
        assert 0 <= box[1] + box[3] - left - width < reduction


def test_a_reduced_image_gives_nearly_the_same_view():
    y, x = np.mgrid[:400, :480] / 60
    waves = np.stack([np.sin(x + k) * np.cos(y) for k in range(3)], axis=2)
    image = np.rint(127 + 120 * waves).astype(np.uint8)
    half = cv2.resize(image, (240, 200), interpolation=cv2.INTER_AREA)
    row = np.array([31, 50, 301, 333, 1, 0, 0.0])
    whole = cut_view(image, row, (96, 96)).astype(float)
    assert np.abs(cut_view(half, row, (96, 96), reduction=2) - whole).mean() < 1.5


def test_a_recipe_applies_its_operations_one_after_the_other():
    image = picture(90, 120)
    gray, bright = Grayscale(prob=1), Solarize(prob=1)
    recipe = ViewRecipe(Geometry((24, 32), (0.2, 0.9), mirror=0.5), (gray, bright))
    drawn = recipe.draw(np.array([3]), np.array([[90, 120]]))
    got = recipe.apply(image, drawn.geometry[0], drawn.colors[0])
    view = cut_view(image, drawn.geometry[0], (24, 32))
    expected = bright.apply(gray.apply(view, np.ones(1)), np.ones(1))
    assert (got == expected).all()
    assert got.shape == (24, 32, 3)
