"""The transforms of GeRSP's config mean what torchvision's of the same name mean."""

import math

import numpy as np
import pytest
from mmpretrain.registry import TRANSFORMS
from PIL import Image
from torchvision.transforms import functional as tv

# torchvision and its PIL sibling are the oracle: the official code used them.
ORDER = ['RandomResizedCrop', 'RandomGrayscale', 'rsp.ColorJitter', 'RandomFlip']


@pytest.fixture
def view(load):
    """The transforms of a view by name, in order, built from the config."""
    return {cfg.type: TRANSFORMS.build(cfg) for cfg in load('gersp/r50.py').view}


@pytest.fixture
def rgb(seed=0):
    """An image of 60 x 47 random RGB pixels."""
    return np.random.default_rng(0).integers(256, size=(60, 47, 3), dtype=np.uint8)


def apply(transform, rgb: np.ndarray) -> np.ndarray:
    """Transform as in a pipeline, where images are BGR; return RGB."""
    return transform(dict(img=rgb[..., ::-1].copy()))['img'][..., ::-1]


def test_both_sources_use_the_published_order(load):
    cfg = load('gersp/r50.py')
    sources = cfg.train_dataloader.dataset.sources
    views, _ = sources.remote.pipeline
    photo, _ = sources.natural.pipeline
    photo_view = photo.transforms
    assert [t.type for t in photo_view] == ORDER
    assert views == dict(type='rsp.LoadViews', num_views=2, transforms=[photo_view])
    assert photo.type == 'rsp.LoadView'
    assert load('moco/r50_in1k.py').view == photo_view


def test_gray_is_pillows_gray_rounded_down(view, rgb):
    transform = view['RandomGrayscale']
    transform.prob = 1.0
    gray = apply(transform, rgb)
    assert gray.shape == rgb.shape
    assert (gray == gray[..., :1]).all()
    pillow = np.asarray(Image.fromarray(rgb).convert('L'), dtype=int)
    assert set(np.unique(gray[..., 0] - pillow)) <= {-1, 0}
    white = np.full((2, 3, 3), 255, np.uint8)
    assert (apply(transform, white) == 255).all()


def test_a_fifth_of_the_images_turn_gray(view, rgb):
    transform = view['RandomGrayscale']
    gray = [np.ptp(apply(transform, rgb[:2, :2]), axis=2).max() == 0
            for _ in range(2000)]  # fmt: skip
    # Four standard deviations of 2000 draws.
    assert np.mean(gray) == pytest.approx(0.2, abs=0.036)


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
@pytest.mark.parametrize('factors', [(0.6, 1.4, 0.7, 0.4), (1.3, 0.65, 1.4, -0.37)])
def test_jitter_is_torchvisions(view, rgb, monkeypatch, order, factors):
    """Bit by bit: the same four functions in the same order on the same channels."""
    transform = view['rsp.ColorJitter']
    monkeypatch.setattr(transform, '_rand_params', lambda: (order, *factors))
    steps = [
        tv.adjust_brightness,
        tv.adjust_contrast,
        tv.adjust_saturation,
        tv.adjust_hue,
    ]
    expected = Image.fromarray(rgb)
    for number in order:
        expected = steps[number](expected, factors[number])
    assert (apply(transform, rgb) == np.asarray(expected)).all()


def test_jitter_draws_order_and_factors_from_the_published_ranges(view):
    draws = [view['rsp.ColorJitter']._rand_params() for _ in range(1000)]
    assert len({tuple(order) for order, *_ in draws}) == math.factorial(4)
    factors = np.array([factors for _, *factors in draws])
    low, high = np.array([0.6, 0.6, 0.6, -0.4]), np.array([1.4, 1.4, 1.4, 0.4])
    assert (factors >= low).all()
    assert (factors <= high).all()
    # Uniform: the ends are reached.
    assert (factors.min(axis=0) < low + 0.01).all()
    assert (factors.max(axis=0) > high - 0.01).all()


@pytest.mark.parametrize('box', [(3, 5, 40, 31), (0, 0, 60, 47), (10, 2, 21, 28)])
def test_crop_resizes_as_torchvision_does(view, rgb, monkeypatch, box):
    """Bit by bit, including Pillow's smoothing of large images."""
    transform = view['RandomResizedCrop']
    monkeypatch.setattr(transform, 'rand_crop_params', lambda img: box)
    for size in (224, 16):
        transform.scale = (size, size)
        expected = tv.resized_crop(Image.fromarray(rgb), *box, (size, size))
        assert (apply(transform, rgb) == np.asarray(expected)).all()


def test_crops_have_the_published_areas_and_shapes(view):
    height, width = 600, 470
    image = np.zeros((height, width, 3), np.uint8)
    assert view['RandomResizedCrop'].scale == (224, 224)
    draws = [view['RandomResizedCrop'].rand_crop_params(image) for _ in range(1000)]
    top, left, h, w = np.array(draws).T
    area, ratio = h * w / (height * width), w / h
    assert area.min() == pytest.approx(0.2, abs=0.01)
    assert area.max() == pytest.approx(1.0, abs=0.05)
    assert ratio.min() == pytest.approx(3 / 4, abs=0.01)
    assert ratio.max() == pytest.approx(4 / 3, abs=0.02)
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + h <= height).all()
    assert (left + w <= width).all()


def test_half_of_the_images_are_mirrored(view, rgb):
    transform = view['RandomFlip']
    outcomes = [apply(transform, rgb) for _ in range(600)]
    mirrored = np.array([(out == rgb[:, ::-1]).all() for out in outcomes])
    unchanged = np.array([(out == rgb).all() for out in outcomes])
    assert (mirrored ^ unchanged).all()
    assert mirrored.mean() == pytest.approx(0.5, abs=0.082)


def test_a_plain_image_stays_plain(view):
    """Neither crop nor flip brings in pixels from elsewhere."""
    plain = np.full((30, 50, 3), (10, 200, 90), np.uint8)
    for name in ('RandomResizedCrop', 'RandomFlip'):
        out = apply(view[name], plain)
        assert (out == plain[0, 0]).all()
