"""Maps of where a network looks: closed forms and an oracle."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from rsp.errors import UserError
from rsp.ops.features.saliency import (
    eigen_cam,
    energy_inside,
    grad_cam,
    points_inside,
)

N, C, H, W, K = 2, 5, 3, 4, 6


def test_behind_a_mean_and_a_linear_layer_it_is_the_class_activation_map():
    # Zhou et al. 2016: the classifier's weights times the maps, here over hw.
    maps = torch.randn(N, C, H, W, requires_grad=True)
    classifier = nn.Linear(C, K)
    classes = torch.tensor([3, 1])
    logits = classifier(maps.mean(dim=(2, 3)))
    [gradients] = torch.autograd.grad(logits[torch.arange(N), classes].sum(), maps)
    expected = torch.einsum('nc,nchw->nhw', classifier.weight[classes], maps).relu()
    assert_close(grad_cam(maps, gradients), expected / (H * W))


def test_gradients_of_another_shape_are_refused():
    with pytest.raises(UserError, match='gradients'):
        grad_cam(torch.ones(N, C, H, W), torch.ones(N, C, 1, 1))


def test_eigen_cam_of_one_direction_is_its_strength():
    strength = torch.rand(N, 1, H, W)
    direction = torch.randn(C)
    direction = direction / direction.norm()
    found = eigen_cam(strength * direction.view(1, C, 1, 1))
    assert_close(found, strength[:, 0])


@pytest.mark.parametrize('sign', [1, -1])
def test_eigen_cam_has_no_sign_to_lose(sign):
    maps = torch.rand(N, C, H, W)
    assert_close(eigen_cam(sign * maps), eigen_cam(maps))
    assert (eigen_cam(maps) > 0).all()


def test_eigen_cam_follows_the_positions():
    maps = torch.randn(N, C, H, W)
    assert_close(eigen_cam(maps.flip(3)), eigen_cam(maps).flip(2))


def test_energy_is_a_share_and_that_of_the_area_if_nothing_is_preferred():
    inside = torch.zeros(H, W, dtype=torch.bool)
    inside[0, :3] = True
    saliency = torch.zeros(H, W)
    assert energy_inside(saliency, inside) == 3 / 12
    assert energy_inside(torch.full((H, W), 7.0), inside) == 3 / 12
    saliency[0, 0], saliency[2, 2] = 3, 1
    assert energy_inside(saliency, inside) == 0.75


def test_a_map_points_where_it_is_highest():
    inside = torch.zeros(H, W, dtype=torch.bool)
    inside[1, 2] = True
    saliency = torch.zeros(H, W)
    assert not points_inside(saliency, inside)
    saliency[1, 2] = 1
    assert points_inside(saliency, inside)
    saliency[0, 0] = 1  # as high elsewhere
    assert not points_inside(saliency, inside)
