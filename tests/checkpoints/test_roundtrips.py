"""Convert every released format to ours, to every library, and back."""

import importlib.util

import official
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision.models import alexnet, squeezenet1_0, vgg

from rsp import checkpoints
from rsp.checkpoints.checkpoint import take_backbone
from rsp.checkpoints.families import find_family, swin
from rsp.checkpoints.formats import get_state_dict
from rsp.checkpoints.networks import build_backbone, to_torchvision
from rsp.checkpoints.verification import collect_maps
from rsp.errors import UserError
from rsp.models.backbones import VGG

FORMATS = ['gersp', 'cmid', 'geokr', 'moco', 'mmselfsup', 'ours']
LIBRARIES = ['mmpretrain', 'mmdet', 'mmseg', 'mmrotate', 'torchvision', 'timm']
BN = dict(type='BN')
FAMILIES = dict(resnet=official.resnet, swin=official.swin, vit=official.vit)


def needs(library):
    module = library.replace('mmpretrain', 'rsp')
    if importlib.util.find_spec(module) is None:
        pytest.skip(f'{library} is not installed')


def image(side=224):
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))


def foreign_network(library, backbone):
    """The backbone's network in another library, untrained."""
    config = backbone.config()
    kind = config['type'].split('.')[-1]
    if library == 'torchvision':
        return backbone.family.torchvision_network(config)
    if library == 'timm':
        return backbone.family.timm_network(config)
    if kind == 'ResNet':
        from mmdet.models.backbones import ResNet as DetResNet
        from mmseg.models.backbones import ResNet as SegResNet

        networks_of = dict(mmdet=DetResNet, mmrotate=DetResNet, mmseg=SegResNet)
        return networks_of[library](depth=config['depth'])
    if kind == 'SwinTransformer':
        from mmdet.models.backbones import SwinTransformer as DetSwin
        from mmseg.models.backbones import SwinTransformer as SegSwin

        made = dict(mmdet=DetSwin, mmrotate=DetSwin, mmseg=SegSwin)[library]
        return made(**config['arch'], window_size=config['window_size'],
                    drop_path_rate=0.0)  # fmt: skip
    if library != 'mmseg':
        return build_backbone(backbone)  # they use mmpretrain's
    from mmseg.models.backbones import VisionTransformer

    arch = config['arch']
    return VisionTransformer(
        img_size=config['img_size'],
        patch_size=config['patch_size'],
        embed_dims=arch['embed_dims'],
        num_layers=arch['num_layers'],
        num_heads=arch['num_heads'],
        mlp_ratio=arch['feedforward_channels'] // arch['embed_dims'],
        final_norm=True,
        patch_bias=True,
        norm_cfg=dict(type='LN', eps=1e-6),
    )


def compare(model, library, side):
    """Convert a model to a library and back; maps and tensors must be the same."""
    state = model.state_dict()
    backbone = take_backbone(state)
    renamed = backbone.for_library(library)
    other = model if library == 'mmpretrain' else foreign_network(library, backbone)
    fresh = {n: t for n, t in other.state_dict().items() if n not in renamed}
    assert all(n.startswith(('norm0', 'norm1', 'norm2')) for n in fresh), list(fresh)
    other.load_state_dict(renamed | fresh, strict=True)
    pictures = image(side)
    maps = collect_maps(model, pictures)
    others = collect_maps(other, pictures)
    assert maps.keys() == others.keys()
    assert len(maps) >= 3
    for place, expected in maps.items():
        assert_close(others[place], expected, rtol=0, atol=2e-6 * expected.abs().max())
    back = take_backbone(
        {n: t for n, t in other.state_dict().items() if n not in fresh}
    )
    assert back.tensors.keys() == state.keys()
    assert not back.unknown
    for name, tensor in state.items():
        assert torch.equal(back.tensors[name], tensor), name


