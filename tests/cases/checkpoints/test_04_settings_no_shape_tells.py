"""Heads, strides, dilations and style come from config or card, or are said to be
guessed.

No tensor tells them: 12, 6 and 2 heads and strides (1, 2, 2, 2) were taken silently,
and `verify` compared with a network that was never trained.
"""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import MoCoV3ViT, ResNet, VisionTransformer
from safetensors.torch import load_file
from torch.testing import assert_close

from rsp import checkpoints
from rsp.checkpoints import load_backbone, to_timm, to_torchvision
from rsp.checkpoints.checkpoint import take_backbone
from rsp.checkpoints.diff import load_state_dict_strict
from rsp.checkpoints.families.vit import HEADS_BY_NAME
from rsp.errors import UserError
from rsp.models.backbones import TIMMVisionTransformer

CONFIGS = Path(__file__).parents[3] / 'configs'
ARCH = dict(embed_dims=128, num_layers=1, num_heads=8, feedforward_channels=128)
CAFFE = dict(style='caffe')
NARROW = dict(stem_channels=4, base_channels=4)
STRIDES = dict(strides=(1, 2, 2, 1))
DILATED = dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))


def save(network, file, backbone=None, **meta):
    """Write the file of a run, with its config if that is given."""
    state = {f'backbone.{name}': t for name, t in network.state_dict().items()}
    if backbone:
        meta['cfg'] = f"model = dict(type='M', backbone={backbone!r})"
    torch.save(dict(state_dict=state, meta=meta), file)
    return file


def vit(**settings):
    torch.manual_seed(0)
    given = dict(arch=ARCH, img_size=32, patch_size=16, out_type='raw') | settings
    network = VisionTransformer(**given)
    network.eval()
    return network, dict(type='VisionTransformer', **given)


def resnet(depth=18, **settings):
    torch.manual_seed(0)
    given = dict(depth=depth, **NARROW | settings)
    network = ResNet(**given, out_indices=(0, 1, 2, 3))
    network.eval()
    return network, dict(type='mmpretrain.ResNet', **given)


def agree(network, trained, side=64):
    images = torch.randn(1, 3, side, side)
    with torch.no_grad():
        found, expected = network(images)[-1], trained(images)[-1]
    assert_close(found, expected)


def test_heads_of_the_config_are_built(tmp_path):
    network, backbone = vit()
    file = save(network, tmp_path / 'a.pth', backbone)
    built = load_backbone(file)
    assert built.layers[0].attn.num_heads == 8
    agree(built, network, 32)
    assert to_timm(file).blocks[0].attn.num_heads == 8
    assert to_torchvision(file).encoder.layers[0].num_heads == 8


@pytest.mark.parametrize(
    ('kind', 'arch', 'heads'),
    [(VisionTransformer, 'small', 8), (MoCoV3ViT, 'mocov3-small', 12)],
)
def test_heads_are_those_of_the_name_of_an_architecture(kind, arch, heads):
    with torch.device('meta'):
        network = kind(arch=arch, img_size=224, patch_size=16)
    from rsp.checkpoints.families.vit import ViT

    assert network.layers[0].attn.num_heads == heads
    backbone = dict(type=kind.__name__, arch=arch, patch_size=16)
    assert ViT().known(backbone) == dict(num_heads=heads, patch_stride=16)
    guess = take_backbone(network.state_dict()).guessed_settings
    assert guess['num_heads'] != heads


def test_the_heads_of_named_architectures_are_those_of_mmpretrain():
    MoCoV3ViT('mocov3-small', img_size=224, patch_size=16)  # joins the list when built
    listed = {name: arch['num_heads'] for name, arch in MoCoV3ViT.arch_zoo.items()}
    assert listed == HEADS_BY_NAME


