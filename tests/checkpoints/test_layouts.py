"""Files of the field's methods: each branch comes out whole, heads are left out.

A layout is what a project's code saves: wrappers, prefixes, heads. Each case builds one
around real networks, writes it with torch and reads the file again.
"""

import argparse
import re
from pathlib import Path

import official
import pytest
import torch
from mmpretrain.models import ResNet, SwinTransformer
from torch import nn
from torch.testing import assert_close
from torchvision.models import resnet18

from rsp import checkpoints
from rsp.checkpoints import load_backbone
from rsp.checkpoints.checkpoint import take_backbone
from rsp.checkpoints.families import FAMILIES
from rsp.errors import UserError

PAGE = Path(__file__).parents[2] / 'docs' / 'checkpoints.md'


def draw(network):
    return official.randomised(network)


def resnet():
    return official.narrow_resnet(18).state_dict()


def timm_vit(**settings):
    vit = pytest.importorskip('timm.models.vision_transformer')
    given = dict(img_size=32, patch_size=8, embed_dim=128, depth=1, num_heads=2)
    return draw(vit.VisionTransformer(**given | dict(num_classes=0) | settings))


def vit():
    return timm_vit().state_dict()


def swin():
    """A Swin by the names of its first authors, as SimMIM's encoder."""
    from rsp.checkpoints.families.swin import Swin

    arch = dict(embed_dims=16, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8])
    network = draw(SwinTransformer(arch, img_size=224, drop_path_rate=0.0))
    return Swin().mapping_for('first authors').from_mm(network.state_dict())


def sequence():
    """torchvision's layers in a row, as lightly's examples make them."""
    network = draw(resnet18())
    return nn.Sequential(*list(network.children())[:-1]).state_dict()


def put(prefix, state):
    return {prefix + name: tensor for name, tensor in state.items()}


def linear(prefix):
    return put(prefix, nn.Linear(2, 2).state_dict())


def norm(prefix):
    return put(prefix, nn.BatchNorm1d(2).state_dict())


def dino(s, t):
    student = put('module.backbone.', s) | linear('module.head.mlp.0.')
    student |= {'module.head.last_layer.weight_g': torch.ones(2, 1)}
    teacher = put('backbone.', t) | linear('head.mlp.0.')
    arguments = argparse.Namespace(arch='vit_small', patch_size=8)
    return dict(student=student, teacher=teacher, optimizer={}, epoch=1, args=arguments)


def ibot(s, t):
    masked = {'module.backbone.masked_embed': torch.zeros(1, 128)}
    return dict(student=put('module.backbone.', s) | masked,
                teacher=put('backbone.', t))  # fmt: skip


def dinov2_teacher(s, t):
    heads = linear('dino_head.mlp.0.') | linear('ibot_head.mlp.0.')
    return dict(teacher=put('backbone.', t) | heads)


def mae(s, t):
    state = s | dict(mask_token=torch.zeros(1, 1, 8))
    state |= dict(decoder_pos_embed=torch.zeros(1, 17, 8)) | linear('decoder_embed.')
    state |= linear('decoder_blocks.0.norm1.') | linear('decoder_norm.')
    state |= linear('decoder_pred.')
    return dict(model=state, optimizer={}, scaler={}, epoch=3,
                args=argparse.Namespace(mask_ratio=0.75))  # fmt: skip


def simmim(s, t):
    token = {'encoder.mask_token': torch.zeros(1, 1, 16)}
    return dict(model=put('encoder.', s) | token | linear('decoder.0.'), optimizer={})


def mocov3(s, t):
    state = put('module.base_encoder.', s) | put('module.momentum_encoder.', t)
    for place in ('base_encoder.head.', 'momentum_encoder.head.', 'predictor.'):
        state |= linear(f'module.{place}0.') | norm(f'module.{place}1.')
    return dict(epoch=3, arch='vit_small', state_dict=state, optimizer={}, scaler={})


def byol(s, t):
    """sthalles/PyTorch-BYOL."""
    online, target = (
        put('encoder.', state) | linear('projetion.net.0.') for state in (s, t)
    )
    return dict(online_network_state_dict=online, target_network_state_dict=target,
                optimizer_state_dict={})  # fmt: skip


def byol_lucidrains(s, t):
    state = put('online_encoder.net.', s) | put('target_encoder.net.', t)
    state |= linear('online_encoder.projector.0.') | linear('online_predictor.0.')
    return state


