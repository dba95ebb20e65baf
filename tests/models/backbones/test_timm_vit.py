"""timm's own forward is the oracle; its models are made tiny by its own arguments."""

import copy
import sys

import pytest
import torch
from mmengine.runner import load_checkpoint
from mmpretrain.registry import MODELS
from torch.testing import assert_close

from rsp.errors import UserError

timm = pytest.importorskip('timm', reason="needs the 'convert' extra")

TINY = dict(depth=3, embed_dim=48, num_heads=3)
DINOV2 = 'vit_small_patch14_dinov2.lvd142m'
REGISTERS = 'vit_base_patch14_reg4_dinov2'
DINOV3 = 'vit_small_patch16_dinov3'
# Side of the patch, and of the images that the models were made for.
SIZES = {DINOV2: (14, 518), REGISTERS: (14, 518), DINOV3: (16, 256)}


def build(name=DINOV3, **settings):
    config = dict(type='rsp.TIMMVisionTransformer', model_name=name)
    backbone = MODELS.build(config | TINY | settings)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return backbone


def timms(backbone, name, **settings):
    """timm's model with the same weights, made without our class."""
    settings = dict(dynamic_img_size=True, dynamic_img_pad=True, **settings)
    vit = timm.create_model(name, num_classes=0, global_pool='', **TINY, **settings)
    vit.load_state_dict(backbone.state_dict(), strict=True)
    return vit.eval()


