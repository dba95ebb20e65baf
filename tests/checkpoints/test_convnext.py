"""ConvNeXts of every library compute the same, and are taken for nothing else."""

import official
import pytest
import torch
from mmpretrain.models import ConvNeXt
from torch.testing import assert_close

from rsp import checkpoints
from rsp.checkpoints import load_backbone, to_timm, to_torchvision
from rsp.checkpoints.checkpoint import take_backbone
from rsp.errors import UserError

DEPTHS, WIDTHS = [1, 2, 1, 1], [8, 16, 24, 32]


def mm(grn):
    network = ConvNeXt(
        dict(depths=DEPTHS, channels=WIDTHS),
        use_grn=grn,
        layer_scale_init_value=0.0 if grn else 1.0,
        gap_before_final_norm=False,
    )
    return official.randomised(network)


def timm(grn, **more):
    convnext = pytest.importorskip('timm.models.convnext')
    network = convnext.ConvNeXt(
        depths=DEPTHS, dims=WIDTHS, use_grn=grn, ls_init_value=None if grn else 1.0,
        num_classes=5, **more,
    )  # fmt: skip
    return official.randomised(network)


def torchvision():
    from torchvision.models.convnext import CNBlockConfig
    from torchvision.models.convnext import ConvNeXt as Theirs

    wider = [*WIDTHS[1:], None]
    stages = map(CNBlockConfig, WIDTHS, wider, DEPTHS)
    return official.randomised(Theirs(list(stages), num_classes=5))


def first_authors(grn):
    """facebookresearch/ConvNeXt and ConvNeXt-V2; factors have three axes of one."""
    words = dict(depthwise_conv='dwconv', norm3='norm', pointwise_conv='pwconv')
    state = {}
    for name, tensor in mm(grn).state_dict().items():
        for word, theirs in words.items():
            name = name.replace(word, theirs)
        state[name] = tensor.view(1, 1, 1, -1) if '.grn.' in name else tensor
    return state | {'head.weight': torch.ones(5, 32), 'head.bias': torch.ones(5)}


def images():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('grn', [False, True], ids=['v1', 'v2'])
def test_a_file_of_timm_computes_the_same(tmp_path, grn):
    network = timm(grn)
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'a.pth')
    built = load_backbone(tmp_path / 'a.pth')
    with torch.no_grad():
        before = network.forward_features(images())
        # timm normalizes behind the pooling, here the map is normalized.
        maps = network.head.norm(before)
        found = built(images())[-1]
    assert_close(found, maps, rtol=0, atol=float(3e-6 * maps.abs().max()))
    back = to_timm(tmp_path / 'a.pth')
    with torch.no_grad():
        pooled = network.forward_head(before, pre_logits=True)
        assert_close(back(images()), pooled)


def test_a_file_of_torchvision_computes_the_same(tmp_path):
    network = torchvision()
    torch.save(network.state_dict(), tmp_path / 'a.pth')
    built = load_backbone(tmp_path / 'a.pth')
    with torch.no_grad():
        maps = network.classifier[0](network.features(images()))
        assert_close(built(images())[-1], maps, rtol=0, atol=float(3e-6 * maps.max()))
        network.classifier[2] = torch.nn.Identity()
        assert_close(to_torchvision(tmp_path / 'a.pth')(images()), network(images()))
    taken = checkpoints.Checkpoint.load(tmp_path / 'a.pth').backbone()
    assert set(taken.left_out) == {'classifier.2.weight', 'classifier.2.bias'}


@pytest.mark.parametrize('grn', [False, True], ids=['v1', 'v2'])
def test_a_file_of_the_first_authors_is_renamed_whole(grn):
    taken = take_backbone(first_authors(grn))
    assert taken.library == 'first authors'
    assert set(taken.left_out) == {'head.weight', 'head.bias'}
    expected = mm(grn).state_dict()
    assert taken.tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(taken.tensors[name], tensor), name
    version = ' V2' if grn else ''
    assert taken.architecture == f'ConvNeXt{version} with 1-2-1-1 blocks'


@pytest.mark.parametrize(
    ('library', 'grn'), [('timm', False), ('timm', True), ('torchvision', False)]
)
def test_there_and_back_gives_every_number(library, grn):
    state = mm(grn).state_dict()
    there = take_backbone(state).for_library(library)
    network = timm(grn) if library == 'timm' else torchvision()
    own = network.state_dict()
    assert {n: t.shape for n, t in there.items()}.items() <= {
        n: t.shape for n, t in own.items()
    }.items()
    back = take_backbone(there).tensors
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


def test_verify_compares_four_stages(tmp_path):
    source, out = tmp_path / 'a.pth', tmp_path / 'b.pth'
    torch.save({f'backbone.{n}': t for n, t in mm(False).state_dict().items()}, source)
    checkpoints.export_backbone(source, out, to='torchvision')
    result = checkpoints.verify(out, torchvision(), source)
    assert result.passed, str(result)
    assert result.maps == 4


def test_a_convolutional_mlp_is_told_from_a_linear_one(tmp_path):
    network = timm(False, conv_mlp=True)
    taken = take_backbone(network.state_dict())
    assert taken.config()['linear_pw_conv'] is False
    torch.save(network.state_dict(), tmp_path / 'a.pth')
    with torch.no_grad():
        expected = network.forward_features(images())
    built = load_backbone(tmp_path / 'a.pth')
    with torch.no_grad():
        found = built(images())[-1]
    assert_close(found, network.head.norm(expected).detach(), rtol=0, atol=1e-4)


def test_torchvision_has_no_version_2(tmp_path):
    torch.save(mm(True).state_dict(), tmp_path / 'a.pth')
    with pytest.raises(UserError, match='no ConvNeXt V2; use timm'):
        to_torchvision(tmp_path / 'a.pth')
