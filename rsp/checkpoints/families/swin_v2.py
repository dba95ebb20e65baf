"""Describe Swin transformers, version 2.

Attention by cosines and positions by a small network tell it from version 1; it merges
patches before it normalizes them. mmpretrain and timm count patch merging to the stage
behind it.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rsp.checkpoints.families.family import (
    Family,
    KeyMapping,
    State,
    count_blocks,
    dashed,
)
from rsp.checkpoints.families.swin import (
    BLOCK,
    INDEX,
    block_rules,
    build_torchvision,
    merge_by_channel,
    merge_by_patch,
    rules,
    timm_arguments,
    timm_rules,
)
from rsp.errors import UserError

COORDINATES = 'relative_coords_table'
WORDS = ('logit_scale', 'cpb_mlp.0', 'cpb_mlp.2', 'q_bias', 'v_bias', 'qkv', 'proj',
         COORDINATES, INDEX)  # fmt: skip
ATTENTION = 'stages.{}.blocks.0.attn.w_msa.'
EXTRA_NORM = re.compile(r'stages\.\d+\.blocks\.(\d+)\.norm3\.weight')


def _reductions(move: Any, state: State) -> dict[str, Tensor]:
    """Reorder the patches of reductions alone: norms follow them in version 2."""
    before = {n: t for n, t in state.items() if '.downsample.norm.' not in n}
    return dict(state) | move(before)


def _to_mm(state: State) -> dict[str, Tensor]:
    return _reductions(merge_by_channel, state)


def _from_mm(state: State) -> dict[str, Tensor]:
    extra = next(filter(EXTRA_NORM.fullmatch, state), None)
    if extra:
        raise UserError(
            f'expected a Swin V2 without extra norms, got {extra}, which other '
            'libraries lack; use --to mmpretrain.'
        )
    return _reductions(merge_by_patch, state)


def _without_tables(state: State) -> dict[str, Tensor]:
    return {n: t for n, t in state.items() if not n.endswith((COORDINATES, INDEX))}


def _split_bias(state: State) -> dict[str, Tensor]:
    """Take apart torchvision's bias, which it holds for the keys at zero."""
    found = {}
    for name, tensor in state.items():
        if name.endswith('w_msa.qkv.bias'):
            place = name.removesuffix('qkv.bias')
            found[f'{place}q_bias'], _, found[f'{place}v_bias'] = tensor.chunk(3)
        elif name.endswith(INDEX):
            side = round(len(tensor) ** 0.5)
            found[name] = tensor.view(side, side)
        else:
            found[name] = tensor
    return _to_mm(found)


def _join_bias(state: State) -> dict[str, Tensor]:
    found = _from_mm(state)
    for name in [n for n in found if n.endswith('w_msa.q_bias')]:
        query, value = found.pop(name), found.pop(name.replace('q_bias', 'v_bias'))
        joined = torch.cat([query, torch.zeros_like(query), value])
        found[name.replace('q_bias', 'qkv.bias')] = joined
    return {n: t.flatten() if n.endswith(INDEX) else t for n, t in found.items()}


