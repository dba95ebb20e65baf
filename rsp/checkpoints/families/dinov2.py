"""Describe DINOv2, with and without registers, and its giant.

Official files: https://github.com/facebookresearch/dinov2; transformers' names are
those of Dinov2Model and Dinov2WithRegistersModel.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from rsp.checkpoints.adapt import resize_pos_embed
from rsp.checkpoints.families.dino import (
    DINO,
    NORMS,
    count_registers,
    join_qkv,
    mlp_ratio,
    place_rules,
    prefixed_rules,
    split_qkv,
)
from rsp.checkpoints.families.family import KeyMapping, State, image_size_of

ATTENTION = {'attn.qkv': 'attn.qkv', 'attn.proj': 'attn.proj'}
MLP = {'mlp.fc1': 'mlp.fc1', 'mlp.fc2': 'mlp.fc2'}
QKV = {
    f'attention.attention.{word}': f'attn.{word[0]}_proj'
    for word in ('query', 'key', 'value')
}


def _fold_class_position(state: State) -> dict[str, Tensor]:
    """Add the class token's position to the token, as timm does beside registers."""
    if 'reg_token' not in state or 'pos_embed' not in state:
        return dict(state)
    position = state['pos_embed']
    token = state['cls_token'] + position[:, :1]
    return dict(state, cls_token=token, pos_embed=position[:, 1:])


def _unfold_class_position(state: State) -> dict[str, Tensor]:
    if 'reg_token' not in state or 'pos_embed' not in state:
        return dict(state)
    position = state['pos_embed']
    zero = torch.zeros_like(position[:, :1])
    return dict(state, pos_embed=torch.cat([zero, position], dim=1))


class DINOv2(DINO):
    """Describe DINOv2, and other ViTs with layer scale and learned positions."""

    name = 'DINOv2'
    mappings = (
        # Of official files those without registers, not chunked, but for the giant's.
        KeyMapping(('timm', 'mm'), r'blocks\.\d+\.ls1\.gamma$'),
        KeyMapping(
            ('official DINOv2',),
            r'register_tokens$|blocks\.\d+\.(\d+\.ls1\.gamma$|mlp\.w12\.)',
            place_rules(
                {'register_tokens': 'reg_token'},
                # In chunks, as they are trained, blocks keep their number in the whole.
                ('blocks.{b}', 'blocks.{s}.{b}'),
                dict(NORMS, **ATTENTION, **MLP)
                | {'ls1.gamma': 'ls1.gamma', 'ls2.gamma': 'ls2.gamma'}
                | {'mlp.w12': 'mlp.fc1', 'mlp.w3': 'mlp.fc2'},
            ),
            _fold_class_position,
            _unfold_class_position,
        ),
        KeyMapping(
            ('transformers',),
            r'(dinov2\w*\.)?encoder\.layer\.\d+\.layer_scale1\.lambda1$',
            prefixed_rules(
                ('', 'dinov2.', 'dinov2_with_registers.'),
                {
                    'embeddings.cls_token': 'cls_token',
                    'embeddings.position_embeddings': 'pos_embed',
                    'embeddings.register_tokens': 'reg_token',
                    'embeddings.patch_embeddings.projection': 'patch_embed.proj',
                    'layernorm': 'norm',
                },
                'encoder.layer.{b}',
                dict(NORMS, **QKV, **MLP)
                | {'attention.output.dense': 'attn.proj'}
                | {f'layer_scale{i}.lambda1': f'ls{i}.gamma' for i in (1, 2)}
                | {'mlp.weights_in': 'mlp.fc1', 'mlp.weights_out': 'mlp.fc2'},
            ),
            lambda state: _fold_class_position(join_qkv(state, ('weight', 'bias'))),
            lambda state: split_qkv(_unfold_class_position(state), ('weight', 'bias')),
        ),
        KeyMapping(
            ('mmpretrain',),
            r'layers\.\d+\.attn\.gamma1\.weight$',
            place_rules(
                {'patch_embed.projection': 'patch_embed.proj', 'ln1': 'norm'},
                ['layers.{b}'],
                {'ln1': 'norm1', 'ln2': 'norm2', **ATTENTION}
                | {'ffn.layers.0.0': 'mlp.fc1', 'ffn.layers.1': 'mlp.fc2'}
                | {'ffn.w12': 'mlp.fc1', 'ffn.w3': 'mlp.fc2'}
                | {'attn.gamma1.weight': 'ls1.gamma', 'ffn.gamma2.weight': 'ls2.gamma'},
            ),
        ),
    )
    keys = (
        r'cls_token|reg_token|pos_embed|(patch_embed\.proj|norm|blocks\.\d+\.(norm[12]'
        r'|attn\.(qkv|proj)|mlp\.fc[12]))\.(weight|bias)|blocks\.\d+\.ls[12]\.gamma'
    )

    def _timm_name(self, state: State) -> str:
        size = 'giant' if self._is_gated(state) else 'small'
        tokens = '' if self._tokens(state) else '_reg4'
        return f'vit_{size}_patch14{tokens}_dinov2'

    def _arguments(self, state: State) -> dict[str, Any]:
        hidden, width = state['blocks.0.mlp.fc1.weight'].shape
        side = math.isqrt(state['pos_embed'].shape[1])
        return dict(
            img_size=side * state['patch_embed.proj.weight'].shape[-1],
            mlp_ratio=mlp_ratio(hidden, width),
            reg_tokens=count_registers(state),
        )

    @staticmethod
    def _is_gated(state: State) -> bool:
        hidden = state['blocks.0.mlp.fc2.weight'].shape[1]
        return len(state['blocks.0.mlp.fc1.weight']) == 2 * hidden

    @staticmethod
    def _tokens(state: State) -> int:
        """Return 1 if the class token has a position of its own, else 0."""
        positions = state['pos_embed'].shape[1]
        return int(math.isqrt(positions) ** 2 != positions)

    def resize(self, state: State, size: int) -> dict[str, Tensor]:
        side = size // state['patch_embed.proj.weight'].shape[-1]
        resized = resize_pos_embed(
            state['pos_embed'], side, self._tokens(state), antialias=True
        )
        return dict(state, pos_embed=resized)

    def test_size(self, state: State, network: nn.Module, mapping: KeyMapping) -> int:
        return image_size_of(network) or int(self.config(state)['img_size'])
