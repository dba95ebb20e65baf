"""DINOv2 and DINOv3: official, training's, transformers' and timm's files."""

import math

import official
import pytest
import torch
import torch.nn.functional as F
from mmpretrain.models import VisionTransformer
from mmpretrain.registry import MODELS
from torch.testing import assert_close

from rsp import checkpoints
from rsp.checkpoints.checkpoint import take_backbone
from rsp.checkpoints.networks import build_backbone
from rsp.checkpoints.verification import build_target

pytest.importorskip('timm', reason="needs the 'convert' extra")

V2 = [
    dict(registers=registers, gated=gated)
    for registers in (0, 4)
    for gated in (False, True)
]
V3 = [dict(gated=gated, bias=bias) for gated in (False, True) for bias in (False, True)]
CASES = [(official.dinov2, case) for case in V2] + [
    (official.dinov3, case) for case in V3
]
IDS = [f'{f.__name__}-{"-".join(k for k, v in case.items() if v)}' for f, case in CASES]
every_kind = pytest.mark.parametrize(('make', 'case'), CASES, ids=IDS)


def plain_forward(state, images):
    """The papers' network by the official names, from torch's functions alone."""
    c, eps = official.DINO_WIDTH, 1e-6 if 'pos_embed' in state else 1e-5
    patch = state['patch_embed.proj.weight'].shape[-1]
    maps = F.conv2d(images, *_pair(state, 'patch_embed.proj'), stride=patch)
    n, _, h, w = maps.shape
    x = torch.cat([state['cls_token'].expand(n, 1, c), maps.flatten(2).mT], dim=1)
    registers = state.get('register_tokens', state.get('storage_tokens'))
    if 'pos_embed' in state:
        x = x + state['pos_embed']
    if registers is not None:
        x = torch.cat([x[:, :1], registers.expand(n, -1, c), x[:, 1:]], dim=1)
    rotation = None if 'pos_embed' in state else _rotation(state, h, w)
    for number in range(official.DINO_DEPTH):
        block = {
            name.split('.', 2)[2]: tensor
            for name, tensor in state.items()
            if name.startswith(f'blocks.{number}.')
        }
        normed = F.layer_norm(x, (c,), *_pair(block, 'norm1'), eps)
        x = x + block['ls1.gamma'] * _attend(block, normed, rotation)
        normed = F.layer_norm(x, (c,), *_pair(block, 'norm2'), eps)
        x = x + block['ls2.gamma'] * _feed_forward(block, normed)
    return F.layer_norm(x, (c,), *_pair(state, 'norm'), eps)


def _pair(state, name):
    return state[f'{name}.weight'], state[f'{name}.bias']


def _attend(block, x, rotation):
    n, tokens, c = x.shape
    weight, bias = _pair(block, 'attn.qkv')
    bias = bias * block.get('attn.qkv.bias_mask', 1)
    qkv = F.linear(x, weight, bias).view(n, tokens, 3, c // 64, 64)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    if rotation is not None:
        q, k = (_rotate(t, *rotation) for t in (q, k))
    scores = (q @ k.mT / math.sqrt(64)).softmax(-1)
    out = (scores @ v).transpose(1, 2).flatten(2)
    return F.linear(out, *_pair(block, 'attn.proj'))


def _rotation(state, h, w):
    """Angles of the patches: coordinates from -1 to 1, by 2 pi over the periods."""
    y, x = ((torch.arange(side) + 0.5) / side * 2 - 1 for side in (h, w))
    grid = torch.stack(torch.meshgrid(y, x, indexing='ij'), dim=-1).flatten(0, 1)
    angles = 2 * math.pi * grid[:, :, None] / state['rope_embed.periods']
    angles = angles.flatten(1).tile(2)  # (hw, 64)
    return angles.sin(), angles.cos()


def _rotate(x, sin, cos):
    tokens, patches = x[..., : -len(sin), :], x[..., -len(sin) :, :]
    first, second = patches.chunk(2, dim=-1)
    turned = patches * cos + torch.cat([-second, first], dim=-1) * sin
    return torch.cat([tokens, turned], dim=-2)


def _feed_forward(block, x):
    if 'mlp.fc1.weight' in block:
        return F.linear(
            F.gelu(F.linear(x, *_pair(block, 'mlp.fc1'))), *_pair(block, 'mlp.fc2')
        )
    if 'mlp.w12.weight' in block:
        gate, value = F.linear(x, *_pair(block, 'mlp.w12')).chunk(2, dim=-1)
    else:
        gate, value = (F.linear(x, *_pair(block, f'mlp.w{i}')) for i in (1, 2))
    return F.linear(F.silu(gate) * value, *_pair(block, 'mlp.w3'))


def photos(state, batch=2, channels=3):
    patch = state['patch_embed.proj.weight'].shape[-1]
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, channels, 3 * patch, 3 * patch, generator=generator)