def swav(s, t):
    state = put('module.', s) | linear('module.projection_head.0.')
    return state | {'module.prototypes.weight': torch.ones(3, 2)}


def simsiam(s, t):
    state = put('module.encoder.', s) | linear('module.encoder.fc.0.')
    return dict(state_dict=state | linear('module.predictor.0.'), arch='resnet50')


def simclr(s, t):
    return dict(state_dict=put('backbone.', s) | linear('backbone.fc.0.'), epoch=3)


def vicreg(s, t):
    state = put('module.backbone.', s) | linear('module.projector.0.')
    return dict(epoch=1, model=state, optimizer={})


def lightly(s, t):
    state = put('backbone.', s) | put('backbone_momentum.', t)
    for place in ('projection_head', 'projection_head_momentum', 'prediction_head'):
        state |= linear(f'{place}.layers.0.')
    return dict(state_dict=state, **{'pytorch-lightning_version': '2.4'})


def lightly_dino(s, t):
    state = put('student_backbone.', s) | put('teacher_backbone.', t)
    return dict(state_dict=state | linear('student_head.layers.0.'))


def lightly_simclr(s, t):
    return put('backbone.', s) | linear('projection_head.layers.0.')


def lightly_mae(s, t):
    state = put('backbone.vit.', s) | linear('decoder.decoder_embed.')
    return dict(state_dict=state | {'backbone.mask_token': torch.zeros(1, 1, 8)})


def solo(s, t):
    state = put('backbone.', s) | put('momentum_backbone.', t)
    state |= linear('projector.0.') | linear('momentum_projector.0.')
    return dict(state_dict=state | linear('classifier.') | linear('predictor.0.'))


def solo_old(s, t):
    state = put('encoder.', s) | put('momentum_encoder.', t) | linear('projector.0.')
    return dict(state_dict=state | linear('classifier.'))


def lightning(s, t):
    return dict(state_dict=put('model.', s) | linear('model.fc.'), callbacks={},
                hparams_name='kwargs', hyper_parameters=dict(lr=0.1))  # fmt: skip


def lightning_net(s, t):
    criterion = {'criterion.weight': torch.ones(3)}
    return dict(state_dict=put('net.backbone.', s) | linear('net.head.') | criterion)


def compiled(s, t):
    return dict(model=put('_orig_mod.', s))


def compiled_inside(s, t):
    return dict(state_dict=put('module.backbone._orig_mod.', s) | linear('head.'))


def deepspeed(s, t):
    return dict(module=put('module.', s), ds_version='0.15', global_steps=3)


def fsdp(s, t):
    return dict(model=put('_fsdp_wrapped_module.', s))


def separate(s, t):
    return dict(student_state_dict=put('module.', s), teacher_state_dict=t, epoch=1)


def ema_beside(s, t):
    return dict(model=s, ema=dict(module=put('module.', t), updates=7), optimizer={})


def ema_state_dict(s, t):
    return dict(model_state_dict=s, ema_state_dict=t, epoch=1)


def teacher_beside(s, t):
    return dict(model_state_dict=s, teacher=t, epoch=1)


def networks(s, t):
    return dict(backbone=s, head=nn.Linear(2, 2).state_dict())


def seco(s, t):
    """ServiceNow/seasonal-contrast: torchvision's layers in a row."""
    state = put('encoder_q.', s) | put('encoder_k.', t) | linear('heads_q.0.0.')
    return dict(state_dict=state | dict(queue=torch.ones(3, 2, 4)))


def torchgeo_byol(s, t):
    state = put('model.encoder.model.', s) | put('model._target.model.', t)
    state |= linear('model.encoder._projector.mlp.0.')
    return dict(state_dict=state | linear('model.predictor.mlp.0.'))


def timm_ema(s, t):
    return dict(state_dict=s, state_dict_ema=t, arch='resnet18', epoch=2, metric=0.5,
                args=argparse.Namespace(model='resnet18'))  # fmt: skip


def deit_ema(s, t):
    return dict(model=s, model_ema=t, optimizer={}, epoch=2)


def jepa(s, t):
    return dict(encoder=put('module.', s), target_encoder=put('module.', t),
                predictor=linear('module.predictor_embed.'), epoch=1)  # fmt: skip