@pytest.mark.parametrize('name', SIZES)
def test_maps_are_those_of_timm_at_any_size(name):
    patch, native = SIZES[name]
    backbone = build(name, out_indices=(0, -1)).eval()
    vit = timms(backbone, name)
    for height, width in [(native, native), (5 * patch, 3 * patch), (70, 45)]:
        image = torch.randn(2, 3, height, width)
        with torch.no_grad():
            maps = backbone(image)
            tokens, expected = vit.forward_intermediates(image, [0, 2], norm=True)
            features = vit.forward_features(image)
        h, w = -(-height // patch), -(-width // patch)
        assert [m.shape for m in maps] == 2 * [(2, 48, h, w)]
        for ours, theirs in zip(maps, expected, strict=True):
            assert_close(ours, theirs, rtol=0, atol=1e-6)
        patches = tokens[:, vit.num_prefix_tokens :]
        assert_close(maps[-1].flatten(2).mT, patches, rtol=0, atol=1e-6)
        assert_close(tokens, features, rtol=0, atol=1e-6)


@pytest.mark.parametrize('name', SIZES)
def test_class_tokens_are_those_of_timm(name):
    backbone = build(name, out_type='cls_token').eval()
    image = torch.randn(2, 3, 60, 40)
    with torch.no_grad():
        (token,) = backbone(image)
        expected = timms(backbone, name).forward_features(image)[:, 0]
    assert_close(token, expected, rtol=0, atol=1e-6)


def test_padding_is_zeros_at_the_bottom_and_right():
    backbone = build().eval()
    image = torch.randn(1, 3, 40, 50)
    padded = torch.nn.functional.pad(image, (0, 14, 0, 8))
    with torch.no_grad():
        assert_close(backbone(image), backbone(padded))


def test_outputs_without_the_final_norm():
    backbone = build(norm=False, out_indices=(1,)).eval()
    image = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        (ours,) = backbone(image)
        vit = timms(backbone, DINOV3)
        _, (expected,) = vit.forward_intermediates(image, [1], norm=False)
    assert_close(ours, expected)
    assert not vit.norm(ours.flatten(2).mT).allclose(ours.flatten(2).mT, atol=1e-2)


def test_thirteen_bands_and_an_image_size():
    backbone = build(DINOV2, in_channels=13, img_size=(28, 56))
    assert backbone.patch_embed.proj.weight.shape == (48, 13, 14, 14)
    assert backbone.pos_embed.shape == (1, 1 + 2 * 4, 48)
    (out,) = backbone(torch.randn(2, 13, 30, 20))
    assert out.shape == (2, 48, 3, 2)


EMBEDDING = {'cls_token', 'reg_token', 'pos_embed', 'patch_embed'}


@pytest.mark.parametrize('name', SIZES)
@pytest.mark.parametrize('frozen', [-1, 0, 2, 3])
def test_frozen_stages_are_neither_trained_nor_in_training_mode(name, frozen):
    backbone = build(
        name, frozen_stages=frozen, drop_path_rate=0.5, proj_drop_rate=0.1
    ).train()
    frozen_places = {f'blocks.{i}' for i in range(frozen)}
    frozen_places |= EMBEDDING if frozen >= 0 else set()
    frozen_places |= {'norm'} if frozen == 3 else set()

    def is_frozen(key):
        return any(key == p or key.startswith(f'{p}.') for p in frozen_places)

    (out,) = backbone(torch.randn(8, 3, 32, 32))
    if frozen < 3:
        out.pow(3).sum().backward()
    for key, parameter in backbone.named_parameters():
        assert parameter.requires_grad is not is_frozen(key), key
        got_gradient = parameter.grad is not None and parameter.grad.abs().sum() > 0
        assert got_gradient is not is_frozen(key), key
    for i, block in enumerate(backbone.blocks):
        assert all(m.training is (i >= frozen) for m in block.modules())
    assert backbone.patch_embed.training is (frozen < 0)
    assert backbone.training
    assert not any(m.training for m in backbone.eval().modules())


def test_a_frozen_backbone_is_the_same_in_training():
    backbone = build(frozen_stages=3, drop_path_rate=0.9)
    image = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        assert_close(backbone.train()(image), backbone.eval()(image))


@pytest.mark.parametrize('norm', [True, False])
def test_what_no_output_reads_is_not_trained_but_kept(norm):
    backbone = build(out_indices=(0,), norm=norm)
    assert len(backbone.blocks) == 3
    backbone(torch.randn(1, 3, 32, 32))[0].square().sum().backward()
    trained = {k for k, p in backbone.named_parameters() if p.requires_grad}
    reached = {k for k, p in backbone.named_parameters() if p.grad is not None}
    assert trained == reached
    assert ('norm.weight' in trained) is norm
    assert not any(k.startswith(('blocks.1.', 'blocks.2.')) for k in trained)


@pytest.mark.parametrize('name', SIZES)
def test_names_are_those_of_timm(name):
    backbone = build(name)
    bare = timm.create_model(name, num_classes=0, **TINY)
    assert list(backbone.state_dict()) == list(bare.state_dict())
    names = [key for key, _ in backbone.named_parameters()]
    assert names == [key for key, _ in bare.named_parameters()]


def test_files_of_timm_and_of_mm_models_load_without_a_mapping(tmp_path):
    source = build(REGISTERS)
    bare, whole = tmp_path / 'timm.pth', tmp_path / 'mm.pth'
    torch.save(source.state_dict(), bare)
    torch.save({f'backbone.{k}': t for k, t in source.state_dict().items()}, whole)
    for init in (
        dict(checkpoint=str(bare)),
        dict(checkpoint=str(whole), prefix='backbone.'),
    ):
        config = dict(type='rsp.TIMMVisionTransformer', model_name=REGISTERS, **TINY)
        filled = MODELS.build(config | dict(init_cfg=dict(type='Pretrained', **init)))
        filled.init_weights()
        for key, value in source.state_dict().items():
            assert torch.equal(filled.state_dict()[key], value), key
    load_checkpoint(build(REGISTERS), str(bare), strict=True)


@pytest.mark.parametrize('name', [DINOV2, REGISTERS])
def test_position_embeddings_of_a_file_are_fitted_as_timm_fits_them(name, tmp_path):
    native = build(name)
    expected = timms(native, name)
    expected.set_input_size((70, 28))
    torch.save(native.state_dict(), tmp_path / 'timm.pth')
    before = native.pos_embed.clone()
    small = build(name, img_size=(70, 28))
    load_checkpoint(small, str(tmp_path / 'timm.pth'), strict=True)
    assert_close(small.pos_embed, expected.pos_embed)
    assert torch.equal(small.cls_token, native.cls_token)
    # Its own file is of no square, and fits as it is.
    twin = build(name, img_size=(70, 28))
    twin.load_state_dict(small.state_dict())
    assert torch.equal(twin.pos_embed, small.pos_embed)
    with pytest.raises(RuntimeError, match='size mismatch for pos_embed'):
        native.load_state_dict(small.state_dict())
    assert torch.equal(native.pos_embed, before)


def changed(backbone, image):
    """The output after all weights were moved through the backbone's own names."""
    state = {k: t + 0.1 for k, t in backbone.state_dict().items()}
    backbone.load_state_dict(state, assign=True)
    with torch.no_grad():
        return backbone(image)[0]


def test_copies_and_replaced_parameters_reach_the_computation():
    """timm's model and the backbone never hold different tensors."""
    backbone = build(REGISTERS).eval()
    image = torch.randn(1, 3, 28, 28)
    with torch.no_grad():
        (before,) = backbone(image)
        twin = copy.deepcopy(backbone)
        after = changed(twin, image)
        assert not after.allclose(before, atol=1e-3)
        assert_close(backbone(image)[0], before)
        assert_close(changed(backbone, image), after)
        expected = backbone.double()(image.double())[0]
    assert expected.dtype == torch.float64
    assert_close(expected.float(), after, rtol=1e-4, atol=1e-4)


def test_checkpointing_gives_the_same_gradients():
    plain, saving = build(frozen_stages=1), build(frozen_stages=1, with_cp=True)
    saving.load_state_dict(plain.state_dict())
    image = torch.randn(1, 3, 32, 48)
    for backbone in (plain, saving):
        backbone(image)[0].pow(3).sum().backward()
    saved = dict(saving.named_parameters())
    for key, parameter in plain.named_parameters():
        assert (parameter.grad is None) is (saved[key].grad is None), key
        if parameter.grad is not None:
            assert_close(saved[key].grad, parameter.grad, msg=key)


def test_layers_for_decaying_rates():
    backbone = build(REGISTERS)
    depth = {
        key: backbone.get_layer_depth(f'backbone.{key}', 'backbone.')
        for key, _ in backbone.named_parameters()
    }
    assert set(depth.values()) == {(i, 5) for i in range(5)}
    for key in ('cls_token', 'pos_embed', 'reg_token', 'patch_embed.proj.weight'):
        assert depth[key] == (0, 5)
    assert depth['blocks.2.mlp.fc1.weight'] == (3, 5)
    assert depth['norm.weight'] == (4, 5)
    assert backbone.get_layer_depth('head.fc.weight', 'backbone.') == (4, 5)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(out_indices=(3,)), r'3 blocks, -3 to 2, got \(3,\)'),
        (dict(out_indices=(-4,)), r'3 blocks, -3 to 2, got \(-4,\)'),
        (dict(out_indices=(2, 0)), r'ascending out_indices.* got \(2, 0\)'),
        (dict(out_indices=(2, -1)), r'ascending out_indices.* got \(2, -1\)'),
        (dict(out_indices=()), r'ascending out_indices.* got \(\)'),
        (dict(frozen_stages=4), r'frozen_stages between -1 and 3, got 4'),
        (dict(out_type='raw'), r"out_type to be one of .*got 'raw'"),
        (dict(name='vit_nope'), r"name of a model in timm .*got 'vit_nope'"),
        (dict(name='hf-hub:timm/vit'), r"name of a model in timm .*got 'hf-hub:"),
        (dict(name='resnet18'), r"plain ViT of timm .*got 'resnet18'"),
        (dict(name='swin_tiny_patch4_window7_224'), r"plain ViT of timm .*got 'swin_"),
        (
            dict(name='vit_base_patch16_siglip_224', out_type='cls_token'),
            r"out_type='featmap' for vit_base_patch16_siglip_224",
        ),
        (dict(color='red'), r"arguments that it takes, got .*'color'"),
    ],
)
def test_mistakes_are_refused_in_one_line(settings, message):
    with pytest.raises(UserError, match=message) as refusal:
        build(**settings)
    assert '\n' not in str(refusal.value)


def test_a_model_without_blocks_is_refused(monkeypatch):
    monkeypatch.setattr(timm, 'create_model', lambda *_, **__: torch.nn.Linear(1, 1))
    with pytest.raises(UserError, match=r'with blocks, got .*a Linear'):
        build()


def test_timm_is_asked_for_by_the_name_of_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(UserError, match=r'pip install .rsp-pretrain\[convert\]'):
        build()
