import pytest
import torch
from torch.testing import assert_close

from rsp.models.necks import Projector


def test_it_equals_the_written_out_layers():
    neck, feats = Projector([6, 5, 4, 3]), torch.randn(2, 6)
    first, second, third = (neck.mlp[i] for i in (0, 2, 4))
    hidden = (feats @ first.weight.T + first.bias).clamp_min(0)
    hidden = (hidden @ second.weight.T + second.bias).clamp_min(0)
    assert_close(neck((feats,))[0], hidden @ third.weight.T + third.bias)


def test_two_widths_make_one_linear_layer():
    neck, feats = Projector([4, 2]), -torch.ones(3, 4)
    assert_close(neck((feats,))[0], feats @ neck.mlp[0].weight.T + neck.mlp[0].bias)


def test_the_published_projector_has_its_size():
    count = sum(p.numel() for p in Projector([2048, 2048, 128]).parameters())
    assert count == 4_458_624


def test_a_single_width_is_refused():
    with pytest.raises(ValueError, match=r"'widths' of at least 2, got 1"):
        Projector([128])


def test_features_of_another_backbone_are_refused():
    with pytest.raises(ValueError, match=r"size 2048, got 512.*'widths' to 512"):
        Projector([2048, 128])((torch.zeros(2, 512),))