@every_kind
def test_official_tensors_compute_what_the_paper_does(make, case):
    state = make(**case)
    expected = plain_forward(state, photos(state))
    backbone = take_backbone(state)
    assert backbone.unknown == ()
    with torch.no_grad():
        (maps,) = build_backbone(backbone)(photos(state))
        network = backbone.family.timm_network(backbone.config())
        network.load_state_dict(backbone.for_library('timm'), strict=True)
        tokens = network.eval().forward_features(photos(state))
    assert_close(tokens, expected, rtol=0, atol=1e-5)
    assert_close(maps.flatten(2).mT, expected[:, -9:], rtol=0, atol=1e-5)


@every_kind
def test_the_tensors_are_those_of_timms_own_converter(make, case):
    from timm.models import eva, vision_transformer

    state = make(**case)
    backbone = take_backbone(state)
    network = backbone.family.timm_network(backbone.config())
    converter = vision_transformer if make is official.dinov2 else eva
    expected = converter.checkpoint_filter_fn(dict(state), network)
    found = backbone.for_library('timm')
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


@every_kind
def test_the_names_of_transformers_lead_to_the_same(make, case):
    state = make(**case)
    rename = getattr(official, f'{make.__name__}_of_transformers')
    expected = take_backbone(state).tensors
    backbone = take_backbone(rename(state))
    assert backbone.library == 'transformers'
    assert backbone.tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(backbone.tensors[name], tensor), name


def test_a_classifier_of_transformers_is_left_out():
    state = official.dinov2_of_transformers(official.dinov2(4), 'dinov2.')
    backbone = take_backbone(state | {'classifier.weight': torch.ones(3, 256)})
    assert backbone.tensors.keys() == take_backbone(official.dinov2(4)).tensors.keys()
    assert set(backbone.left_out) == {
        'classifier.weight',
        'dinov2.embeddings.mask_token',
    }


@every_kind
def test_back_to_the_names_it_came_with(make, case):
    """All but the place of the class token's position, which is added to the token."""
    state = make(**case)
    backbone = take_backbone(state)
    back = backbone.for_model({n: t for n, t in state.items() if n != 'mask_token'})
    lost = {n for n in state if 'mask' in n or n == 'rope_embed.periods'}
    if case.get('registers') and make is official.dinov2:
        for tensors in (state, back):
            tensors['cls_token'] = tensors['cls_token'] + tensors['pos_embed'][:, :1]
            tensors['pos_embed'] = tensors['pos_embed'][:, 1:]
    assert back.keys() == state.keys() - lost
    for name, tensor in back.items():
        if name.endswith('attn.qkv.bias') and make is official.dinov3:
            tensor, state[name] = (_without_keys(t) for t in (tensor, state[name]))
        assert torch.equal(tensor, state[name]), name


def _without_keys(bias):
    query, _, value = bias.chunk(3)
    return torch.cat([query, value])


@pytest.mark.parametrize('registers', [0, 4])
def test_chunks_of_a_training_are_joined(registers):
    expected = take_backbone(official.dinov2(registers)).tensors
    found = take_backbone(official.dinov2(registers, chunks=True))
    assert found.unknown == ()
    assert found.tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found.tensors[name], tensor), name


@pytest.mark.parametrize('with_student', [True, False])
def test_the_teacher_of_a_training_is_taken_without_its_heads(tmp_path, with_student):
    teacher = official.dinov2(4, chunks=True)
    student = {name: tensor + 1 for name, tensor in teacher.items()}
    content = official.dino_teacher(teacher, student if with_student else None)
    torch.save(content, tmp_path / 'teacher_checkpoint.pth')
    report = str(checkpoints.inspect(tmp_path / 'teacher_checkpoint.pth'))
    assert 'a training of DINO, DINOv2 or DINOv3' in report.splitlines()[0]
    assert 'no trouble seen' in report
    assert 'unknown' not in report
    assert report.count('DINOv2 ViT/14 with 2 blocks of 128 channels, 4 registers') == (
        2 if with_student else 1
    )
    out = tmp_path / 'out.pth'
    meta = checkpoints.export_backbone(tmp_path / 'teacher_checkpoint.pth', out)
    assert meta['branch'] == 'teacher'
    assert 'teacher.dino_head.mlp.0.weight' in meta['left_out']
    found = torch.load(out, weights_only=True)['state_dict']
    for name, tensor in take_backbone(teacher).tensors.items():
        assert torch.equal(found[f'backbone.{name}'], tensor), name


