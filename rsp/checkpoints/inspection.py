"""Describe a checkpoint by its names and numbers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rsp.checkpoints.card import changed_tensors
from rsp.checkpoints.checkpoint import Checkpoint
from rsp.checkpoints.families import listed
from rsp.checkpoints.formats import Format, list_modules
from rsp.checkpoints.reading.finite import non_finite
from rsp.errors import shorten


@dataclass
class Inspection:
    """Hold what `inspect` found; its text is the report.

    Attributes:
        path: The file.
        format: What the file is.
        written_by: The run it tells of.
        branches: Prefix, architecture, tensors, parameters and names of each.
        others: What belongs to no backbone.
        unknown: Those of them that the format does not know.
        dtypes: Number of tensors of each type.
        troubles: What is wrong with the numbers, as sentences.
        notes: Recipe and card, by name.
    """

    path: str
    format: str
    written_by: str
    branches: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: str = ''
    unknown: list[str] = field(default_factory=list)
    dtypes: dict[str, int] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f'{self.path}: {self.format}', f'  written by  {self.written_by}']
        for branch, facts in self.branches.items():
            average = ' (a moving average)' if branch != 'student' else ''
            lines.append(
                f'  {branch:<11} {facts["architecture"]}, {facts["tensors"]} tensors, '
                f'{facts["parameters"]:,} parameters, under {facts["prefix"]!r}, names '
                f'of {facts["names"] or "an unknown library"}{average}'
            )
            if facts['unknown']:
                lines.append(f'    unknown   {", ".join(facts["unknown"])}')
            # No shape tells these: the run's config does, or nothing.
            for word in ('settings', 'guessed'):
                if facts[word]:
                    lines.append(f'    {word:<9} {facts[word]}')
        lines.append(f'  others      {self.others or "none"}')
        if self.unknown:
            lines.append(f'  unknown     {shorten(self.unknown, 4)}')
        types = ', '.join(f'{count} {name}' for name, count in self.dtypes.items())
        lines.append(f'  types       {types}')
        lines += [f'  {key:<11} {value}' for key, value in self.notes.items()]
        lines += [f'  TROUBLE     {trouble}' for trouble in self.troubles]
        return '\n'.join(lines if self.troubles else [*lines, '  no trouble seen'])


def inspect(path: str | Path, trust: bool = False) -> Inspection:
    """Describe a checkpoint.

    Args:
        path: Of any format.
        trust: See `rsp.checkpoints.read`.
    """
    file = Checkpoint.load(path, trust=trust)
    state, known = file.state_dict, file.format
    dtypes = Counter(str(t.dtype).removeprefix('torch.') for t in state.values())
    found = Inspection(str(path), 'an unknown format', str(file), dtypes=dict(dtypes))
    found.troubles = find_troubles(state)
    found.notes = _notes(file)
    if known is None:
        found.others = file.modules()
        return found
    prefixes = known.find_branches(state)
    found.branches = {b: _branch(file, b, prefix) for b, prefix in prefixes.items()}
    found.format = known.title
    if known.key == 'bare':
        names = found.branches['student']['names'] or 'an unknown library'
        found.format += f' by the names of {names}'
    left_out = [set(facts.pop('left_out')) for facts in found.branches.values()]
    rest = [n for n in state if all(n in names for names in left_out)]
    found.others = list_modules(rest) if rest else ''
    own = (*known.other, *(p for places in known.branches.values() for p in places))
    found.unknown = [n for n in rest if known.other and not n.startswith(own)]
    found.troubles += _find_disagreements(file, known)
    return found


def _branch(file: Checkpoint, branch: str, prefix: str) -> dict[str, Any]:
    backbone = file.backbone(branch)
    return dict(
        prefix=prefix,
        architecture=backbone.architecture,
        tensors=len(backbone.tensors),
        parameters=backbone.parameters,
        names=backbone.library,
        unknown=list(backbone.unknown),
        left_out=backbone.left_out,
        settings=listed(backbone.known_settings),
        guessed=listed(backbone.guessed_settings),
    )


def find_troubles(state: Mapping[str, Tensor]) -> list[str]:
    """Find suspicious numbers: of a broken or an untrained network.

    Args:
        state: Tensors by name.

    Returns:
        Sentences with the names of the tensors.
    """
    numbers = {n: t for n, t in state.items() if t.is_floating_point() and t.numel()}
    broken = non_finite(numbers)
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


def _find_disagreements(file: Checkpoint, known: Format) -> list[str]:
    """Find copies of a branch that differ, and tensors that contradict the card."""
    state, found = file.state_dict, []
    for branch, prefixes in known.branches.items():
        there = [p for p in prefixes if any(n.startswith(p) for n in state)]
        for other in there[1:]:
            differing = [
                name
                for name in (n[len(other) :] for n in state if n.startswith(other))
                if there[0] + name in state
                and not torch.equal(state[there[0] + name], state[other + name])
            ]
            if differing:
                found.append(
                    f'{len(differing)} tensors of the {branch} differ between '
                    f'{there[0]} and {other}: {shorten(differing, 4)}'
                )
    changed = changed_tensors(file.card, file.backbone().tensors) if file.card else []
    if changed:
        found.append(
            f'{len(changed)} tensors are not those of the card: {shorten(changed, 4)}'
        )
    return found


def _notes(file: Checkpoint) -> dict[str, Any]:
    meta, card = file.meta, file.card
    wanted = ('method', 'recipe_hash', 'normalization', 'bands', 'license', 'metrics')
    notes = {key: card[key] for key in wanted if card.get(key)}
    return {key: meta[key] for key in ('epoch', 'iter') if key in meta} | notes
