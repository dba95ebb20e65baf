"""Recognising a backbone by the names of its tensors."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from rsp.errors import UserError

# (blocks per stage, bottleneck blocks) -> depth
RESNETS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}

VGGS = (11, 13, 16, 19)


def guess_architecture(names: Iterable[str]) -> str:
    """Say what a backbone seems to be, e.g. ``'ResNet-50'``.

    A guess for the reader of a report: it rests on mmpretrain's names alone, so that
    variants of the same layout (ResNet-50-D, wide) look the same.

    Args:
        names: Tensors of the backbone, without ``backbone.``.
    """
    names = set(names)
    if blocks := _count(names, r'layer(\d+)\.(\d+)\.conv1\.'):
        bottleneck = any('.conv3.' in name for name in names)
        depth = RESNETS.get((blocks, bottleneck))
        return f'ResNet-{depth}' if depth else f'ResNet with {_dashed(blocks)} blocks'
    if kernels := _count(names, r'(features)\.(\d+)\.conv\.'):
        normed = any('.bn.' in name for name in names)
        return f'VGG-{kernels[0] + 3}{" with batch norm" if normed else ""}'
    if blocks := _count(names, r'stages\.(\d+)\.(\d+)\.depthwise_conv\.'):
        return f'ConvNeXt with {_dashed(blocks)} blocks'
    if blocks := _count(names, r'stages\.(\d+)\.blocks\.(\d+)\.'):
        return f'Swin with {_dashed(blocks)} blocks'
    if blocks := _count(names, r'(layers)\.(\d+)\.attn\.'):
        return f'ViT with {_dashed(blocks)} blocks'
    return 'unknown'


def _count(names: Iterable[str], pattern: str) -> tuple[int, ...]:
    """Blocks of each stage; the pattern's groups are stage and block."""
    found = {m.groups() for name in names if (m := re.match(pattern, name))}
    stages = sorted({stage for stage, _ in found})
    return tuple(sum(stage == s for s, _ in found) for stage in stages)


def _dashed(blocks: tuple[int, ...]) -> str:
    return '-'.join(map(str, blocks))


def network_config(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The mmpretrain config of the backbone that these tensors belong to.

    Numbers that no shape tells: a ViT's heads, which are taken to have 64 channels (as
    in all published ones but ViT-H, 80), and dropout and the like, which are left out.

    Args:
        state: A ResNet, VGG, Swin or ViT by mmpretrain's names, without ``backbone.``.

    Raises:
        ValueError: If it is none of them, or a variant of ResNet.
    """
    if 'layer1.0.conv1.weight' in state:
        return _resnet_config(state)
    if 'features.0.conv.weight' in state:
        return _vgg_config(state)
    if 'stages.0.blocks.0.attn.w_msa.relative_position_bias_table' in state:
        return _swin_config(state)
    if 'layers.0.attn.qkv.weight' in state and 'pos_embed' in state:
        return _vit_config(state)
    raise UserError(
        'expected a ResNet, VGG, Swin or ViT to build a network for, got '
        f'{guess_architecture(state)}; load the tensors into a network of your own.'
    )


def _resnet_config(state: Mapping[str, Tensor]) -> dict[str, Any]:
    blocks = _count(state, r'layer(\d+)\.(\d+)\.conv1\.')
    depth = RESNETS.get((blocks, 'layer1.0.conv3.weight' in state))
    if depth is None or 'conv1.weight' not in state:
        raise UserError(
            f'expected a plain ResNet of depth {sorted(set(RESNETS.values()))}, got '
            f'one with {_dashed(blocks)} blocks'
            f'{"" if "conv1.weight" in state else " and another stem"}.'
        )
    return dict(
        type='ResNet',
        depth=depth,
        in_channels=state['conv1.weight'].shape[1],
        stem_channels=state['conv1.weight'].shape[0],
        base_channels=state['layer1.0.conv1.weight'].shape[0],
        out_indices=(0, 1, 2, 3),
    )


def _vgg_config(state: Mapping[str, Tensor]) -> dict[str, Any]:
    # The dense layers, three, are no part of a backbone.
    depth = _count(state, r'(features)\.(\d+)\.conv\.')[0] + 3
    if depth not in VGGS:
        raise UserError(
            f'expected a VGG of depth {sorted(VGGS)}, got one with {depth - 3} '
            'convolutions.'
        )
    return dict(
        type='rsp.VGG',
        depth=depth,
        in_channels=state['features.0.conv.weight'].shape[1],
        norm_cfg=dict(type='BN') if 'features.0.bn.weight' in state else None,
        out_indices=(0, 1, 2, 3, 4),
    )


def _swin_config(state: Mapping[str, Tensor]) -> dict[str, Any]:
    depths = _count(state, r'stages\.(\d+)\.blocks\.(\d+)\.')
    table = 'stages.{}.blocks.0.attn.w_msa.relative_position_bias_table'
    tables = [state[table.format(stage)] for stage in range(len(depths))]
    window = (round(len(tables[0]) ** 0.5) + 1) // 2
    embedding = state['patch_embed.projection.weight']
    return dict(
        type='SwinTransformer',
        arch=dict(
            embed_dims=embedding.shape[0],
            depths=list(depths),
            num_heads=[t.shape[1] for t in tables],
        ),
        patch_size=embedding.shape[-1],
        in_channels=embedding.shape[1],
        window_size=window,
        img_size=32 * window,
        # As the first authors, torchvision and timm do where a map is one window.
        pad_small_map=False,
        drop_path_rate=0.0,
    )


def _vit_config(state: Mapping[str, Tensor]) -> dict[str, Any]:
    width, channels, _, patch = state['patch_embed.projection.weight'].shape
    layers = _count(state, r'(layers)\.(\d+)\.attn\.')[0]
    heads = width // (80 if width == 1280 else 64)
    if heads * 64 != width and width != 1280:
        raise UserError(
            f'expected a ViT whose heads have 64 channels, got {width} channels in '
            'all; load the tensors into a network of your own.'
        )
    token = 'cls_token' in state
    cells = state['pos_embed'].shape[1] - token
    return dict(
        type='VisionTransformer',
        arch=dict(
            embed_dims=width,
            num_layers=layers,
            num_heads=heads,
            feedforward_channels=state['layers.0.ffn.layers.0.0.weight'].shape[0],
        ),
        img_size=patch * math.isqrt(cells),
        patch_size=patch,
        in_channels=channels,
        with_cls_token=token,
        out_type='raw',
        final_norm='ln1.weight' in state,
    )