@pytest.mark.parametrize('library', LIBRARIES)
@pytest.mark.parametrize('family', FAMILIES)
def test_every_library_computes_the_same_and_gives_it_back(library, family):
    needs(library)
    compare(FAMILIES[family](), library, dict(resnet=64, swin=224, vit=32)[family])


@pytest.mark.parametrize('format', FORMATS)
@pytest.mark.parametrize('branch', ['student', 'teacher'])
def test_both_branches_come_out_of_every_format(format, branch):
    models = dict(
        student=official.narrow_resnet(18), teacher=official.narrow_resnet(34)
    )
    state = get_state_dict(getattr(official, format)(*models.values()))
    backbone = take_backbone(state, branch)
    assert backbone.format.key == dict(ours='rsp').get(format, format)
    assert backbone.tensors.keys() == models[branch].state_dict().keys()
    for name, tensor in models[branch].state_dict().items():
        assert torch.equal(backbone.tensors[name], tensor)
    prefix = [n for n in state if n.endswith('conv1.weight') and n in backbone.left_out]
    assert prefix, 'the other branch is told to be left out'
    assert len(backbone.left_out) + len(backbone.tensors) == len(state)
    default = take_backbone(state).branch
    assert default == ('teacher' if format == 'geokr' else 'student')


def test_a_cmid_swin_needs_no_renaming():
    model = official.swin()
    backbone = take_backbone(get_state_dict(official.cmid(model, official.swin())))
    assert list(backbone.tensors) != []
    for name, tensor in model.state_dict().items():
        assert torch.equal(backbone.tensors[name], tensor), name


def test_a_mask_token_is_left_out_and_said_to_be():
    backbone = take_backbone(
        get_state_dict(
            official.cmid(official.narrow_resnet(), official.narrow_resnet())
        )
    )
    assert 'online_encoder.mask_token' in backbone.left_out


def test_an_unknown_tensor_is_kept_and_listed():
    state = official.swin().state_dict() | {'stages.0.blocks.0.gate': torch.ones(1)}
    backbone = take_backbone(state)
    assert backbone.unknown == ('stages.0.blocks.0.gate',)
    assert 'stages.0.blocks.0.gate' in backbone.for_library('mmseg')
    with pytest.raises(UserError, match=r'blocks\.0\.gate; it is not converted'):
        backbone.for_library('torchvision')


def test_patch_merging_is_the_same_function_in_both_orders():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(6, 4 * 3, generator=generator)
    name = 'stages.0.downsample.reduction.weight'
    patches = torch.randn(4, 3, generator=generator)  # 00, 10, 01, 11
    expected = weight @ patches.flatten()
    ours = swin.merge_by_channel({name: weight})[name]
    in_reading_order = patches[[0, 2, 1, 3]]  # 00, 01, 10, 11
    assert_close(ours @ in_reading_order.T.flatten(), expected)
    assert torch.equal(swin.merge_by_patch({name: ours})[name], weight)


def test_the_position_index_is_that_of_mmpretrain():
    model = official.swin()
    index = model.stages[0].blocks[0].attn.w_msa.relative_position_index
    assert torch.equal(swin.position_index(7), index)


def test_old_names_of_timm_place_the_merging_after_the_stage():
    model = official.swin()
    authors = swin.Swin().mapping_for('first authors')
    old = authors.from_mm(model.state_dict())
    assert 'layers.0.downsample.reduction.weight' in old
    old['layers.0.blocks.1.attn_mask'] = torch.zeros(4, 49, 49)
    old |= {'head.weight': torch.zeros(3, 256), 'head.bias': torch.zeros(3)}
    backbone = take_backbone(old)
    assert set(backbone.left_out) == {
        'layers.0.blocks.1.attn_mask', 'head.weight', 'head.bias',
    }  # fmt: skip
    for name, tensor in model.state_dict().items():
        assert torch.equal(backbone.tensors[name], tensor), name


