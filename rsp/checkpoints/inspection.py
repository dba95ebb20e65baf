"""What a checkpoint is, told from its names and numbers alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rsp.checkpoints.card import changed_since
from rsp.checkpoints.conversion import take_backbone
from rsp.checkpoints.layout import describe, list_parts, state_dict_of
from rsp.checkpoints.layouts import parts_of, recognise
from rsp.checkpoints.reading import read
from rsp.errors import shorten


@dataclass
class Inspection:
    """What `inspect` found; its text is the report.

    Attributes:
        path: The file.
        layout: What the file is.
        written_by: The run it tells of.
        parts: For each part its prefix, architecture, tensors, parameters and names.
        others: What belongs to no backbone.
        strangers: Those of them that the layout does not know.
        dtypes: Number of tensors of each type.
        troubles: What is wrong with the numbers, as sentences.
        notes: Recipe and card, by name.
    """

    path: str
    layout: str
    written_by: str
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: str = ''
    strangers: list[str] = field(default_factory=list)
    dtypes: dict[str, int] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f'{self.path}: {self.layout}', f'  written by  {self.written_by}']
        for part, facts in self.parts.items():
            lines.append(
                f'  {part:<11} {facts["architecture"]}, {facts["tensors"]} tensors, '
                f'{facts["parameters"]:,} parameters, under {facts["prefix"]!r}, names '
                f'of {facts["names"] or "an unknown library"}'
            )
            if facts['unknown']:
                lines.append(f'    unknown   {", ".join(facts["unknown"])}')
        lines.append(f'  others      {self.others or "none"}')
        if self.strangers:
            lines.append(f'  unknown     {shorten(self.strangers, 4)}')
        types = ', '.join(f'{count} {name}' for name, count in self.dtypes.items())
        lines.append(f'  types       {types}')
        lines += [f'  {key:<11} {value}' for key, value in self.notes.items()]
        lines += [f'  TROUBLE     {trouble}' for trouble in self.troubles]
        return '\n'.join(lines if self.troubles else [*lines, '  no trouble seen'])


def inspect(path: str | Path, trust: bool = False) -> Inspection:
    """Look into a checkpoint.

    Args:
        path: Of any layout.
        trust: See `rsp.checkpoints.read`.

    Raises:
        FileNotFoundError, ValueError: If it cannot be read, or holds no weights.
    """
    content = read(path, trust=trust)
    state = state_dict_of(content)
    found = Inspection(str(path), 'an unknown layout', describe(content))
    found.dtypes = dict(
        Counter(str(t.dtype).removeprefix('torch.') for t in state.values())
    )
    found.troubles = troubles(state)
    found.notes = _notes(content.get('meta') or {})
    try:
        layout = recognise(state)
    except ValueError:
        found.others = list_parts(state)
        return found
    found.layout = layout.title
    prefixes = parts_of(state, layout)
    for part, prefix in prefixes.items():
        found.parts[part] = _part(state, part, prefix)
    if layout.key == 'bare':
        found.layout = (
            f'{layout.title} by the names of {found.parts["student"]["names"]}'
        )
    bare = tuple(p for p in prefixes.values() if p)
    rest = [n for n in state if not n.startswith(bare)] if bare else []
    found.others = list_parts(rest) if rest else ''
    known = (*layout.other, *(p for places in layout.parts.values() for p in places))
    found.strangers = [n for n in rest if layout.other and not n.startswith(known)]
    found.troubles += _disagreements(content, state, layout.parts)
    return found


def _part(state: Mapping[str, Tensor], part: str, prefix: str) -> dict[str, Any]:
    backbone = take_backbone(state, part)
    learned = [t for n, t in backbone.tensors.items() if not n.endswith(_NOT_LEARNED)]
    return dict(
        prefix=prefix,
        architecture=backbone.architecture,
        tensors=len(backbone.tensors),
        parameters=sum(t.numel() for t in learned),
        names=backbone.library,
        unknown=list(backbone.unknown),
    )


_NOT_LEARNED = (
    'running_mean',
    'running_var',
    'num_batches_tracked',
    'relative_position_index',
)


def troubles(state: Mapping[str, Tensor]) -> list[str]:
    """What in the numbers betrays a broken or untrained network.

    Args:
        state: Tensors by name.

    Returns:
        Sentences with the names of the tensors.
    """
    numbers = {n: t for n, t in state.items() if t.is_floating_point() and t.numel()}
    broken = [n for n, t in numbers.items() if not torch.isfinite(t).all()]
    weights = {n: t for n, t in numbers.items() if n.endswith('.weight') and t.ndim > 1}
    zero = [n for n, t in weights.items() if not t.any()]
    counters = {n: t for n, t in state.items() if n.endswith('num_batches_tracked')}
    untouched = [n for n, t in counters.items() if not t.any()]
    negative = [
        n for n, t in numbers.items() if n.endswith('running_var') and (t < 0).any()
    ]
    found = (
        (broken, 'hold NaN or infinity'),
        (zero, 'are zero throughout'),
        (untouched, 'say that batch norm has seen no batch'),
        (negative, 'are variances below zero'),
    )
    return [
        f'{len(names)} tensors {what}: {shorten(names, 4)}'
        for names, what in found
        if names
    ]


def _disagreements(
    content: Mapping[str, Any],
    state: Mapping[str, Tensor],
    parts: Mapping[str, tuple[str, ...]],
) -> list[str]:
    """Second copies of a part that differ, and tensors that belie the card."""
    said = []
    for part, prefixes in parts.items():
        there = [p for p in prefixes if any(n.startswith(p) for n in state)]
        for other in there[1:]:
            names = [n[len(other) :] for n in state if n.startswith(other)]
            differing = [
                name
                for name in names
                if there[0] + name in state
                and not torch.equal(state[there[0] + name], state[other + name])
            ]
            if differing:
                said.append(
                    f'{len(differing)} tensors of the {part} differ between {there[0]} '
                    f'and {other}: {shorten(differing, 4)}'
                )
    card = (content.get('meta') or {}).get('card')
    if card:
        changed = changed_since(card, take_backbone(state).tensors)
        if changed:
            said.append(
                f'{len(changed)} tensors are not those of the card: '
                f'{shorten(changed, 4)}'
            )
    return said


def _notes(meta: Mapping[str, Any]) -> dict[str, Any]:
    card = meta.get('card') or {}
    wanted = ('method', 'recipe_hash', 'normalisation', 'bands', 'licence', 'metrics')
    notes = {key: card[key] for key in wanted if card.get(key)}
    return {key: meta[key] for key in ('epoch', 'iter') if key in meta} | notes