def test_heads_of_our_own_quick_start_are_in_its_config(tmp_path):
    """Of 32 channels each: two were taken, it has four."""
    cfg = Config.fromfile(CONFIGS / 'cmid' / 'vit_t_quickstart.py')
    network = VisionTransformer(
        cfg.model.backbone.arch, img_size=32, patch_size=8, out_type='raw'
    )
    state = {f'backbone.{name}': t for name, t in network.state_dict().items()}
    file = tmp_path / 'epoch_1.pth'
    torch.save(dict(state_dict=state, meta=dict(cfg=cfg.pretty_text)), file)
    taken = checkpoints.Checkpoint.load(file).backbone()
    assert taken.known_settings['num_heads'] == cfg.model.backbone.arch.num_heads == 4


@pytest.mark.parametrize('to', ['mmpretrain', 'safetensors', 'timm', 'torchvision'])
def test_an_export_keeps_the_heads_in_its_card(tmp_path, to):
    network, backbone = vit()
    file = save(network, tmp_path / 'a.pth', backbone)
    out = tmp_path / ('b.safetensors' if to == 'safetensors' else 'b.pth')
    meta = checkpoints.export_backbone(file, out, to=to)
    assert meta['card']['backbone'] == dict(num_heads=8, patch_stride=16)
    assert meta['guessed'] == {}
    json.dumps(meta['card'])
    # Twice exported, too.
    again = tmp_path / 'c.pth'
    checkpoints.export_backbone(out, again)
    for path in (out, again):
        agree(load_backbone(path), network, 32)
        assert 'settings  num_heads 8' in str(checkpoints.inspect(path))
    if to == 'safetensors':
        assert 'layers.0.attn.qkv.weight' in load_file(out)


@pytest.mark.parametrize('settings', [STRIDES, DILATED, CAFFE], ids=str)
def test_a_resnet_is_built_as_it_was_trained(tmp_path, settings):
    network, backbone = resnet(50 if settings is CAFFE else 18, **settings)
    file, out = save(network, tmp_path / 'a.pth', backbone), tmp_path / 'b.pth'
    agree(load_backbone(file), network)
    checkpoints.export_backbone(file, out)
    agree(load_backbone(out), network)
    result = checkpoints.verify(out, network, file)
    assert result.passed, str(result)


@pytest.mark.parametrize('settings', [STRIDES, DILATED, CAFFE], ids=str)
@pytest.mark.parametrize('library', ['torchvision', 'timm'])
def test_a_library_that_cannot_express_it_is_refused(tmp_path, settings, library):
    network, backbone = resnet(50 if settings is CAFFE else 18, **settings)
    file = save(network, tmp_path / 'a.pth', backbone)
    said = rf'expected {next(iter(settings))} .* for {library}.*use --to mmpretrain'
    with pytest.raises(UserError, match=said):
        checkpoints.export_backbone(file, tmp_path / 'b.pth', to=library)
    # So is the network in memory, which has no config.
    build = dict(torchvision=to_torchvision, timm=to_timm)[library]
    for source in (file, network):
        with pytest.raises(UserError, match=said):
            build(source)
    # The remedy works.
    checkpoints.export_backbone(file, tmp_path / 'b.pth', to='mmpretrain')
    agree(load_backbone(tmp_path / 'b.pth'), network)


def test_verify_compares_with_the_network_that_was_trained(tmp_path):
    network, backbone = resnet(**STRIDES, stem_channels=64, base_channels=64)
    file = save(network, tmp_path / 'a.pth', backbone)
    result = checkpoints.verify(file, 'torchvision:resnet18')
    assert not result.passed
    assert (
        '1 of 4 maps have another size, the first is layer4: 16 positions in the '
        'network that was trained (strides [1, 2, 2, 1]'
    ) in str(result)
    network, backbone = resnet(50, **CAFFE)
    file = save(network, tmp_path / 'a.pth', backbone)
    result = checkpoints.verify(file, resnet(50)[0])
    assert not result.passed
    assert result.difference > 1e-3


def test_verify_of_a_right_vit_passes_against_its_own_config(tmp_path):
    network, backbone = vit()
    config = tmp_path / 'own.py'
    config.write_text(
        f"default_scope = 'mmpretrain'\nmodel = dict(backbone={backbone!r})\n"
    )
    file = save(network, tmp_path / 'a.pth', backbone)
    assert checkpoints.verify(file, str(config)).passed
    # Without its config the heads are a guess, and that is said.
    result = checkpoints.verify(save(network, tmp_path / 'b.pth'), str(config))
    assert not result.passed
    assert 'guessed     num_heads 2, patch_stride 16, as the file' in str(result)