def test_position_embeddings_are_fitted_as_mmpretrain_does():
    model, large = official.vit(), official.vit(img_size=64)
    large.load_state_dict(model.state_dict())
    backbone = take_backbone(model.state_dict()).resize(64)
    assert_close(backbone.tensors['pos_embed'], large.pos_embed.data)


def test_an_unknown_format_is_refused_with_its_parts():
    with pytest.raises(ValueError, match=r'known format.*got a \(1 tensor\), b \(1\)'):
        take_backbone({'a.x': torch.zeros(1), 'b.y': torch.zeros(1)})
    with pytest.raises(ValueError, match=r"format 'moco', got a bare network"):
        take_backbone(official.vit().state_dict(), format='moco')


@pytest.mark.parametrize('to', checkpoints.TARGETS)
@pytest.mark.parametrize('family', FAMILIES)
def test_converting_twice_is_converting_once(tmp_path, to, family):
    file = tmp_path / 'source.pth'
    families = FAMILIES | dict(resnet=official.narrow_resnet)
    torch.save(families[family]().state_dict(), file)
    ending = '.safetensors' if to == 'safetensors' else '.pth'
    once, twice = tmp_path / f'once{ending}', tmp_path / f'twice{ending}'
    first = checkpoints.export_backbone(file, once, to=to)
    second = checkpoints.export_backbone(once, twice, to=to)
    assert first == second
    states = [checkpoints.read(path)['state_dict'] for path in (once, twice)]
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name])
    assert once.read_bytes() == twice.read_bytes() or to != 'safetensors'


@pytest.mark.parametrize('norm', [None, BN], ids=['plain', 'bn'])
@pytest.mark.parametrize('depth', [11, 13, 16, 19])
def test_a_vgg_computes_the_same_in_torchvision_and_comes_back(depth, norm):
    """Torchvision's own layers, filled strictly; both sides count them differently."""
    model = official.randomised(VGG(depth, norm_cfg=norm))
    backbone = take_backbone(model.state_dict())
    assert (backbone.family.name, backbone.unknown) == ('VGG', ())
    assert backbone.architecture == f'VGG-{depth}' + (
        ' with batch norm' if norm else ''
    )
    layers = vgg.cfgs[{11: 'A', 13: 'B', 16: 'D', 19: 'E'}[depth]]
    theirs = nn.ModuleDict(dict(features=vgg.make_layers(layers, norm is not None)))
    theirs.load_state_dict(backbone.for_library('torchvision'), strict=True)
    pictures = image(32)
    with torch.no_grad():
        assert_close(theirs.eval()['features'](pictures), model(pictures)[-1])
    again = take_backbone(theirs.state_dict())
    assert (again.family.name, again.library) == ('VGG', 'torchvision')
    assert again.tensors.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.tensors[name], tensor), name


def test_a_torchvision_vgg_fills_ours_and_is_verified(tmp_path):
    """With its classifier, as it is downloaded, and as an official GeoKR would be."""
    source = official.randomised(to_torchvision(VGG(11, norm_cfg=BN)))
    source.classifier = nn.Sequential(nn.Linear(512, 8))
    torch.save(source.state_dict(), tmp_path / 'vgg.pth')
    model = VGG(11, norm_cfg=BN)
    report = checkpoints.load_pretrained(model, tmp_path / 'vgg.pth')
    assert report.percent == 100
    assert report.ignored == ('classifier.0.weight', 'classifier.0.bias')
    result = checkpoints.verify(tmp_path / 'vgg.pth', model)
    assert result.passed, str(result)
    assert result.maps == 5
    bare = nn.ModuleDict(dict(features=source.features))
    torch.save(official.geokr(bare, bare), tmp_path / 'geokr.pth')
    report = checkpoints.load_pretrained(model, tmp_path / 'geokr.pth')
    assert (report.percent, report.branch) == (100, 'teacher')


def test_an_alexnet_is_no_vgg():
    for network in (alexnet(), squeezenet1_0()):
        assert find_family(network.state_dict()) is None
