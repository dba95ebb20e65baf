"""What libraries call the tensors of one and the same backbone.

Ours are mmpretrain's names. A `Naming` leads from another library's to ours and back;
both ways are functions from tensors by name to tensors by name and change nothing in
place.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from torch import Tensor

from rsp.checkpoints.swin_order import (
    change,
    merge_by_cell,
    merge_by_channel,
    with_position_index,
    without_index,
)
from rsp.checkpoints.vgg_order import blocks_from_layers, layers_from_blocks

State = Mapping[str, Tensor]


class Rule(NamedTuple):
    """One place in a network: ``{s}`` is a stage, ``{b}`` a block.

    Attributes:
        theirs: Their name, without a final ``.weight`` or ``.bias``.
        ours: mmpretrain's.
        scale: Their number of a stage is ``scale * ours + offset``.
        offset: See ``scale``.
    """

    theirs: str
    ours: str
    scale: int = 1
    offset: int = 0


@dataclass(frozen=True)
class Naming:
    """How a library names one family of networks.

    Attributes:
        library: ``'mm'``, ``'mmseg'``, ``'torchvision'`` or ``'timm'``.
        family: ``'ResNet'``, ``'VGG'``, ``'Swin'`` or ``'ViT'``.
        mark: Pattern of a name that tells it from the others.
        rules: Place by place; none if the names are ours.
        reshape_in: Brings renamed tensors to our order of numbers, where that differs.
        reshape_out: The reverse, before renaming.
    """

    library: str
    family: str
    mark: str
    rules: tuple[Rule, ...] = ()
    reshape_in: Callable[[State], dict[str, Tensor]] = dict
    reshape_out: Callable[[State], dict[str, Tensor]] = dict

    def recognises(self, names: Iterable[str]) -> bool:
        """Whether these are its names."""
        return any(re.match(self.mark, name) for name in names)

    def inward(self, state: State) -> dict[str, Tensor]:
        """Their tensors by our names; names without a rule stay as they are."""
        return self.reshape_in({self.name_in(n): t for n, t in state.items()})

    def name_in(self, name: str) -> str:
        """Our name of one of their tensors; theirs if no rule is for it."""
        return self._rename(name, self._in)

    def outward(self, state: State) -> dict[str, Tensor]:
        """Our tensors by their names; names without a rule stay as they are."""
        state = self.reshape_out(state)
        return {self._rename(n, self._out): t for n, t in state.items()}

    @cached_property
    def _in(self) -> list['Step']:
        return [
            (_pattern(r.theirs), _writer(r.ours, _down(r.scale, r.offset)))
            for r in self.rules
        ]

    @cached_property
    def _out(self) -> list['Step']:
        return [
            (_pattern(r.ours), _writer(r.theirs, _up(r.scale, r.offset)))
            for r in self.rules
        ]

    @staticmethod
    def _rename(name: str, rules: list['Step']) -> str:
        for pattern, write in rules:
            if found := pattern.fullmatch(name):
                return write(found)
        return name


Step = tuple[re.Pattern, Callable[[re.Match], str]]


def _up(scale: int, offset: int) -> Callable[[int], int]:
    return lambda stage: stage * scale + offset


def _down(scale: int, offset: int) -> Callable[[int], int]:
    return lambda stage: (stage - offset) // scale


def _pattern(template: str) -> re.Pattern:
    text = re.escape(template).replace(r'\{s\}', r'(?P<s>\d+)')
    return re.compile(
        text.replace(r'\{b\}', r'(?P<b>\d+)') + r'(?P<end>\.weight|\.bias|)'
    )


def _writer(template: str, number: Callable[[int], int]) -> Callable[[re.Match], str]:
    def write(found: re.Match) -> str:
        place = found.groupdict()
        name = template.replace('{b}', place.get('b') or '')
        if 's' in place:
            name = name.replace('{s}', str(number(int(place['s']))))
        return name + place['end']

    return write


def _swin_block(theirs: str, mlp: tuple[str, str], scale: int, offset: int) -> tuple:
    """The rules inside a block, which libraries agree on but for a few words."""
    attention = (
        'relative_position_bias_table',
        'relative_position_index',
        'qkv',
        'proj',
    )
    pairs = [(f'attn.{word}', f'attn.w_msa.{word}') for word in attention]
    pairs += [('norm1', 'norm1'), ('norm2', 'norm2')]
    pairs += [(mlp[0], 'ffn.layers.0.0'), (mlp[1], 'ffn.layers.1')]
    return tuple(
        Rule(f'{theirs}.{a}', f'stages.{{s}}.blocks.{{b}}.{b}', scale, offset)
        for a, b in pairs
    )


def _swin_timm(merging_offset: int) -> tuple[Rule, ...]:
    return (
        Rule('patch_embed.proj', 'patch_embed.projection'),
        Rule('patch_embed.norm', 'patch_embed.norm'),
        *_swin_block('layers.{s}.blocks.{b}', ('mlp.fc1', 'mlp.fc2'), 1, 0),
        *(
            Rule(f'layers.{{s}}.downsample.{word}', f'stages.{{s}}.downsample.{word}',
                 offset=merging_offset)
            for word in ('norm', 'reduction')
        ),
        Rule('norm', 'norm3'),
    )  # fmt: skip


def _vit(embedding: str, block: str, words: tuple[str, ...]) -> tuple[Rule, ...]:
    """Rules of a plain transformer whose blocks have six places."""
    ours = ('ln1', 'attn.qkv', 'attn.proj', 'ln2', 'ffn.layers.0.0', 'ffn.layers.1')
    pairs = zip(words, ours, strict=True)
    return (
        Rule(embedding, 'patch_embed.projection'),
        *(Rule(f'{block}.{a}', f'layers.{{b}}.{b}') for a, b in pairs),
    )


def _torch_attention(place: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(f'{place}.in_proj_{kind}', f'layers.{{b}}.attn.qkv.{kind}')
        for kind in ('weight', 'bias')
    )


_TORCHVISION_BLOCK = 'encoder.layers.encoder_layer_{b}'

# The first that recognises a name wins.
NAMINGS: tuple[Naming, ...] = (
    Naming('mm', 'ResNet', r'layer1\.0\.conv1\.'),
    Naming('mm', 'VGG', r'features\.0\.conv\.'),
    # Every depth has a convolution there, AlexNet and SqueezeNet have none.
    Naming('torchvision', 'VGG', r'features\.1[5-9]\.weight$',
           reshape_in=blocks_from_layers, reshape_out=layers_from_blocks),
    Naming('mm', 'Swin', r'stages\.\d+\.blocks\.\d+\.attn\.w_msa\.',
           reshape_in=with_position_index),
    Naming(
        'torchvision',
        'Swin',
        r'features\.\d+\.\d+\.attn\.',
        (
            Rule('features.0.0', 'patch_embed.projection'),
            Rule('features.0.2', 'patch_embed.norm'),
            *_swin_block('features.{s}.{b}', ('mlp.0', 'mlp.3'), 2, 1),
            Rule('features.{s}.norm', 'stages.{s}.downsample.norm', 2, 2),
            Rule('features.{s}.reduction', 'stages.{s}.downsample.reduction', 2, 2),
            Rule('norm', 'norm3'),
        ),
        lambda state: with_position_index(merge_by_channel(state)),
        lambda state: change(
            merge_by_cell(state), re.compile('.*position_index'), Tensor.flatten
        ),
    ),
    Naming(
        'timm',
        'Swin',
        # The merging before a stage belongs to it.
        r'layers\.3\.downsample\.',
        _swin_timm(1),
        lambda state: with_position_index(merge_by_channel(state)),
        lambda state: merge_by_cell(without_index(state)),
    ),
    Naming(
        'first authors',
        'Swin',
        # As in timm before 0.9: the merging after a stage belongs to it.
        r'layers\.\d+\.blocks\.\d+\.attn\.qkv\.',
        _swin_timm(0),
        lambda state: with_position_index(merge_by_channel(state)),
        merge_by_cell,
    ),
    Naming('mm', 'ViT', r'layers\.\d+\.attn\.qkv\.'),
    Naming(
        'mmseg',
        'ViT',
        r'layers\.\d+\.attn\.attn\.in_proj_',
        (
            *_torch_attention('layers.{b}.attn.attn'),
            Rule('layers.{b}.attn.attn.out_proj', 'layers.{b}.attn.proj'),
        ),
    ),
    Naming(
        'torchvision',
        'ViT',
        r'encoder\.layers\.encoder_layer_\d+\.',
        (
            Rule('class_token', 'cls_token'),
            Rule('encoder.pos_embedding', 'pos_embed'),
            Rule('encoder.ln', 'ln1'),
            *_torch_attention(f'{_TORCHVISION_BLOCK}.self_attention'),
            *_vit(
                'conv_proj',
                _TORCHVISION_BLOCK,
                ('ln_1', 'self_attention.in_proj', 'self_attention.out_proj', 'ln_2',
                 'mlp.0', 'mlp.3'),
            ),
        ),
    ),
    Naming(
        'timm',
        'ViT',
        r'blocks\.\d+\.attn\.qkv\.',
        (
            Rule('norm', 'ln1'),
            Rule('fc_norm', 'ln2'),
            *_vit(
                'patch_embed.proj',
                'blocks.{b}',
                ('norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'),
            ),
        ),
    ),
)  # fmt: skip

_KNOWN = dict(
    ResNet=r'(conv1|bn1|layer\d+\.\d+\.(conv\d|bn\d|downsample\.\d+))'
    r'\.(weight|bias|running_mean|running_var|num_batches_tracked)',
    VGG=r'features\.\d+\.(conv\.(weight|bias)'
    r'|bn\.(weight|bias|running_mean|running_var|num_batches_tracked))',
    Swin=r'(patch_embed\.(projection|norm)|norm\d|stages\.\d+\.downsample\.(norm|reduction)'
    r'|stages\.\d+\.blocks\.\d+\.(norm1|norm2|attn\.w_msa\.(qkv|proj)|ffn\.layers\.0\.0'
    r'|ffn\.layers\.1))\.(weight|bias)'
    r'|stages\.\d+\.blocks\.\d+\.attn\.w_msa\.relative_position_(bias_table|index)',
    ViT=r'cls_token|pos_embed|(patch_embed\.projection|ln[12]|layers\.\d+\.(ln1|ln2|'
    r'attn\.qkv|attn\.proj|ffn\.layers\.0\.0|ffn\.layers\.1))\.(weight|bias)',
)


def naming_of(names: Iterable[str]) -> Naming | None:
    """Whose names these are; None if they are of no family known here."""
    names = list(names)
    return next((naming for naming in NAMINGS if naming.recognises(names)), None)


def naming_for(library: str, family: str) -> Naming | None:
    """The names a library uses for a family; None if it has no such backbone."""
    fits = [n for n in NAMINGS if (n.library, n.family) == (library, family)]
    if not fits and (family == 'ResNet' or library.startswith('mm')):
        fits = [n for n in NAMINGS if (n.library, n.family) == ('mm', family)]
    return fits[0] if fits else None


def strangers(names: Iterable[str], family: str) -> list[str]:
    """Which of our names are none of this family."""
    return [name for name in names if not re.fullmatch(_KNOWN[family], name)]
