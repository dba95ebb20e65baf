"""Describe DINOv3.

Official files: https://github.com/facebookresearch/dinov3; transformers' names are
those of DINOv3ViTModel.
"""

import re
from typing import Any

import torch
from torch import Tensor, nn

from rsp.checkpoints.families.dino import (
    DINO,
    NORMS,
    count_registers,
    join_qkv,
    mlp_ratio,
    place_rules,
    prefixed_rules,
    split_qkv,
    width_of,
)
from rsp.checkpoints.families.family import KeyMapping, Rule, State

PROJECTIONS = {f'attention.{x}_proj': f'attn.{x}_proj' for x in 'qkv'}


def _bias_of_queries_and_values(state: State) -> dict[str, Tensor]:
    """Split the bias as timm does, which has none for keys; leave it out if zero.

    Official files mask the keys' bias (``bias_mask``). What is left is zero in all
    distilled models, and timm's networks of the usual names have no bias.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if match := re.fullmatch(r'(blocks\.\d+\.attn\.)qkv\.bias', name):
            query, _, value = tensor.chunk(3)
            found |= {f'{match[1]}q_bias': query, f'{match[1]}v_bias': value}
        elif match := re.fullmatch(r'(blocks\.\d+\.attn\.)([qv])_proj\.bias', name):
            found[f'{match[1]}{match[2]}_bias'] = tensor
        else:
            found[name] = tensor
    return _without_zero_bias(found)


def _without_zero_bias(state: State) -> dict[str, Tensor]:
    bias = [name for name in state if name.endswith(('.q_bias', '.v_bias'))]
    if any(state[name].any() for name in bias):
        return dict(state)
    return {name: tensor for name, tensor in state.items() if name not in bias}


def _with_zero_bias(state: State) -> dict[str, Tensor]:
    found = dict(state)
    for name, tensor in state.items():
        if match := re.fullmatch(r'(blocks\.\d+\.attn\.)qkv\.weight', name):
            for x in 'qv':
                zero = tensor.new_zeros(len(tensor) // 3)
                found.setdefault(f'{match[1]}{x}_bias', zero)
    return found


def _to_official_bias(state: State) -> dict[str, Tensor]:
    found = _with_zero_bias(state)
    for name in [n for n in found if n.endswith('.q_bias')]:
        query, value = found.pop(name), found.pop(name.replace('.q_', '.v_'))
        joined = torch.cat([query, torch.zeros_like(query), value])
        found[name.replace('q_bias', 'qkv.bias')] = joined
    return found


def _from_transformers(state: State) -> dict[str, Tensor]:
    joined = _bias_of_queries_and_values(join_qkv(state, ['weight']))
    gated = any('.mlp.fc1_g.' in name for name in joined)
    if not gated:
        return joined
    return {n.replace('.mlp.fc1.', '.mlp.fc1_x.'): t for n, t in joined.items()}


def _to_transformers(state: State) -> dict[str, Tensor]:
    split = split_qkv(_with_zero_bias(state), ['weight'])
    return {re.sub(r'attn\.([qv])_bias', r'attn.\1_proj.bias', n): t
            for n, t in split.items()}  # fmt: skip


class DINOv3(DINO):
    """Describe DINOv3: rotary positions, registers, layer scale."""

    name = 'DINOv3'
    mappings = (
        KeyMapping(('timm', 'mm'), r'reg_token$', reorder_to_mm=_without_zero_bias),
        KeyMapping(
            ('official DINOv3',),
            r'storage_tokens$|rope_embed\.periods$',
            place_rules(
                {'storage_tokens': 'reg_token'},
                ['blocks.{b}'],
                {'ls1.gamma': 'gamma_1', 'ls2.gamma': 'gamma_2', 'mlp.fc2': 'mlp.fc2'}
                | {'mlp.w1': 'mlp.fc1_g', 'mlp.w2': 'mlp.fc1_x', 'mlp.w3': 'mlp.fc2'},
            ),
            _bias_of_queries_and_values,
            _to_official_bias,
            # The last is of local crops, which there are in pre-training only.
            derived=r'rope_embed\.periods|.*\.bias_mask|local_cls_norm\..*',
        ),
        KeyMapping(
            ('transformers',),
            r'(model\.)?layer\.\d+\.layer_scale1\.lambda1$',
            (
                *prefixed_rules(
                    ('', 'model.'),
                    {
                        'embeddings.cls_token': 'cls_token',
                        'embeddings.register_tokens': 'reg_token',
                        'embeddings.patch_embeddings': 'patch_embed.proj',
                        'norm': 'norm',
                    },
                    'layer.{b}',
                    dict(NORMS, **PROJECTIONS)
                    | {'attention.o_proj': 'attn.proj'}
                    | {f'layer_scale{i}.lambda1': f'gamma_{i}' for i in (1, 2)}
                    | {'mlp.up_proj': 'mlp.fc1', 'mlp.down_proj': 'mlp.fc2'}
                    | {'mlp.gate_proj': 'mlp.fc1_g'},
                ),
                Rule('layer.{b}.mlp.up_proj', 'blocks.{b}.mlp.fc1_x'),
            ),
            _from_transformers,
            _to_transformers,
        ),
    )
    keys = (
        r'cls_token|reg_token|(patch_embed\.proj|norm|blocks\.\d+\.(norm[12]|attn\.proj'
        r'|mlp\.(fc1|fc1_g|fc1_x|fc2)))\.(weight|bias)|blocks\.\d+\.(gamma_[12]'
        r'|attn\.(qkv\.weight|qkv\.bias|[qv]_bias))'
    )

    def _timm_name(self, state: State) -> str:
        gated = 'blocks.0.mlp.fc1_g.weight' in state
        return f'vit_small{"_plus" if gated else ""}_patch16_dinov3'

    def _arguments(self, state: State) -> dict[str, Any]:
        gated = 'blocks.0.mlp.fc1_g.weight' in state
        hidden = state['blocks.0.mlp.fc2.weight'].shape[1]
        return dict(
            mlp_ratio=mlp_ratio(hidden, width_of(state)),
            num_reg_tokens=count_registers(state),
            qkv_bias='blocks.0.attn.q_bias' in state,
            # The exact size, where timm would round up.
            **(dict(swiglu_align_to=1) if gated else {}),
        )

    def adapt(self, state: State, wanted: State) -> dict[str, Tensor]:
        """Give the bias of zeros that a network has, or leave it out."""
        if {'blocks.0.attn.q_bias', 'blocks.0.attn.qkv.bias'} & wanted.keys():
            return _with_zero_bias(state)
        return _without_zero_bias(state)

    def test_size(self, state: State, network: nn.Module, mapping: KeyMapping) -> int:
        # Rotary positions serve any size.
        return 4 * state['patch_embed.proj.weight'].shape[-1]
