"""Recipes read from transforms: the same numbers, the same distributions."""

import random

import numpy as np
import pytest
from mmcv.transforms import RandomApply, RandomFlip, RandomGrayscale
from mmpretrain.datasets.transforms import ColorJitter as StockJitter
from mmpretrain.datasets.transforms import GaussianBlur as StockBlur
from mmpretrain.datasets.transforms import Solarize as StockSolarize
from scipy import stats

from rsp.datasets.transforms import RandomRotate90
from rsp.errors import UserError
from rsp.ops.views import (
    ColorJitter,
    GaussianBlur,
    GaussianNoise,
    Grayscale,
    Solarize,
    seeded_uniforms,
)
from rsp.ops.views.parse import parse_view

COUNT = 4000
CROP = dict(type='RandomResizedCrop', scale=8)


def drawn(step, column, bands=3):
    """Draw one parameter of one transform for many images."""
    (operation,) = parse_view([CROP, step], bands).recipe.operations
    uniforms = seeded_uniforms(np.arange(COUNT), operation.numbers)
    return operation.draw(uniforms)[:, operation.columns.index(column)]


def same_share(ours, theirs):
    """Four deviations of a difference of shares."""
    share = (np.mean(ours) + np.mean(theirs)) / 2
    assert abs(np.mean(ours) - np.mean(theirs)) < 4 * np.sqrt(
        2 * share * (1 - share) / COUNT
    )


@pytest.mark.parametrize(
    'values',
    [
        dict(brightness=0.4, contrast=0.2, saturation=0.4, hue=0.1),
        dict(
            brightness=1.4, contrast=[0.5, 1.5], saturation=(0.9, 1.1), hue=[-0.3, 0.3]
        ),
    ],
)
@pytest.mark.filterwarnings('ignore')
def test_factors_of_jitter_have_the_distribution_of_mmpretrains(values):
    np.random.seed(0)
    stock = StockJitter(**values)
    theirs = [stock._rand_params() for _ in range(COUNT)]
    step = dict(type='ColorJitter', **values)
    (operation,) = parse_view([CROP, step]).recipe.operations
    ours = operation.draw(seeded_uniforms(np.arange(COUNT), operation.numbers))
    for place in range(4):
        other = [row[1 + place] for row in theirs]
        assert stats.ks_2samp(ours[:, 2 + place], other).pvalue > 0.001
    counts = np.bincount(ours[:, 1].astype(int), minlength=24)
    assert stats.chisquare(counts).pvalue > 0.001
    assert (ours[:, 0] == 1).all()


def test_shares_of_images_are_those_of_the_transforms():
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    np.random.seed(0)
    random.seed(0)
    cases = (
        (dict(type='RandomGrayscale', prob=0.2, keep_channels=True,
              channel_weights=(0.1, 0.6, 0.3)), RandomGrayscale),
        (dict(type='Solarize', thr=0, prob=0.3), StockSolarize),
        (dict(type='GaussianBlur', magnitude_range=(1.0, 2.0), magnitude_std='inf',
              prob=0.7), StockBlur),
    )  # fmt: skip
    for step, stock in cases:
        transform = stock(**{k: v for k, v in step.items() if k != 'type'})
        theirs = [
            (transform.transform(dict(img=image))['img'] != image).any()
            for _ in range(COUNT)
        ]
        same_share(drawn(step, 'applies'), theirs)


def test_random_apply_multiplies_shares():
    step = dict(type='RandomApply', prob=0.5, transforms=[
        dict(type='rsp.GaussianNoise', prob=0.6)])  # fmt: skip
    same_share(drawn(step, 'applies'), np.random.default_rng(0).random(COUNT) < 0.3)
    one = dict(type='RandomApply', transforms=dict(type='Solarize', thr=1, prob=1.0))
    np.random.seed(0)
    stock = RandomApply(lambda results: results, prob=0.5)
    theirs = [stock.random_apply() for _ in range(COUNT)]
    same_share(drawn(one, 'applies'), theirs)


def test_widths_of_blurs_are_those_of_the_transforms():
    np.random.seed(0)
    values = dict(magnitude_range=(0.1, 2.0), magnitude_std='inf', prob=0.5)
    stock = StockBlur(**values)
    theirs = [stock.random_magnitude() for _ in range(COUNT)]
    ours = drawn(dict(type='GaussianBlur', **values), 'sigma')
    assert stats.ks_2samp(ours, theirs).pvalue > 0.001
    kernels = drawn(dict(type='rsp.RandomBlur', kernel=(3, 7)), 'kernel')
    counts = np.unique_counts(kernels)
    assert counts.values.tolist() == [3, 5, 7]
    assert stats.chisquare(counts.counts).pvalue > 0.001
    fixed = drawn(dict(type='GaussianBlur', radius=1.5), 'sigma')
    assert (fixed == 1.5).all()


def test_variances_of_noise_are_uniform():
    step = dict(type='rsp.GaussianNoise', variance=(10.0, 50.0), prob=1.0)
    variances = (255 * drawn(step, 'deviation')) ** 2
    assert stats.kstest(variances, 'uniform', (10, 40)).pvalue > 0.001


