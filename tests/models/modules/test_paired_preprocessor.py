import pytest
import torch
from mmpretrain.structures import DataSample
from torch.testing import assert_close

from rsp.models.modules import PairedDataPreprocessor

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def normalize(images):
    preprocessor = PairedDataPreprocessor(mean=MEAN, std=STD, to_rgb=True)
    labels = DataSample().set_gt_label(torch.tensor([3, 1]))
    batch = dict(
        remote=dict(inputs=[images, images], data_samples=DataSample()),
        natural=dict(inputs=images, data_samples=labels),
    )
    return preprocessor(batch, training=True)


@pytest.mark.parametrize(
    ('level', 'values'),
    [(255, [2.2489, 2.4286, 2.64]), (0, [-2.1179, -2.0357, -1.8044])],
)
def test_white_and_black_become_the_published_values(level, values):
    """For every source and view alike."""
    out = normalize(torch.full((2, 3, 4, 5), level, dtype=torch.uint8))
    expected = torch.tensor(values).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    for images in (*out['inputs']['remote'], out['inputs']['natural']):
        assert_close(images, expected, atol=1e-4, rtol=0)


def test_channels_turn_from_bgr_to_rgb():
    images = torch.zeros(2, 3, 4, 5, dtype=torch.uint8)
    images[:, 2] = 255  # red, in mmcv's order
    red = normalize(images)['inputs']['natural'][0, :, 0, 0]
    assert_close(red, torch.tensor([2.2489, -2.0357, -1.8044]), atol=1e-4, rtol=0)


def test_labels_stay_with_their_source():
    out = normalize(torch.zeros(2, 3, 4, 5, dtype=torch.uint8))
    assert out['data_samples']['natural'].gt_label.tolist() == [3, 1]
    assert 'gt_label' not in out['data_samples']['remote']


def test_a_source_of_other_bands_has_statistics_of_its_own():
    own = dict(natural=dict(mean=MEAN, std=STD, to_rgb=True))
    preprocessor = PairedDataPreprocessor([1.0] * 13, [2.0] * 13, sources=own)
    scenes = torch.full((2, 13, 4, 5), 7.0)
    photos = torch.full((2, 3, 4, 5), 255, dtype=torch.uint8)
    batch = dict(
        remote=dict(inputs=[scenes, scenes], data_samples=DataSample()),
        natural=dict(inputs=photos, data_samples=DataSample()),
    )
    out = preprocessor(batch, training=True)['inputs']
    assert [view.unique().tolist() for view in out['remote']] == [[3.0], [3.0]]
    white = torch.tensor([2.2489, 2.4286, 2.64])
    assert_close(out['natural'][0, :, 0, 0], white, atol=1e-4, rtol=0)
    assert preprocessor.mean.shape == (13, 1, 1)


def test_other_bands_without_statistics_of_their_own_are_refused():
    preprocessor = PairedDataPreprocessor([1.0] * 13, [2.0] * 13)
    batch = dict(natural=dict(inputs=torch.zeros(2, 3, 4, 5), data_samples=None))
    told = r"source 'natural': .* 13, got 3; .* data_preprocessor.sources.natural\."
    with pytest.raises(ValueError, match=told):
        preprocessor(batch)


def test_a_single_number_is_that_of_all_bands():
    preprocessor = PairedDataPreprocessor([1.0], [2.0])
    batch = dict(remote=dict(inputs=torch.full((1, 3, 2, 2), 5.0), data_samples=None))
    assert preprocessor(batch)['inputs']['remote'].unique().tolist() == [2.0]
