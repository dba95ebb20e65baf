import pytest
import torch
from mmpretrain.models import ResNet
from torch.testing import assert_close

from rsp.models.modules import BandDataPreprocessor


def test_five_bands_by_hand_reach_a_backbone():
    mean, std = [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 1.0, 2.0, 1.0]
    images = torch.full((2, 5, 32, 32), 7, dtype=torch.uint8)
    out = BandDataPreprocessor(mean, std)(dict(inputs=images, data_samples=None))
    expected = torch.tensor([6.0, 2.5, 4.0, 1.5, 2.0])
    assert_close(out['inputs'][1, :, 3, 4], expected)
    net = ResNet(18, in_channels=5, stem_channels=8, base_channels=4)
    assert net(out['inputs'])[-1].shape == (2, 32, 1, 1)


def test_views_and_the_order_of_three_bands():
    views = [torch.arange(3.0).view(1, 3, 1, 1).expand(2, 3, 4, 4) for _ in range(2)]
    out = BandDataPreprocessor([0.0, 0, 0], [1.0, 2, 4], to_rgb=True)(
        dict(inputs=views, data_samples=None)
    )
    assert [v[0, :, 0, 0].tolist() for v in out['inputs']] == [[2, 0.5, 0]] * 2


def test_floats_without_statistics_stay():
    images = torch.rand(2, 7, 4, 4)
    out = BandDataPreprocessor()(dict(inputs=images, data_samples=None))
    assert torch.equal(out['inputs'], images)


def test_statistics_move_with_the_module_and_stay_out_of_checkpoints():
    module = BandDataPreprocessor([0.0] * 4, [1.0] * 4)
    assert module.state_dict() == {}
    assert module.to(torch.float64).mean.dtype == torch.float64


def test_wrong_numbers_of_bands_are_refused():
    batch = dict(inputs=torch.zeros(2, 5, 4, 4), data_samples=None)
    with pytest.raises(ValueError, match=r'as many bands as .*, 4, got 5'):
        BandDataPreprocessor([0.0] * 4, [1.0] * 4)(batch)
    with pytest.raises(ValueError, match=r'bands for to_rgb=True to be 3, got 5'):
        BandDataPreprocessor(to_rgb=True)(batch)
    for wrong in (([0.0] * 4, None), ([0.0] * 4, [1.0] * 3)):
        with pytest.raises(ValueError, match="as many numbers in 'mean' as in 'std'"):
            BandDataPreprocessor(*wrong)
