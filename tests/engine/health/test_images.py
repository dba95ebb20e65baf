"""Images, labels and masks are measured as the network gets them."""

import math

import pytest
import torch
from mmpretrain.structures import DataSample

from rsp.engine.health.images import measure_batch


def views(count=8, side=40):
    """Draw two noisy views of images of different brightness."""
    level = torch.rand(count, 1, 1, 1) * 200
    return [level + 5 * torch.randn(count, 3, side, side + 4) for _ in range(2)]


def test_views_of_an_image_are_more_alike_than_those_of_others():
    first, second = views(32)
    assert measure_batch(dict(inputs=[first, second]))['view_ratio'] > 50
    shuffled = second[torch.randperm(32, generator=torch.Generator().manual_seed(0))]
    assert measure_batch(dict(inputs=[first, shuffled]))['view_ratio'] < 5


def test_images_of_one_value_and_equal_views_are_counted():
    first, second = views()
    first[:6] = 7.0
    second[6:] = first[6:]
    found = measure_batch(dict(inputs=[first, second]))
    assert found['flat_images'] == 6 / 8
    assert found['equal_views'] == 2 / 8


def test_equal_views_are_infinitely_alike():
    first, _ = views()
    found = measure_batch(dict(inputs=[first, first.clone()]))
    assert found['equal_views'] == 1
    assert found['view_ratio'] == math.inf


@pytest.mark.parametrize('value', [torch.nan, torch.inf])
def test_a_broken_band_is_numbered_from_one(value):
    first, second = views()
    assert measure_batch(dict(inputs=[first, second]))['broken_band'] == 0
    second[3, 1, 5, 5] = value
    # Every pixel is not looked at, whole bands are.
    second[:, 1] = value
    found = measure_batch(dict(inputs=[first, second]))
    assert found['broken_band'] == 2
    assert math.isfinite(found['flat_images'])


@pytest.mark.parametrize('prepared', [True, False])
def test_of_paired_data_scenes_and_labels_are_found(prepared):
    photos = views()[0]
    labels = [DataSample().set_gt_label(k % 2) for k in range(8)]
    inputs = dict(remote=views(), natural=photos)
    samples = dict(remote=[], natural=labels)
    batch = dict(inputs=inputs, data_samples=samples)
    if not prepared:
        batch = {n: dict(inputs=inputs[n], data_samples=samples[n]) for n in inputs}
    found = measure_batch(batch)
    assert 'view_ratio' in found
    assert (found['labels'], found['label_spread']) == (8, 0.5)


def test_shares_of_land_cover_that_do_not_differ_have_no_spread():
    shares = torch.tensor([0.2, 0.8]).expand(6, 2)
    together = DataSample().set_gt_score(shares[0])
    together.gt_score = shares
    apart = [DataSample().set_gt_score(row) for row in shares]
    for samples in (together, apart):
        found = measure_batch(dict(inputs=views(6)[0], data_samples=samples))
        assert found['labels'] == 6
        assert found['label_spread'] == pytest.approx(0, abs=1e-6)


def test_masks_are_shares():
    samples = DataSample()
    samples.masks = torch.zeros(4, 2, 8, 8)
    samples.masks[..., :2] = 1
    found = measure_batch(dict(inputs=views(4), data_samples=samples))
    assert found['masked'] == 0.25


def test_images_of_many_sizes_are_left_out():
    mixed = [torch.zeros(3, 8, 8), torch.zeros(3, 9, 8)]
    assert measure_batch(dict(inputs=mixed)) == {}
    assert measure_batch('no batch') == {}