def mmpretrain_byol(s, t):
    state = put('backbone.', s) | put('target_net.module.0.', t) | linear('neck.0.')
    return dict(meta={}, state_dict=state | linear('target_net.module.1.0.'))


def ssl4eo_moco(s, t):
    state = put('module.encoder_q.', s) | put('module.encoder_k.', t)
    return dict(state_dict=state | {'module.queue': torch.ones(2, 4)})


def bands13():
    return draw(
        ResNet(18, in_channels=13, base_channels=4, stem_channels=4)
    ).state_dict()


STUDENT, BOTH, EMA = ('student',), ('student', 'teacher'), ('student', 'ema')
# Name in docs/checkpoints.md -> what makes the file, of which networks, its branches
# (the one handed on first).
LAYOUTS = {
    'DINO (also SSL4EO-S12)': (dino, vit, ('teacher', 'student')),
    'iBOT': (ibot, vit, ('teacher', 'student')),
    'DINOv2 teacher': (dinov2_teacher, vit, ('teacher',)),
    'MAE (also SatMAE RGB, SSL4EO-S12)': (mae, vit, STUDENT),
    'SimMIM': (simmim, swin, STUDENT),
    'MoCo v2 (also SSL4EO-S12, 13 bands)': (ssl4eo_moco, bands13, BOTH),
    'MoCo v3, ViT': (mocov3, vit, BOTH),
    'MoCo v3, ResNet': (mocov3, resnet, BOTH),
    'BYOL (sthalles)': (byol, sequence, BOTH),
    'BYOL (lucidrains)': (byol_lucidrains, resnet, BOTH),
    'BYOL (mmpretrain)': (mmpretrain_byol, resnet, BOTH),
    'SwAV, DeepCluster': (swav, resnet, STUDENT),
    'SimSiam': (simsiam, resnet, STUDENT),
    'SimCLR (sthalles)': (simclr, resnet, STUDENT),
    'VICReg, Barlow Twins': (vicreg, resnet, STUDENT),
    'I-JEPA, MSN': (jepa, vit, ('teacher', 'student')),
    'lightly with momentum': (lightly, sequence, BOTH),
    'lightly DINO': (lightly_dino, vit, ('teacher', 'student')),
    'lightly SimCLR': (lightly_simclr, sequence, STUDENT),
    'lightly MAE': (lightly_mae, vit, STUDENT),
    'solo-learn': (solo, resnet, BOTH),
    'solo-learn, before 1.0.4': (solo_old, resnet, BOTH),
    'Lightning, `model.`': (lightning, resnet, STUDENT),
    'Lightning, `net.`': (lightning_net, vit, STUDENT),
    '`torch.compile`': (compiled, vit, STUDENT),
    '`torch.compile` inside DDP': (compiled_inside, resnet, STUDENT),
    'DeepSpeed': (deepspeed, vit, STUDENT),
    'FSDP': (fsdp, vit, STUDENT),
    'SeCo': (seco, sequence, BOTH),
    'BYOL (torchgeo)': (torchgeo_byol, resnet, BOTH),
    'a dictionary for each network': (networks, resnet, STUDENT),
    'a dictionary for each branch': (separate, vit, ('teacher', 'student')),
    'a network, and a teacher beside it': (
        teacher_beside,
        resnet,
        ('teacher', 'student'),
    ),
    'a network, and `ema` beside it': (ema_beside, resnet, EMA),
    'a network, and `ema_state_dict` beside it': (ema_state_dict, resnet, EMA),
    'timm training, with EMA': (timm_ema, resnet, EMA),
    'DeiT, ConvNeXt training, with EMA': (deit_ema, vit, EMA),
}


def test_the_documented_networks_are_these():
    table = PAGE.read_text(encoding='utf-8').split('## Networks')[1]
    rows = re.findall(r'^\| (.+?) \| (.+?) \|$', table.split('\n## ')[0], re.M)
    names = {
        family.name: [name for m in family.mappings for name in m.libraries]
        for family in FAMILIES
    }
    assert {name: read.split(', ') for name, read in rows[1:]} == names


def test_the_documented_layouts_are_these():
    table = PAGE.read_text(encoding='utf-8').split('## Files that are read')[1]
    rows = re.findall(r'^\| (.+?) \| .+ \| (.+?) \|$', table.split('\n## ')[0], re.M)
    shown = {name: tuple(kinds.split(', ')) for name, kinds in rows[1:]}
    assert shown == {name: kinds for name, (_, _, kinds) in LAYOUTS.items()}


