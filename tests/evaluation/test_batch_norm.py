import pytest
import torch
from torch import nn
from torch.testing import assert_close

from rsp.evaluation.batch_norm import reestimate_batch_norm


def test_statistics_are_means_over_batches():
    norm = nn.BatchNorm2d(3)
    norm(torch.randn(4, 3, 8, 6) + 100)  # an earlier life, to be forgotten
    batches = [(3 * torch.randn(5, 3, 8, 6) + 1, None) for _ in range(4)]
    reestimate_batch_norm(norm, batches)
    means = torch.stack([images.mean(dim=(0, 2, 3)) for images, _ in batches])
    variances = torch.stack([images.var(dim=(0, 2, 3)) for images, _ in batches])
    assert_close(norm.running_mean, means.mean(dim=0))
    assert_close(norm.running_var, variances.mean(dim=0))


def test_deeper_layers_see_normalized_inputs():
    backbone = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    images = 50 + 9 * torch.randn(64, 3, 8, 6)
    reestimate_batch_norm(backbone, [(images, None)])
    out = backbone.eval()(images)
    assert_close(out.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    assert_close(out.var(dim=(0, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)


def test_weights_mode_and_momentum_stay():
    norm = nn.BatchNorm2d(3, momentum=0.3).eval()
    reestimate_batch_norm(norm, [(torch.randn(2, 3, 8, 6), None)])
    assert not norm.training
    assert norm.momentum == 0.3
    assert_close(norm.weight.detach(), torch.ones(3))


def test_a_backbone_without_batch_norm_is_left_alone():
    layer = nn.Conv2d(3, 4, 1)
    before = layer.weight.detach().clone()
    reestimate_batch_norm(layer, [(torch.randn(2, 3, 8, 6), None)])
    assert_close(layer.weight.detach(), before, rtol=0, atol=0)


def test_no_batch_is_refused():
    with pytest.raises(ValueError, match='at least one batch of images, got none'):
        reestimate_batch_norm(nn.BatchNorm2d(3), [])


@pytest.mark.dist
def test_two_processes_share_one_result(gloo):
    # The ranks hold images of value 1 and 2.
    assert gloo(reestimated_mean) == [[1.5] * 3] * 2


def reestimated_mean():
    norm = nn.BatchNorm2d(3)
    value = torch.distributed.get_rank() + 1.0
    reestimate_batch_norm(norm, [(torch.full((2, 3, 4, 4), value), None)])
    return norm.running_mean.tolist()
