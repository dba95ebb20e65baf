"""Describe Swin transformers, version 1.

Libraries differ in names, in which stage the patch merging belongs to, and in the order
in which it lays its four patches side by side.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rsp.checkpoints.families.family import (
    Family,
    KeyMapping,
    Rule,
    State,
    count_blocks,
    dashed,
)

BLOCK = r'stages\.(\d+)\.blocks\.(\d+)\.'
TABLE = 'stages.{}.blocks.0.attn.w_msa.relative_position_bias_table'
INDEX = 'relative_position_index'
# What an attention holds.
WORDS = ('relative_position_bias_table', INDEX, 'qkv', 'proj')
# The first authors stack the patches 00, 10, 01, 11, each with all its channels; mm
# unfolds: channel by channel, each with its patches 00, 01, 10, 11. These are the
# positions of mm's patches in the first order.
PATCHES = torch.tensor([0, 2, 1, 3])
MERGING = re.compile(r'stages\.\d+\.downsample\.(norm|reduction)\.(weight|bias)')


def position_index(window: int) -> Tensor:
    """Return the row of the bias table for each pair of patches of a window.

    Args:
        window: Patches along a side, w.

    Returns:
        Shape (w², w²), int64: row of the table for query and key.
    """
    patch = torch.arange(window)
    y, x = (c.flatten() for c in torch.meshgrid(patch, patch, indexing='ij'))
    dy, dx = (c[:, None] - c[None, :] + window - 1 for c in (y, x))
    return dy * (2 * window - 1) + dx


def merge_by_channel(state: State) -> dict[str, Tensor]:
    """Bring patch merging from the first authors' order to mm's."""

    def move(tensor: Tensor) -> Tensor:
        patches = tensor.unflatten(-1, (4, -1))[..., PATCHES, :]  # (..., 4, C)
        return patches.transpose(-1, -2).flatten(-2)

    return _change(state, MERGING, move)


def merge_by_patch(state: State) -> dict[str, Tensor]:
    """Bring patch merging from mm's order to the first authors'."""

    def move(tensor: Tensor) -> Tensor:
        patches = tensor.unflatten(-1, (-1, 4)).transpose(-1, -2)  # (..., 4, C)
        return patches[..., PATCHES, :].flatten(-2)

    return _change(state, MERGING, move)


def with_index(state: State) -> dict[str, Tensor]:
    """Give every attention the position index that its bias table implies."""
    made = {}
    for name, tensor in state.items():
        if not name.endswith(INDEX):
            made[name] = tensor
        if name.endswith('relative_position_bias_table'):
            index = name.replace('bias_table', 'index')
            made[index] = position_index(_window(tensor))
    return made


def _without_index(state: State) -> dict[str, Tensor]:
    return {name: t for name, t in state.items() if not name.endswith(INDEX)}


def _from_patches(state: State) -> dict[str, Tensor]:
    return with_index(merge_by_channel(state))


def _window(table: Tensor) -> int:
    return (round(len(table) ** 0.5) + 1) // 2


def _change(state: State, names: re.Pattern, move: Callable) -> dict[str, Tensor]:
    return {n: move(t) if names.fullmatch(n) else t for n, t in state.items()}


def block_rules(
    key: str, mlp: tuple[str, str], scale: int, offset: int, words: Iterable[str]
) -> list[Rule]:
    """Return the rules inside a block, which libraries name nearly alike."""
    pairs = [(f'attn.{word}', f'attn.w_msa.{word}') for word in words]
    pairs += [('norm1', 'norm1'), ('norm2', 'norm2')]
    pairs += [(mlp[0], 'ffn.layers.0.0'), (mlp[1], 'ffn.layers.1')]
    return [
        Rule(f'{key}.{a}', f'stages.{{s}}.blocks.{{b}}.{b}', scale, offset)
        for a, b in pairs
    ]


def rules(
    embedding: tuple[str, str], block: list[Rule], merging: str, *number: int
) -> tuple[Rule, ...]:
    """Return the rules of a network: embedding, blocks, patch merging, last norm."""
    downsample = [
        Rule(merging.format(word), f'stages.{{s}}.downsample.{word}', *number)
        for word in ('norm', 'reduction')
    ]
    return (
        Rule(embedding[0], 'patch_embed.projection'),
        Rule(embedding[1], 'patch_embed.norm'),
        *block,
        *downsample,
        Rule('norm', 'norm3'),
    )


def timm_rules(merging_offset: int, words: Iterable[str]) -> tuple[Rule, ...]:
    """Return timm's rules; patch merging belongs to the stage behind or before it."""
    mlp = ('mlp.fc1', 'mlp.fc2')
    block = block_rules('layers.{s}.blocks.{b}', mlp, 1, 0, words)
    embedding = ('patch_embed.proj', 'patch_embed.norm')
    return rules(embedding, block, 'layers.{{s}}.downsample.{}', 1, merging_offset)