def numbers(state):
    """Each tensor's sum by shape: the same network under any names and order."""
    learned = (t for t in state.values() if t.is_floating_point())
    return sorted((tuple(t.shape), round(float(t.double().sum()), 4)) for t in learned)


@pytest.mark.parametrize('name', LAYOUTS)
def test_every_branch_comes_out_whole_and_without_heads(name, tmp_path):
    make, network, branches = LAYOUTS[name]
    states = dict(student=network())
    other = {key: tensor + 1 if tensor.is_floating_point() else tensor
             for key, tensor in states['student'].items()}  # fmt: skip
    states |= dict(teacher=other, ema=other)
    file = tmp_path / 'file.pth'
    torch.save(make(states['student'], other), file)
    read = checkpoints.Checkpoint.load(file)
    assert read.backbone().branch == branches[0]
    for branch in branches:
        taken = read.backbone(branch)
        assert taken.family, taken.architecture
        assert taken.unknown == ()
        derived = ('relative_position_index', 'num_batches_tracked')
        tensors = {n: t for n, t in taken.tensors.items() if not n.endswith(derived)}
        assert numbers(tensors) == numbers(states[branch])
        assert len(taken.left_out) + len(states[branch]) == len(read.state_dict)
    said = str(checkpoints.inspect(file))
    assert said.count('(a moving average)') == len(set(branches) - {'student'})
    for branch in {'student', 'teacher', 'ema'} - set(branches):
        with pytest.raises(UserError, match=f'no backbone of a {branch}'):
            read.backbone(branch)


def test_an_official_vit_of_moco_v3_has_twelve_heads(tmp_path):
    """Its widths, 384 and 768, do not tell; it is a fact of its code."""
    network = timm_vit(embed_dim=192, num_heads=12)
    torch.save(mocov3(network.state_dict(), network.state_dict()), tmp_path / 'a.pth')
    built = load_backbone(tmp_path / 'a.pth')
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert_close(built(images)[-1], network.forward_features(images))
    found = checkpoints.inspect(tmp_path / 'a.pth')
    assert 'settings  num_heads 12' in str(found)
    assert 'guessed' not in str(found)


@pytest.mark.parametrize(
    'settings',
    [dict(global_pool='avg'), dict(global_pool='avg', class_token=False),
     dict(global_pool='avg', class_token=False, fc_norm=False), dict(qkv_bias=False)],
    ids=['mean', 'mean-without-token', 'without-token', 'without-bias'],
)  # fmt: skip
def test_variants_of_timm_compute_the_same(tmp_path, settings):
    """The first is what MAE's, and SatMAE's, fine-tuning saves."""
    network = timm_vit(**settings)
    torch.save(dict(model=network.state_dict()), tmp_path / 'a.pth')
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        vectors = network(images)
        found = load_backbone(tmp_path / 'a.pth')(images)[-1]
        if found.ndim == 3 and settings.get('class_token', True):
            found = found[:, 0]
        assert_close(found.mean(1) if found.ndim == 3 else found, vectors)
        assert_close(checkpoints.to_timm(tmp_path / 'a.pth')(images), vectors)


def test_registers_with_learned_positions_are_no_dinov3(tmp_path):
    torch.save(timm_vit(reg_tokens=4).state_dict(), tmp_path / 'a.pth')
    with pytest.raises(UserError, match=r'DINOv3, got one with .* have: pos_embed'):
        load_backbone(tmp_path / 'a.pth')


@pytest.mark.parametrize('make', [mae, lightning_net, deepspeed, jepa])
def test_a_vit_computes_what_timm_computes(tmp_path, make):
    network = timm_vit()
    torch.save(make(network.state_dict(), network.state_dict()), tmp_path / 'a.pth')
    built = load_backbone(tmp_path / 'a.pth')
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert_close(built(images)[-1], network.forward_features(images))


def test_a_sequence_of_layers_computes_what_torchvision_computes(tmp_path):
    network = draw(resnet18())
    layers = nn.Sequential(*list(network.children())[:-1]).eval()
    torch.save(lightly_simclr(layers.state_dict(), None), tmp_path / 'a.pth')
    built = load_backbone(tmp_path / 'a.pth')
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        pooled = built(images)[-1].mean((2, 3))
        assert_close(pooled, layers(images).flatten(1))


