"""The guard names faults of pixels, and is silent about right set-ups."""

import faults
import numpy as np
import pytest
import setups
import torch
from mmengine.structures import BaseDataElement

from rsp.engine.pixel_guard import (
    Expectation,
    Observation,
    find_label_faults,
    find_pixel_faults,
)

IMAGENET = dict(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
# One of each kind, for every run of the tests.
QUICK = (
    'GeRSP: mean and std of 0-1',
    'reflectance: scale 1e-3',
    'one band times 10',
    'offset of 1000 since 2022',
    'classification: own statistics, BGR',
    '13 bands: red and near infrared exchanged',
    '13 bands into a stem of 3',
    'a band twice',
    'detection, 16 bits cut to 8',
    'validation masks of zeros',
    'training data by class, not shuffled',
    'land cover of one class',
    'GeRSP, 13 bands: photos as reflectances',
    'scenes of 1 and of 10 m',
    'card: trained on BGR',
)


def observe(*images: torch.Tensor, **options) -> Observation:
    """Look at images (C, H, W), as a loader gives them."""
    seen = Observation(**options)
    seen.add(
        dict(inputs=list(images), data_samples=[BaseDataElement() for _ in images])
    )
    return seen


def rules_of(seen: Observation, **expected) -> set[str]:
    return {
        finding.rule for finding in find_pixel_faults(seen, Expectation(**expected))
    }


def fair_images(
    mean, std, count=32, side=32, dtype=torch.float32
) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (count, len(mean), side, side)
    noise = torch.randn(shape, generator=generator)
    images = (
        noise * torch.tensor(std)[:, None, None] + torch.tensor(mean)[:, None, None]
    )
    if dtype == torch.uint8:
        images = images.clamp(1, 255)
    return [*images.to(dtype)]


def test_statistics_are_those_of_all_pixels_with_data():
    rng = np.random.default_rng(0)
    images = rng.integers(1, 200, (5, 3, 20, 30)).astype(np.uint8)
    images[1, :, :, :10] = 0  # without data
    images[4] = 0
    seen = observe(*map(torch.from_numpy, images))
    pixels = images.transpose(0, 2, 3, 1).reshape(-1, 3).astype(float)
    kept = pixels[(pixels != 0).any(axis=1)]
    assert seen.images == 5
    np.testing.assert_allclose(seen.mean, kept.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(seen.std, kept.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(seen.empty_share, (1 / 3 + 1) / 5)
    assert seen.maximum.tolist() == kept.max(axis=0).tolist()


def test_channels_are_measured_in_the_order_of_the_network():
    image = torch.stack([torch.full((4, 4), value) for value in (10.0, 20.0, 30.0)])
    assert observe(image, reverse=True).mean.tolist() == [30, 20, 10]
    assert observe(image).mean.tolist() == [10, 20, 30]


def test_pairs_of_dates_are_two_images_of_one_sample():
    pair = torch.cat([torch.full((3, 4, 4), 10.0), torch.full((3, 4, 4), 30.0)])
    seen = observe(pair, dates=2)
    assert (seen.images, seen.channels, seen.mean.tolist()) == (1, {3}, [20.0] * 3)


def test_views_count_once():
    seen = Observation()
    seen.add(dict(inputs=[torch.ones(4, 3, 8, 8), torch.ones(4, 3, 8, 8)]))
    assert seen.images == 4


@pytest.mark.parametrize('factor', [1 / 10_000, 1 / 255, 0.1, 10, 255, 10_000])
@pytest.mark.parametrize(
    'mean', [(123.675, 116.28, 103.53), (1354.0, 1118.0, 1042.0, 947.0)]
)
def test_another_scale_is_certain_whatever_the_factor(mean, factor):
    std = tuple(0.4 * m for m in mean)
    images = [image * factor for image in fair_images(mean, std)]
    (finding,) = find_pixel_faults(observe(*images), Expectation(mean=mean, std=std))
    # A tenth may be the night, or deep water.
    assert (finding.rule, finding.certain) == ('scale', factor != 0.1)


def test_a_few_dark_or_black_images_are_no_reason_to_stop():
    night = [image * 0.02 for image in fair_images(**IMAGENET, count=4)]
    expected = Expectation(**IMAGENET, bgr=True, reverse=True)
    assert not any(f.certain for f in find_pixel_faults(observe(*night), expected))
    black = [torch.zeros(3, 8, 8)] * 3
    assert not any(f.certain for f in find_pixel_faults(observe(*black), expected))
    many = find_pixel_faults(observe(*[torch.zeros(3, 8, 8)] * 16), expected)
    assert [(f.rule, f.certain) for f in many] == [('nodata', True)]


@pytest.mark.parametrize('count', [4, 32])
def test_damaged_images_are_no_reason_to_stop_unless_all_are(count):
    expected = Expectation(**IMAGENET, bgr=True, reverse=True)
    images = fair_images(**IMAGENET, count=count)
    damaged = [image.clone() for image in images]
    for image in damaged:
        image[0, 0, 0] = torch.nan
    some = find_pixel_faults(observe(damaged[0], *images[1:]), expected)
    assert [(f.rule, f.certain) for f in some] == [('finite', False)] * (count == 32)
    [every] = find_pixel_faults(observe(*damaged), expected)
    assert (every.rule, every.certain) == ('finite', True)
    scaled = [image / 255 for image in (damaged[0], *images[1:])]
    rules = [f.rule for f in find_pixel_faults(observe(*scaled), expected)]
    assert rules[-1] == 'scale'  # which a damaged image does not hide


@pytest.mark.parametrize('factor', [0.5, 0.8, 1, 1.3])
def test_brighter_or_darker_images_are_no_other_scale(factor):
    images = fair_images(**IMAGENET)
    seen = observe(*[image * factor for image in images])
    assert rules_of(seen, **IMAGENET, bgr=True, reverse=True) == set()


@pytest.mark.parametrize(
    ('order', 'told'),
    [
        ([5, 4, 3, 2, 1, 0], 'them reversed'),
        ([1, 2, 3, 4, 5, 0], 'counted from 1'),
        ([5, 0, 1, 2, 3, 4], 'the one before'),
        ([0, 1, 4, 3, 2, 5], 'channel 3, channel 5'),
    ],
)
def test_orders_of_bands_are_named(order, told):
    mean = (100.0, 700.0, 300.0, 1500.0, 2500.0, 50.0)
    std = tuple(0.3 * m for m in mean)
    seen = observe(*[image[order] for image in fair_images(mean, std)])
    (finding,) = find_pixel_faults(seen, Expectation(mean=mean, std=std))
    assert finding.rule == 'order'
    assert told in finding.text


def test_bands_that_look_alike_have_no_order():
    seen = observe(*fair_images((100.0, 101.0, 102.0), (30.0, 31.0, 30.0)))
    assert rules_of(seen, mean=(102.0, 101.0, 100.0), std=(30.0, 31.0, 30.0)) == set()


@pytest.mark.parametrize(('reverse', 'bgr'), [(True, False), (False, True)])
def test_rgb_statistics_want_rgb(reverse, bgr):
    seen = observe(*fair_images(**IMAGENET), reverse=reverse)
    assert rules_of(seen, **IMAGENET, bgr=bgr, reverse=reverse) == {'order'}


def test_labels_of_one_class_and_masks_without_classes_are_named():
    seen = observe(*fair_images(**IMAGENET, dtype=torch.uint8))
    for sample in seen.samples:
        sample.gt_label = torch.tensor([3])
        sample.gt_sem_seg = BaseDataElement(data=torch.full((1, 8, 8), 255))
    rules = [finding.rule for finding in find_label_faults(seen)]
    assert rules == ['masks', 'classes']
    assert [f.rule for f in find_label_faults(seen, training=False)] == ['masks']


def test_a_rule_can_be_ignored_and_refusals_can_be_warnings(ground_data, tmp_path):
    cfg = faults.classified(**faults.SMALL)
    assert 'scale' in setups.heard(cfg, tmp_path / 'a')[-1]
    hook = dict(type='rsp.PixelGuardHook', ignore=['scale'])
    assert setups.heard(cfg | dict(custom_hooks=[hook]), tmp_path / 'b') == []
    hook = dict(type='rsp.PixelGuardHook', refuse=False)
    (line,) = setups.heard(cfg | dict(custom_hooks=[hook]), tmp_path / 'c')
    assert line.startswith('train_dataloader: expected mean')


@pytest.mark.parametrize('name', QUICK)
def test_a_fault_of_each_kind_is_named(name, ground_data, tmp_path):
    (fault,) = [fault for fault in faults.FAULTS if fault.name == name]
    lines = setups.heard(fault.make(ground_data), tmp_path / 'run')
    assert any(word in line for line in lines for word in fault.told), lines


@pytest.mark.parametrize('right', faults.RIGHT[1::5], ids=lambda right: right.name)
def test_right_set_ups_are_silent(right, ground_data, tmp_path):
    assert setups.heard(right.make(ground_data), tmp_path / 'run') == []


@pytest.mark.slow
def test_95_of_100_faults_are_named_and_40_right_set_ups_are_silent(
    ground_data, tmp_path
):
    missed = []
    for number, fault in enumerate(faults.FAULTS):
        lines = setups.heard(fault.make(ground_data), tmp_path / f'{number}')
        if not any(word in line for line in lines for word in fault.told):
            missed.append(fault.name)
    assert len(faults.FAULTS) >= 100
    assert len(missed) <= 5, missed
    alarms = {}
    for number, right in enumerate(faults.RIGHT):
        lines = setups.heard(right.make(ground_data), tmp_path / f'right_{number}')
        if lines:
            alarms[right.name] = lines
    assert len(faults.RIGHT) >= 40
    assert alarms == {}
