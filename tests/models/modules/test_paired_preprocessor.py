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
