"""The three backbones with a mask token, side by side."""

import pytest
import torch
from mmpretrain.registry import MODELS
from torch.testing import assert_close

BACKBONES = {
    'resnet': dict(type='ResNet', depth=18, stem_channels=8, base_channels=4),
    'resnet-deep-stem': dict(type='ResNet', depth=50, deep_stem=True, base_channels=4),
    'swin': dict(
        type='SwinTransformer',
        arch=dict(embed_dims=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
        img_size=64,
        window_size=2,
        drop_path_rate=0.0,
    ),
    'vit': dict(
        type='VisionTransformer',
        arch=dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48),
        img_size=64,
        patch_size=16,
        out_type='featmap',
    ),
}
MASKED = dict(
    ResNet='rsp.MaskedResNet',
    SwinTransformer='rsp.MaskedSwinTransformer',
    VisionTransformer='rsp.MaskedVisionTransformer',
)


@pytest.fixture(params=BACKBONES)
def pair(request):
    """A masked backbone and the plain one with the same weights."""
    cfg = BACKBONES[request.param]
    plain = MODELS.build(cfg)
    window = cfg.get('window_size')
    cfg = {k: v for k, v in cfg.items() if k != 'window_size'}
    if window:
        cfg['stage_cfgs'] = dict(block_cfgs=dict(window_size=window))
    masked = MODELS.build(dict(cfg, type=MASKED[cfg['type']]))
    masked.init_weights()
    result = plain.load_state_dict(masked.state_dict(), strict=False)
    assert result.unexpected_keys == ['mask_token']
    assert not result.missing_keys
    # Not chained: `train` of these backbones returns nothing.
    masked.eval(), plain.eval()
    return masked, plain


def images_and_mask():
    mask = torch.zeros(2, 4, 4, dtype=torch.uint8)
    mask[0, 0, 2] = mask[1, 2] = 1
    return torch.randn(2, 3, 64, 64), mask


def test_without_a_mask_it_is_the_plain_backbone(pair):
    masked, plain = pair
    images, mask = images_and_mask()
    torch.nn.init.normal_(masked.mask_token)
    expected = plain(images)[-1]
    assert torch.equal(masked(images)[-1], expected)
    assert torch.equal(masked(images, mask=0 * mask)[-1], expected)


def test_the_token_starts_at_zero_and_changes_nothing(pair):
    masked, plain = pair
    images, mask = images_and_mask()
    assert (masked.mask_token == 0).all()
    assert torch.equal(masked(images, mask)[-1], plain(images)[-1])


def test_the_token_learns_only_where_something_is_hidden(pair):
    masked, _ = pair
    images, mask = images_and_mask()
    for some, learns in ((mask, True), (0 * mask, False)):
        masked.zero_grad()
        masked(images, some)[-1].square().sum().backward()
        assert bool(masked.mask_token.grad.abs().max() > 0) == learns


def test_a_token_makes_a_difference(pair):
    masked, _ = pair
    images, mask = images_and_mask()
    before = masked(images, mask)[-1]
    torch.nn.init.normal_(masked.mask_token)
    assert not torch.allclose(masked(images, mask)[-1], before)


def test_the_token_is_added_to_the_first_map(pair, monkeypatch):
    """By itself, at hidden places only."""
    masked, _ = pair
    images, mask = images_and_mask()
    torch.nn.init.normal_(masked.mask_token)
    first = getattr(masked, 'stages', getattr(masked, 'layers', None))
    first = masked.layer1 if first is None else first[0]
    seen = []
    first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    masked(images, 0 * mask)
    masked(images, mask)
    change = seen[1] - seen[0]
    if change.ndim == 3:
        patches = change[:, -(change.shape[1] // 16 * 16) :]
        edge = int(patches.shape[1] ** 0.5)
        change = patches.transpose(1, 2).unflatten(2, (edge, edge))
    block = change.shape[-1] // 4
    large = mask.repeat_interleave(block, 1).repeat_interleave(block, 2)
    expected = masked.mask_token.reshape(1, -1, 1, 1) * large[:, None]
    assert_close(change, expected, rtol=1e-4, atol=1e-5)


def test_a_mask_that_does_not_fit_is_refused(pair):
    masked, _ = pair
    images, _ = images_and_mask()
    with pytest.raises(ValueError, match=r'divisible by the 5 x 5 patches'):
        masked(images, torch.ones(2, 5, 5))


def test_the_output_is_a_map(pair):
    masked, _ = pair
    assert masked(images_and_mask()[0])[-1].ndim == 4


@pytest.mark.parametrize(('pytorch_init', 'deviation'), [(False, 0.02), (True, None)])
def test_a_swin_may_keep_the_weights_of_pytorch(pytorch_init, deviation):
    cfg = {k: v for k, v in BACKBONES['swin'].items() if k != 'window_size'}
    cfg = dict(cfg, type='rsp.MaskedSwinTransformer', pytorch_init=pytorch_init)
    swin = MODELS.build(cfg)
    before = swin.stages[2].blocks[0].ffn.layers[1].weight.clone()  # (48, 192)
    swin.init_weights()
    after = swin.stages[2].blocks[0].ffn.layers[1].weight
    assert torch.equal(before, after) == pytorch_init
    assert_close(
        after.std(), torch.tensor(deviation or 192**-0.5 / 3**0.5), rtol=0.1, atol=0
    )
    assert (swin.mask_token == 0).all()