def test_a_guess_is_said_by_every_command(tmp_path):
    file = save(vit()[0], tmp_path / 'a.pth')
    assert 'guessed   num_heads 2' in str(checkpoints.inspect(file))
    meta = checkpoints.export_backbone(file, tmp_path / 'b.pth')
    said = checkpoints.describe_export('b.pth', meta)
    assert 'guessed, as the file does not tell: num_heads 2' in said
    assert meta['card']['backbone'] is None
    # A card that tells nothing makes no guess a fact.
    assert 'guessed   num_heads 2' in str(checkpoints.inspect(tmp_path / 'b.pth'))
    result = checkpoints.verify(file, vit(arch=ARCH | dict(num_heads=2))[0])
    assert result.passed
    assert 'guessed     num_heads 2' in str(result)


def test_heads_that_differ_are_no_start_for_a_training(tmp_path):
    network, backbone = vit()
    file = save(network, tmp_path / 'a.pth', backbone)
    other = vit(arch=ARCH | dict(num_heads=4))[0]
    with pytest.raises(checkpoints.MismatchError, match='num_heads: 8 in pre-training'):
        checkpoints.load_pretrained(other, file)
    report = checkpoints.load_pretrained(other, file, allow_partial=True)
    assert report.percent == 100
    assert report.to_dict()['settings'] == ['num_heads: 8 in pre-training, 4 here']


def test_strides_may_differ_and_are_told(tmp_path):
    """A segmentor dilates what was pre-trained without."""
    network, backbone = resnet()
    file = save(network, tmp_path / 'a.pth', backbone)
    report = checkpoints.load_pretrained(resnet(**DILATED)[0], file)
    assert report.percent == 100
    assert 'differs     dilations: [1, 1, 1, 1] in pre-training, [1, 1, 1, 2]' in str(
        report
    )


def test_patches_that_overlap_are_refused(tmp_path):
    network, backbone = vit(patch_cfg=dict(stride=8))
    file = save(network, tmp_path / 'a.pth', backbone)
    with pytest.raises(UserError, match='patches of 16 pixels every 8'):
        load_backbone(file)


def test_a_contracted_dilation_is_refused(tmp_path):
    network, backbone = resnet(**DILATED)
    file = save(network, tmp_path / 'a.pth', backbone | dict(contract_dilation=True))
    with pytest.raises(UserError, match='contract_dilation=True'):
        load_backbone(file)


def test_heads_of_dinov2_are_those_of_its_model_or_config(tmp_path):
    pytest.importorskip('timm')
    settings = dict(
        model_name='vit_small_patch14_dinov2',
        img_size=28,
        embed_dim=64,
        depth=1,
        num_heads=4,
    )
    network = TIMMVisionTransformer(**settings)
    network.eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    backbone = dict(type='rsp.TIMMVisionTransformer', **settings)
    built = load_backbone(save(network, tmp_path / 'a.pth', backbone))
    assert built.vit.blocks[0].attn.num_heads == 4
    agree(built, network, 28)
    from rsp.checkpoints.families.dinov2 import DINOv2

    assert DINOv2().known(dict(model_name='vit_large_patch14_dinov2')) == dict(
        num_heads=16
    )
    # A file cannot make timm fetch or open anything.
    assert DINOv2().known(dict(model_name='hf_hub:some/model')) == {}


def test_a_network_that_is_not_filled_is_still_told(tmp_path):
    network, backbone = vit()
    file = save(network, tmp_path / 'a.pth', backbone)
    taken = checkpoints.Checkpoint.load(file).backbone()
    assert taken.config()['arch']['num_heads'] == 8
    with pytest.raises(UserError, match='not filled'):
        load_state_dict_strict(vit(arch=ARCH | dict(num_layers=2))[0], taken.tensors)
