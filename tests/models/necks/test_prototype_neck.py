import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from rsp.models.necks import Projector, PrototypeNeck


@pytest.mark.parametrize(
    ('channels', 'norm', 'published'),
    [(2048, dict(type='BN1d'), 9_451_776), (1024, None, 7_346_432)],
)
def test_published_sizes(channels, norm, published):
    """The official gain, 2048 frozen ones, does not exist here."""
    neck = PrototypeNeck(channels, norm_cfg=norm)
    assert sum(p.numel() for p in neck.parameters()) == published - 2048


@pytest.mark.parametrize(
    ('channels', 'published'), [(2048, 4_720_896), (1024, 2_623_744)]
)
def test_published_sizes_of_the_projector(channels, published):
    projector = Projector([channels, 2048, 256])
    assert sum(p.numel() for p in projector.parameters()) == published


def small():
    return PrototypeNeck(5, 8, 4, 9)


def test_scores_are_cosines_also_after_training():
    """Prototypes have length 1 at any time."""
    neck = small()
    optimizer = torch.optim.SGD(neck.parameters(), 10.0)
    patches = torch.randn(6, 5)
    for _ in range(3):
        scores = neck(patches)
        assert scores.abs().max() <= 1 + 1e-6
        optimizer.zero_grad()
        scores.square().sum().backward()
        optimizer.step()
    descriptors, prototypes = neck.mlp(patches), neck.prototypes
    cosines = F.cosine_similarity(descriptors[:, None], prototypes[None], dim=2)
    assert_close(neck(patches), cosines)


def test_it_equals_weight_norm_with_gain_one():
    neck = small()
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 9, bias=False))
    layer.parametrizations.weight.original0.data.fill_(1)
    layer.parametrizations.weight.original1.data.copy_(neck.prototypes)
    patches = torch.randn(6, 5)
    assert_close(neck(patches), layer(F.normalize(neck.mlp(patches), dim=1)))


def test_the_gain_does_not_exist():
    """Nothing of it is learned, stored or decayed."""
    assert all('weight_g' not in name for name in small().state_dict())


def test_scores_keep_full_precision_under_autocast():
    neck = small()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        scores = neck(torch.randn(6, 5))
    assert scores.dtype == torch.float32


def test_features_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"size 5, got 7; set 'in_channels'"):
        small()(torch.randn(6, 7))