@every_kind
@pytest.mark.parametrize('to', ['mmpretrain', 'mmseg', 'timm', 'safetensors'])
def test_converted_files_are_verified(tmp_path, make, case, to):
    source, out = tmp_path / 'source.pth', tmp_path / 'out.pth'
    torch.save(make(**case), source)
    checkpoints.export_backbone(source, out, to=to)
    backbone = take_backbone(make(**case))
    for target in (
        backbone.family.timm_network(backbone.config()),
        MODELS.build(backbone.config()),
    ):
        result = checkpoints.verify(out, target, source)
        assert result.passed, str(result)
        assert result.maps == official.DINO_DEPTH + 1
    again = tmp_path / 'again.pth'
    checkpoints.export_backbone(out, again, to=to)
    first, second = (checkpoints.read(f)['state_dict'] for f in (out, again))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_first_dino_keeps_a_plain_vit_behind_a_wrapper(tmp_path):
    model = official.vit()
    state = take_backbone(model.state_dict()).for_library('timm')
    content = official.dino_teacher(state, {n: t + 1 for n, t in state.items()})
    wrapped = {f'module.{n}': t for n, t in content['student'].items()}
    torch.save(dict(content, student=wrapped), tmp_path / 'checkpoint.pth')
    for branch, added in (('student', 1), ('teacher', 0)):
        fresh = official.vit()
        report = checkpoints.load_pretrained(
            fresh, tmp_path / 'checkpoint.pth', branch=branch
        )
        assert (report.complete, report.percent) == (True, 100)
        for name, tensor in model.state_dict().items():
            assert_close(fresh.state_dict()[name], tensor + added)


def test_there_is_none_in_torchvision(tmp_path):
    torch.save(official.dinov3(), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'convert to torchvision, got DINOv3'):
        checkpoints.export_backbone(
            tmp_path / 'a.pth', tmp_path / 'b.pth', to='torchvision'
        )


