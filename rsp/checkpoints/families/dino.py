"""Define what the families DINOv2 and DINOv3 have in common.

The mm-backbone of both is `rsp.TIMMVisionTransformer`, with timm's names.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from rsp.checkpoints.families.family import (
    Family,
    Rule,
    State,
    count_blocks,
    heads_of,
)
from rsp.errors import UserError

NORMS = {'norm1': 'norm1', 'norm2': 'norm2'}
# (channels, blocks) -> size, as the papers call it.
SIZES = {
    (384, 12): 'S',
    (768, 12): 'B',
    (1024, 24): 'L',
    (1280, 32): 'H+',
    (1536, 40): 'g',
    (4096, 40): '7B',
}


def place_rules(
    places: Mapping[str, str], blocks: Iterable[str], words: Mapping[str, str]
) -> tuple[Rule, ...]:
    """Return the rules for places outside of blocks, and for places in each block."""
    inside = [
        Rule(f'{block}.{key}', f'blocks.{{b}}.{mm_key}')
        for block in blocks
        for key, mm_key in words.items()
    ]
    return (*(Rule(*pair) for pair in places.items()), *inside)


def prefixed_rules(
    prefixes: Iterable[str], places: Mapping[str, str], block: str, words: Mapping
) -> tuple[Rule, ...]:
    """Return the rules for names behind one of several prefixes."""
    return tuple(
        rule
        for prefix in prefixes
        for rule in place_rules(
            {prefix + key: mm_key for key, mm_key in places.items()},
            [prefix + block],
            words,
        )
    )


def join_qkv(state: State, kinds: Iterable[str]) -> dict[str, Tensor]:
    """Stack queries, keys and values, which transformers keeps apart."""
    joined = dict(state)
    for kind in kinds:
        for name in [n for n in joined if n.endswith(f'attn.q_proj.{kind}')]:
            parts = [joined.pop(name.replace('q_proj', f'{x}_proj')) for x in 'qkv']
            joined[name.replace('q_proj', 'qkv')] = torch.cat(parts)
    return joined


def split_qkv(state: State, kinds: Iterable[str]) -> dict[str, Tensor]:
    """Take queries, keys and values apart."""
    split = dict(state)
    for kind in kinds:
        for name in [n for n in split if n.endswith(f'attn.qkv.{kind}')]:
            for x, part in zip('qkv', split.pop(name).chunk(3), strict=True):
                split[name.replace('qkv', f'{x}_proj')] = part
    return split


class DINO(Family):
    """Hold what DINOv2 and DINOv3 share."""

    settings = dict(num_heads=None)
    portable = binding = ('num_heads',)
    norms = (r'(blocks\.\d+)\.norm1\.weight', 'norm.weight')

    @abstractmethod
    def _timm_name(self, state: State) -> str:
        """Return a model of timm of the same kind, of any size."""

    def _arguments(self, state: State) -> dict[str, Any]:
        """Return further arguments of timm's model."""
        return {}

    def describe(self, state: State) -> str:
        patch, width = state['patch_embed.proj.weight'].shape[-1], width_of(state)
        size = SIZES.get((width, depth_of(state)))
        kind = f'ViT-{size}/{patch}' if size else f'ViT/{patch}'
        if not size:
            kind += f' with {depth_of(state)} blocks of {width} channels'
        if registers := count_registers(state):
            kind += f', {registers} registers'
        return f'{self.name} {kind}'

    def standard(self, state: State) -> dict[str, Any]:
        """Return the heads of the papers' sizes: 64 channels each, of the 7B 128."""
        width = width_of(state)
        head = 128 if width == 4096 else 64
        return dict(num_heads=None if width % head else width // head)

    def known(self, config: Mapping[str, Any]) -> dict[str, Any]:
        if config.get('num_heads'):
            return dict(num_heads=config['num_heads'])
        return _heads_of_timm(config.get('model_name'))

    def settings_of(self, network: nn.Module) -> dict[str, Any]:
        return heads_of(network)

    def config(
        self, state: State, settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the config of `rsp.TIMMVisionTransformer`."""
        heads = (self.standard(state) | dict(settings or {}))['num_heads']
        width, channels, _, patch = state['patch_embed.proj.weight'].shape
        if not heads or width % heads:
            raise UserError(
                f'expected a ViT that tells its number of heads, or with heads of 64 '
                f'channels, got {width} channels{f" in {heads} heads" if heads else ""}'
                '; give a file with its config or card.'
            )
        return dict(
            type='rsp.TIMMVisionTransformer',
            model_name=self._timm_name(state),
            in_channels=channels,
            patch_size=patch,
            embed_dim=width,
            depth=depth_of(state),
            num_heads=heads,
            **self._arguments(state),
        )

    def timm_model(self, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        own = {key: value for key, value in config.items() if key != 'type'}
        name = own.pop('model_name')
        own['in_chans'] = own.pop('in_channels')
        return name, own


def _heads_of_timm(model_name: Any) -> dict[str, Any]:
    """Return the heads of a model of timm, which is built without memory."""
    try:
        import timm
    except ModuleNotFoundError:
        return {}
    if not isinstance(model_name, str) or not timm.is_model(model_name):
        return {}
    with torch.device('meta'):
        return heads_of(timm.create_model(model_name, pretrained=False))


def width_of(state: State) -> int:
    """Return the number of channels."""
    return len(state['patch_embed.proj.weight'])


def depth_of(state: State) -> int:
    """Return the number of blocks."""
    return count_blocks(state, r'(blocks)\.(\d+)\.norm1\.')[0]


def count_registers(state: State) -> int:
    """Return the number of register tokens."""
    return state['reg_token'].shape[1] if 'reg_token' in state else 0


def mlp_ratio(hidden: int, width: int) -> float:
    """Return the ratio that gives the hidden size: times the width, rounded down."""
    ratio = hidden / width
    return ratio if int(width * ratio) == hidden else (hidden + 0.5) / width