def test_flips_and_turns_are_those_of_the_transforms():
    steps = [
        dict(type='RandomFlip', prob=0.5),
        dict(type='RandomFlip', prob=0.3, direction='vertical'),
        dict(type='rsp.RandomRotate90', prob=0.6),
        dict(type='Resize', scale=(16, 16)),
    ]
    geometry = parse_view(steps).recipe.geometry
    assert geometry.area is None
    uniforms = seeded_uniforms(np.arange(COUNT), geometry.numbers)
    rows = geometry.draw(uniforms, np.tile([[5, 5]], (COUNT, 1)))
    # Where the first row and the first column of an image end up.
    image = np.arange(4, dtype=np.uint8).reshape(2, 2)
    ours = []
    for mirrored, upside_down, turns in rows[:, 4:].astype(int):
        turned = image[:, ::-1] if mirrored else image
        turned = turned[::-1] if upside_down else turned
        ours.append(np.rot90(turned, turns).tobytes())
    np.random.seed(0)
    transforms = [RandomFlip(0.5), RandomFlip(0.3, 'vertical'), RandomRotate90(0.6)]
    theirs = []
    for _ in range(COUNT):
        results = dict(img=image[..., None])
        for transform in transforms:
            results = transform(results)
        theirs.append(results['img'].tobytes())
    kinds = sorted({*ours, *theirs})
    assert len(kinds) == 8
    table = [[seen.count(kind) for kind in kinds] for seen in (ours, theirs)]
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_arguments_of_all_transforms_arrive():
    recipe = parse_view(
        [
            dict(type='mmpretrain.RandomResizedCrop', scale=(8, 12),
                 crop_ratio_range=(0.3, 0.9), aspect_ratio_range=(0.5, 2),
                 interpolation='bicubic', backend='pillow'),
            dict(type='RandomFlip', prob=0.25),
            dict(type='RandomApply', prob=0.8, transforms=[
                dict(type='rsp.ColorJitter', brightness=0.4, hue=0.1)]),
            dict(type='rsp.RandomBlur', kernel=(3, 9), sigma=(0.2, 1.0), prob=0.7),
            dict(type='rsp.GaussianNoise', variance=(1, 2), prob=0.1),
            dict(type='Solarize', thr=128, prob=0.2),
            dict(type='rsp.RandomSolarize', threshold=0.25, prob=0.3),
            dict(type='rsp.RandomGrayscale', prob=0.4),
        ]
    ).recipe  # fmt: skip
    cut = recipe.geometry
    assert (cut.size, cut.area, cut.aspect) == ((8, 12), (0.3, 0.9), (0.5, 2))
    assert (cut.mirror, cut.upside_down, cut.turn, cut.cubic) == (0.25, 0, 0, True)
    jitter, blur, noise, solarize, other, gray = recipe.operations
    assert isinstance(jitter, ColorJitter)
    assert isinstance(blur, GaussianBlur)
    assert isinstance(noise, GaussianNoise)
    assert isinstance(solarize, Solarize)
    assert isinstance(gray, Grayscale)
    assert (jitter.prob, jitter.brightness, jitter.hue) == (
        0.8,
        (0.6, 1.4),
        (-0.1, 0.1),
    )
    assert jitter.contrast == jitter.saturation == (1, 1)
    assert (blur.prob, blur.sigma, blur.kernels) == (0.7, (0.2, 1.0), (3, 5, 7, 9))
    assert (noise.prob, noise.variance) == (0.1, (1, 2))
    assert (solarize.prob, solarize.threshold) == (0.2, 128 / 255)
    assert (other.prob, other.threshold) == (0.3, 0.25)
    assert (gray.prob, gray.weights.tolist()) == (0.4, [1 / 3] * 3)


def test_width_and_height_are_exchanged_where_mmcv_does():
    assert parse_view([dict(type='Resize', scale=(8, 12))]).recipe.geometry.size == (
        12,
        8,
    )


@pytest.mark.parametrize(
    ('steps', 'words'),
    [
        ([CROP, dict(type='RandAugment')], 'RandAugment'),
        ([CROP, dict(type='RandomFlip', prob=0.5, direction='diagonal')], 'diagonal'),
        ([CROP, dict(type='RandomFlip', prob=0.5)] * 2, 'once'),
        ([dict(type='RandomResizedCrop', scale=8, pad=1)], "'pad'"),
        ([dict(type='RandomResizedCrop', scale=8, interpolation='area')], 'area'),
        ([dict(type='rsp.GaussianNoise'), CROP], 'after the crop'),
        ([CROP, dict(type='RandomApply', transforms=[
            dict(type='Solarize', thr=1), dict(type='Solarize', thr=1)])],
         'RandomApply'),
        ([CROP, dict(type='RandomGrayscale', prob=0.2)], 'keep_channels'),
    ],
)  # fmt: skip
def test_others_are_refused_with_the_remedy(steps, words):
    with pytest.raises(UserError, match='exact_pillow=True') as caught:
        parse_view(steps)
    assert words in str(caught.value)


def test_views_without_a_size_and_turns_of_oblongs_are_refused():
    with pytest.raises(UserError, match='RandomResizedCrop, Resize'):
        parse_view([dict(type='RandomFlip', prob=0.5)])
    with pytest.raises(UserError, match='square'):
        parse_view([dict(type='Resize', scale=(8, 9)), dict(type='rsp.RandomRotate90')])


def test_hue_of_thirteen_bands_is_refused_with_the_remedy():
    step = dict(type='rsp.ColorJitter', brightness=0.4, hue=0.1)
    with pytest.raises(UserError, match='set saturation=0 and hue=0'):
        parse_view([CROP, step], bands=13)
    jitter = parse_view([CROP, step | dict(hue=0)], bands=13).recipe.operations[0]
    # Each band draws a brightness and a contrast of its own.
    assert jitter.width == 4 + 26
    weights = dict(type='RandomGrayscale', keep_channels=True)
    with pytest.raises(UserError, match='13'):
        parse_view([CROP, weights], bands=13)