@every_kind
def test_an_official_file_fills_the_backbone(tmp_path, make, case):
    state = make(**case)
    torch.save(state, tmp_path / 'a.pth')
    backbone = MODELS.build(take_backbone(state).config())
    report = checkpoints.load_pretrained(backbone, tmp_path / 'a.pth')
    assert (report.complete, report.percent, report.adapted) == (True, 100, ())
    assert 'mask_token' in report.ignored
    with torch.no_grad():
        backbone.eval()
        (maps,) = backbone(photos(state))
    expected = plain_forward(state, photos(state))[:, -9:]
    assert_close(maps.flatten(2).mT, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize('biased', [True, False])
def test_a_bias_of_zeros_is_given_or_left_out_as_the_model_has_it(tmp_path, biased):
    """The distilled models of DINOv3 have one of zeros; timm has networks of both."""
    state = official.dinov3()
    torch.save(state, tmp_path / 'a.pth')
    config = take_backbone(state).config() | dict(qkv_bias=biased)
    report = checkpoints.load_pretrained(MODELS.build(config), tmp_path / 'a.pth')
    assert (report.complete, report.percent) == (True, 100)
    torch.save(official.dinov3(bias=True), tmp_path / 'a.pth')
    if biased:
        report = checkpoints.load_pretrained(MODELS.build(config), tmp_path / 'a.pth')
        assert report.complete
        return
    with pytest.raises(ValueError, match=r'unexpected .*blocks.0.attn.q_bias'):
        checkpoints.load_pretrained(MODELS.build(config), tmp_path / 'a.pth')


@pytest.mark.parametrize('registers', [0, 4])
@pytest.mark.parametrize('side', [2, 5])
def test_position_embeddings_are_resized_as_timm_does(tmp_path, registers, side):
    from timm.models.vision_transformer import checkpoint_filter_fn

    state = official.dinov2(registers)
    torch.save(state, tmp_path / 'a.pth')
    backbone = take_backbone(state)
    config = backbone.config() | dict(img_size=14 * side)
    network = backbone.family.timm_network(config)
    expected = checkpoint_filter_fn(dict(state), network)['pos_embed']
    model = MODELS.build(config)
    report = checkpoints.load_pretrained(model, tmp_path / 'a.pth')
    assert report.complete
    assert report.adapted == ('pos_embed',)
    assert_close(model.pos_embed.data, expected)


def test_a_plain_vit_fills_the_same_backbone_at_another_size(tmp_path):
    source, larger = official.vit(), official.vit(img_size=48)
    torch.save(source.state_dict(), tmp_path / 'a.pth')
    model = MODELS.build(
        dict(
            type='rsp.TIMMVisionTransformer',
            model_name='vit_tiny_patch16_224',
            img_size=48,
            **dict(patch_size=8, embed_dim=128, depth=2, num_heads=2, mlp_ratio=2),
        )
    )
    report = checkpoints.load_pretrained(model, tmp_path / 'a.pth')
    assert (report.complete, report.percent) == (True, 100)
    assert report.adapted == ('pos_embed',)
    larger.load_state_dict(source.state_dict())  # mmpretrain resizes them itself
    image = torch.randn(1, 3, 48, 48)
    with torch.no_grad():
        maps, tokens = model.eval()(image)[0], larger(image)[0]
    assert_close(maps.flatten(2).mT, tokens[:, 1:], rtol=0, atol=1e-4)


def test_other_bands_are_asked_for(tmp_path):
    state = official.dinov3()
    torch.save(state, tmp_path / 'a.pth')
    model = MODELS.build(take_backbone(state).config() | dict(in_channels=5))
    with pytest.raises(ValueError, match='pass --inflate-stem'):
        checkpoints.load_pretrained(model, tmp_path / 'a.pth')
    report = checkpoints.load_pretrained(model, tmp_path / 'a.pth', inflate_stem=True)
    assert report.inflated == ('patch_embed.proj.weight from 3 to 5 bands',)


@pytest.mark.parametrize('gated', [False, True])
def test_mmpretrains_own_network_is_filled_and_read(tmp_path, gated):
    """Its ViT can be a DINOv2 without registers."""
    state = official.dinov2(gated=gated)
    torch.save(state, tmp_path / 'a.pth')
    model = VisionTransformer(
        dict(
            embed_dims=official.DINO_WIDTH,
            num_layers=official.DINO_DEPTH,
            num_heads=2,
            # It takes two thirds of it, rounded up to a multiple of 8.
            feedforward_channels=516 if gated else 512,
        ),
        img_size=42,
        patch_size=14,
        layer_scale_init_value=1e-5,
        out_type='raw',
        layer_cfgs=dict(ffn_type='swiglu_fused' if gated else 'origin'),
    )
    report = checkpoints.load_pretrained(model, tmp_path / 'a.pth')
    assert (report.complete, report.percent) == (True, 100)
    model.eval()
    with torch.no_grad():
        (tokens,) = model(photos(state))
    assert_close(tokens, plain_forward(state, photos(state)), rtol=0, atol=1e-5)
    assert checkpoints.verify(tmp_path / 'a.pth', model).passed
    again = take_backbone(model.state_dict())
    assert again.library == 'mmpretrain'
    for name, tensor in take_backbone(state).tensors.items():
        assert torch.equal(again.tensors[name], tensor), name


def test_an_architecture_of_a_released_size_is_named():
    state = {name: torch.zeros(shape, device='meta') for name, shape in (
        ('patch_embed.proj.weight', (768, 3, 14, 14)),
        ('reg_token', (1, 4, 768)),
        *((f'blocks.{i}.{x}', (768,)) for i in range(12)
          for x in ('norm1.weight', 'ls1.gamma')),
    )}  # fmt: skip
    backbone = take_backbone(state)
    assert backbone.architecture == 'DINOv2 ViT-B/14, 4 registers'


@pytest.mark.parametrize(
    ('config', 'make', 'settings'),
    [
        ('segmentation/upernet_dinov2-vit-b_loveda.py', official.dinov2, dict(side=37)),
        ('detection/faster-rcnn_dinov3-vit-b_dior.py', official.dinov3, {}),
    ],
)
def test_official_files_of_size_b_fill_the_configs(tmp_path, config, make, settings):
    pytest.importorskip('mmdet' if 'detection' in config else 'mmseg')
    state = make(size=(768, 12), **settings)
    torch.save(state, tmp_path / 'official.pth')
    backbone = build_target(f'configs/downstream/{config}')
    report = checkpoints.load_pretrained(backbone, tmp_path / 'official.pth')
    assert (report.complete, report.percent, report.adapted) == (True, 100, ())
    assert take_backbone(state).architecture.startswith(
        dict(dinov2='DINOv2 ViT-B/14', dinov3='DINOv3 ViT-B/16, 4 reg')[make.__name__]
    )
    expected = take_backbone(state).for_model(backbone.state_dict())
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ('target', 'make', 'settings'),
    [
        ('timm:vit_small_patch14_dinov2', official.dinov2, dict(side=37)),
        ('timm:vit_small_patch14_reg4_dinov2', official.dinov2,
         dict(registers=4, side=37)),
        ('timm:vit_small_patch16_dinov3', official.dinov3, {}),
        ('timm:vit_small_patch16_dinov3_qkvb', official.dinov3, dict(bias=True)),
    ],
)  # fmt: skip
def test_official_files_of_size_s_are_verified(tmp_path, target, make, settings):
    torch.save(make(size=(384, 12), **settings), tmp_path / 'official.pth')
    result = checkpoints.verify(tmp_path / 'official.pth', target)
    assert result.passed, str(result)
    assert result.maps == 13