def timm_arguments(config: Mapping[str, Any], window: int) -> dict[str, Any]:
    """Return the arguments of timm's Swin, of both versions, for mmpretrain's."""
    arch = config['arch']
    return dict(
        img_size=config['img_size'],
        patch_size=config['patch_size'],
        in_chans=config['in_channels'],
        embed_dim=arch['embed_dims'],
        depths=arch['depths'],
        num_heads=arch['num_heads'],
        window_size=window,
    )


def build_torchvision(
    config: Mapping[str, Any], window: int, **settings: Any
) -> nn.Module:
    """Build torchvision's Swin, of either version, without its head."""
    from torchvision.models.swin_transformer import SwinTransformer

    arch = config['arch']
    network = SwinTransformer(
        [config['patch_size']] * 2,
        arch['embed_dims'],
        arch['depths'],
        arch['num_heads'],
        [window] * 2,
        **settings,
    )
    network.head = nn.Identity()
    return network


class Swin(Family):
    """Describe Swin transformers of any size."""

    name = 'Swin'
    mappings = (
        KeyMapping(
            ('mm',),
            r'stages\.\d+\.blocks\.\d+\.attn\.w_msa\.',
            reorder_to_mm=with_index,
        ),
        KeyMapping(
            ('torchvision',),
            r'features\.\d+\.\d+\.attn\.',
            rules(
                ('features.0.0', 'features.0.2'),
                block_rules('features.{s}.{b}', ('mlp.0', 'mlp.3'), 2, 1, WORDS),
                'features.{{s}}.{}',
                2,
                2,
            ),
            _from_patches,
            lambda state: _change(
                merge_by_patch(state), re.compile('.*position_index'), Tensor.flatten
            ),
        ),
        KeyMapping(
            ('timm',),
            # Patch merging before a stage is part of that stage.
            r'layers\.3\.downsample\.',
            timm_rules(1, WORDS),
            _from_patches,
            lambda state: merge_by_patch(_without_index(state)),
        ),
        KeyMapping(
            ('first authors',),
            # As in timm before 0.9: patch merging is part of the stage before it.
            r'layers\.\d+\.blocks\.\d+\.attn\.qkv\.',
            timm_rules(0, WORDS),
            _from_patches,
            merge_by_patch,
            # Follows from the image size.
            derived=r'.*\.attn_mask',
        ),
    )
    keys = (
        r'(patch_embed\.(projection|norm)|norm\d'
        r'|stages\.\d+\.downsample\.(norm|reduction)|stages\.\d+\.blocks\.\d+\.(norm1'
        r'|norm2|attn\.w_msa\.(qkv|proj)|ffn\.layers\.0\.0|ffn\.layers\.1))'
        r'\.(weight|bias)|stages\.\d+\.blocks\.\d+\.attn\.w_msa\.'
        r'relative_position_(bias_table|index)'
    )
    norms = (r'(stages\.\d+\.blocks\.\d+)\.norm1\.weight', 'norm3.weight')

    # As the first authors, torchvision and timm do where a map is one window.
    settings = dict(pad_small_map=False)
    types = ('SwinTransformer', 'SimMIMSwinTransformer', 'MaskedSwinTransformer')
    # It shows on maps smaller than a window only.
    portable = ('pad_small_map',)

    def describe(self, state: State) -> str:
        return f'Swin with {dashed(count_blocks(state, BLOCK))} blocks'

    def config(
        self, state: State, settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        depths = count_blocks(state, BLOCK)
        tables = [state[TABLE.format(stage)] for stage in range(len(depths))]
        embedding = state['patch_embed.projection.weight']
        return dict(
            type='mmpretrain.SwinTransformer',
            arch=dict(
                embed_dims=embedding.shape[0],
                depths=list(depths),
                num_heads=[table.shape[1] for table in tables],
            ),
            patch_size=embedding.shape[-1],
            in_channels=embedding.shape[1],
            window_size=_window(tables[0]),
            img_size=32 * _window(tables[0]),
            drop_path_rate=0.0,
            **self.standard(state) | dict(settings or {}),
        )

    def timm_model(self, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return 'swin_tiny_patch4_window7_224', timm_arguments(
            config, config['window_size']
        )

    def torchvision_network(
        self, config: Mapping[str, Any], **settings: Any
    ) -> nn.Module:
        return build_torchvision(config, config['window_size'], **settings)

    def settings_of(self, network: nn.Module) -> dict[str, Any]:
        # Not kept where it could be read.
        return {}

    def test_size(self, state: State, network: nn.Module, mapping: KeyMapping) -> int:
        # Where a map is exactly one window, some mm-libraries shift it and the others
        # do not; a little more than one window is the same for all.
        more = 32 if mapping.library == 'mm' else 0
        return int(self.config(state)['img_size']) + more