class SwinV2(Family):
    """Describe Swin transformers V2 of any size."""

    name = 'Swin V2'
    mappings = (
        KeyMapping(('mm',), r'stages\.\d+\.blocks\.\d+\.attn\.w_msa\.logit_scale'),
        KeyMapping(
            ('torchvision',),
            r'features\.\d+\.\d+\.attn\.logit_scale',
            rules(
                ('features.0.0', 'features.0.2'),
                block_rules('features.{s}.{b}', ('mlp.0', 'mlp.3'), 2, 1, WORDS),
                'features.{{s}}.{}',
                2,
            ),
            _split_bias,
            _join_bias,
        ),
        KeyMapping(
            ('timm',),
            r'layers\.3\.downsample\.',
            timm_rules(0, WORDS),
            _to_mm,
            lambda state: _without_tables(_from_mm(state)),
        ),
        KeyMapping(
            ('first authors',),
            r'layers\.\d+\.blocks\.\d+\.attn\.logit_scale',
            timm_rules(-1, WORDS),
            _to_mm,
            _from_mm,
            derived=r'.*\.attn_mask',
        ),
    )
    keys = (
        r'(patch_embed\.(projection|norm)|norm\d|stages\.\d+\.downsample\.norm'
        r'|stages\.\d+\.blocks\.\d+\.(norm[123]|attn\.w_msa\.(proj|cpb_mlp\.0)'
        r'|ffn\.layers\.0\.0|ffn\.layers\.1))\.(weight|bias)'
        r'|stages\.\d+\.downsample\.reduction\.weight'
        r'|stages\.\d+\.blocks\.\d+\.attn\.w_msa\.(logit_scale|q_bias|v_bias'
        r'|qkv\.weight|cpb_mlp\.2\.weight|relative_coords_table'
        r'|relative_position_index)'
    )
    norms = (r'(stages\.\d+\.blocks\.\d+)\.norm1\.weight', 'norm3.weight')
    settings = dict(window_size=None, pretrained_window_sizes=None)
    portable = ('window_size', 'pretrained_window_sizes')

    def describe(self, state: State) -> str:
        return f'Swin V2 with {dashed(count_blocks(state, BLOCK))} blocks'

    def standard(self, state: State) -> dict[str, Any]:
        """Return the windows: of the tables of positions, else eight patches a side."""
        stages = range(len(count_blocks(state, BLOCK)))
        tables = [state.get(ATTENTION.format(s) + COORDINATES) for s in stages]
        windows = [8 if t is None else (t.shape[1] + 1) // 2 for t in tables]
        return dict(
            window_size=windows,
            pretrained_window_sizes=[
                0 if table is None else _pretrained_window(table) for table in tables
            ],
        )

    def known(self, config: Mapping[str, Any]) -> dict[str, Any]:
        found = {key: config[key] for key in self.settings if config.get(key)}
        if isinstance(found.get('window_size'), int):
            found['window_size'] = [found['window_size']] * 4
        if str(config.get('type')).endswith('SwinTransformerV2'):
            found = dict(
                window_size=[8] * 4, pretrained_window_sizes=[0] * 4
            ) | found  # fmt: skip
        return found

    def settings_of(self, network: nn.Module) -> dict[str, Any]:
        # The tables tell.
        return {}

    def config(
        self, state: State, settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        depths = count_blocks(state, BLOCK)
        scales = [
            state[ATTENTION.format(s) + 'logit_scale'] for s in range(len(depths))
        ]
        embedding = state['patch_embed.projection.weight']
        extra = [int(m[1]) for name in state if (m := EXTRA_NORM.fullmatch(name))]
        settings = self.standard(state) | dict(settings or {})
        return dict(
            type='mmpretrain.SwinTransformerV2',
            arch=dict(
                embed_dims=embedding.shape[0],
                depths=list(depths),
                num_heads=[len(scale) for scale in scales],
                extra_norm_every_n_blocks=min(extra) + 1 if extra else 0,
            ),
            patch_size=embedding.shape[-1],
            in_channels=embedding.shape[1],
            img_size=8 * embedding.shape[-1] * max(settings['window_size']),
            out_indices=(len(depths) - 1,),
            drop_path_rate=0.0,
            **settings,
        )

    def timm_model(self, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        arguments = timm_arguments(config, _one_window(config, 'timm'))
        return 'swinv2_tiny_window8_256', arguments | dict(
            pretrained_window_sizes=config['pretrained_window_sizes']
        )

    def torchvision_network(
        self, config: Mapping[str, Any], **settings: Any
    ) -> nn.Module:
        from torchvision.models.swin_transformer import (
            PatchMergingV2,
            SwinTransformerBlockV2,
        )

        if any(config['pretrained_window_sizes']):
            raise UserError('torchvision has no Swin V2 of another window; use timm.')
        return build_torchvision(
            config,
            _one_window(config, 'torchvision'),
            block=SwinTransformerBlockV2,
            downsample_layer=PatchMergingV2,
            **settings,
        )

    def test_size(self, state: State, network: nn.Module, mapping: KeyMapping) -> int:
        return int(self.config(state)['img_size'])


def _one_window(config: Mapping[str, Any], library: str) -> int:
    windows = set(config['window_size'])
    if len(windows) > 1:
        raise UserError(
            f'expected one window for {library}, got {config["window_size"]}; use '
            '--to mmpretrain.'
        )
    return windows.pop()


def _pretrained_window(table: Tensor) -> int:
    """Return the window that a table's coordinates are relative to; 0 for its own."""
    # A table ends with log2(1 + 8 (w - 1) / (v - 1)) / 3, for windows w here, v there.
    ratio = (2.0 ** (3 * float(table.max())) - 1) / 8
    window = (table.shape[1] + 1) // 2
    return 0 if abs(ratio - 1) < 1e-3 else round((window - 1) / ratio) + 1