def sines(channels, positions):
    rates = 10000 ** (-torch.arange(channels // 2) / (channels / 2))
    angles = positions[:, None].double() * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()


def prithvi(frames, prefix=''):
    """Return Prithvi's names and positions: of width, height, then time."""
    network = timm_vit(in_chans=6)
    state = dict(network.state_dict())
    t, y, x = torch.meshgrid(*map(torch.arange, (frames, 4, 4)), indexing='ij')
    places = [sines(48, x.flatten()), sines(48, y.flatten()), sines(32, t.flatten())]
    table = torch.cat(places, dim=1)
    state['pos_embed'] = torch.cat([torch.zeros(1, 128), table])[None]
    network.pos_embed.data = state['pos_embed'][:, :17]
    kernel = state['patch_embed.proj.weight']
    state['patch_embed.proj.weight'] = kernel[:, :, None]
    state |= dict(mask_token=torch.zeros(1, 1, 8)) if not prefix else {}
    return put(prefix, state) | linear('decoder.decoder_embed.'), network


@pytest.mark.parametrize('frames', [1, 3, 4])
@pytest.mark.parametrize('prefix', ['', 'encoder.'], ids=['v1', 'v2'])
def test_prithvi_is_read_for_one_image(tmp_path, frames, prefix):
    """Of four frames the positions would make a square, too, of twice the side."""
    state, network = prithvi(frames, prefix)
    torch.save(state, tmp_path / 'a.pth')
    built = load_backbone(tmp_path / 'a.pth')
    images = torch.randn(2, 6, 32, 32)
    with torch.no_grad():
        assert_close(built(images)[-1], network.forward_features(images))


def refused(name):
    """Return files whose networks need what no family here has."""
    if name == 'Prithvi-EO-2.0-TL':
        return prithvi(4, 'encoder.')[0] | {
            'encoder.temporal_embed_enc.scale': torch.ones(1)
        }
    if name == 'patches over two frames':
        state = prithvi(1)[0]
        kernel = state['patch_embed.proj.weight']
        return state | {'patch_embed.proj.weight': kernel.expand(-1, -1, 2, -1, -1)}
    state = mae(vit(), None)['model']
    if name == 'SatMAE, groups of bands':
        kernel = state.pop('patch_embed.proj.weight')
        state |= {f'patch_embed.{i}.proj.weight': kernel for i in range(3)}
        state |= {f'patch_embed.{i}.proj.bias': state['norm.bias'] for i in range(3)}
        return state | dict(channel_embed=torch.ones(1, 3, 32))
    return state | linear('fpn.fpn1.0.')  # Scale-MAE


def test_what_is_left_out_of_a_bare_network_is_told(tmp_path):
    torch.save(mae(vit(), None), tmp_path / 'a.pth')
    others = checkpoints.inspect(tmp_path / 'a.pth').others
    assert others.startswith('mask_token (1 tensor), decoder_pos_embed (1), ')
    assert others.endswith('decoder_pred (2)')


@pytest.mark.parametrize(
    'name',
    ['Prithvi-EO-2.0-TL', 'patches over two frames', 'SatMAE, groups of bands',
     'Scale-MAE'],
)  # fmt: skip
def test_a_network_of_unknown_parts_is_refused(name, tmp_path):
    torch.save(refused(name), tmp_path / 'a.pth')
    with pytest.raises(UserError):
        load_backbone(tmp_path / 'a.pth')
    for to in ('mmpretrain', 'timm'):
        with pytest.raises(UserError, match='not converted in part'):
            checkpoints.export_backbone(tmp_path / 'a.pth', tmp_path / 'b.pth', to=to)
    assert 'unknown' in str(checkpoints.inspect(tmp_path / 'a.pth'))


def test_an_average_of_mmengine_stays_what_it_is(tmp_path):
    """Its hook keeps the average in `state_dict`, and the trained in the other."""
    state = put('backbone.', resnet())
    other = {f'module.{name}': tensor + 1.0 for name, tensor in state.items()}
    content = dict(meta={}, state_dict=state, ema_state_dict=other)
    torch.save(content, tmp_path / 'a.pth')
    read = checkpoints.Checkpoint.load(tmp_path / 'a.pth')
    assert read.state_dict.keys() == state.keys()
    assert take_backbone(read.state_dict).branch == 'student'
