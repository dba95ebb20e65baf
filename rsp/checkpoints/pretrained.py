"""Putting a pre-trained backbone into a model, and saying how much of it went in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from rsp.checkpoints.card import card_of
from rsp.checkpoints.conversion import take_backbone
from rsp.checkpoints.inflation import inflate, is_stem
from rsp.checkpoints.layout import describe, list_parts, state_dict_of
from rsp.checkpoints.layouts import CLASSIFIERS, recognise
from rsp.checkpoints.reading import read
from rsp.errors import UserError, shorten

# Computed from the architecture, not learned; some layouts leave them out.
CONSTANTS = ('relative_position_index', 'num_batches_tracked')
# The extra normalisations of a hierarchical transformer whose stages are all read.
EXTRA_NORM = re.compile(r'norm\d+\.(weight|bias)')


@dataclass(frozen=True)
class LoadReport:
    """What became of every tensor of a file's backbone and of a model's.

    Attributes:
        source: The file.
        description: What the file seems to be.
        part: ``'student'`` or ``'teacher'``.
        loaded: Tensors of the model that now hold the file's values.
        missing: Tensors of the model that the file lacks.
        unexpected: Tensors of the file's backbone that the model has no place for.
        reshaped: Tensors of both whose shapes differ, with both shapes.
        adapted: Those of ``loaded`` that the model fitted to its own size, such as
            position embeddings.
        new: Tensors that only a dense use of the backbone has (normalisations of
            earlier stages); they start fresh and count neither way.
        inflated: The kernel of those of ``loaded`` that was spread from three bands
            over the model's (`rsp.checkpoints.inflation`).
        ignored: Tensors of the file that belong to no backbone.
        card: The papers of the file (`rsp.checkpoints.card`); empty if it has none.
        parameters: Learned numbers of the model's backbone, ``new`` ones excepted.
        loaded_parameters: Those of them that were loaded.
    """

    source: str
    description: str
    part: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[str, ...]
    adapted: tuple[str, ...]
    new: tuple[str, ...]
    ignored: tuple[str, ...]
    parameters: int
    loaded_parameters: int
    card: Mapping[str, Any] = field(default_factory=dict)
    inflated: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all of the backbone came in and all of the file's was used."""
        return not (self.missing or self.reshaped or self.unexpected)

    @property
    def percent(self) -> float:
        """Share of the learned numbers that were loaded, 0 to 100."""
        return 100 * self.loaded_parameters / max(self.parameters, 1)

    def to_dict(self) -> dict[str, Any]:
        """All of it for a JSON file, names included."""
        names = {key: list(getattr(self, key)) for key in _KINDS}
        return dict(
            source=self.source,
            description=self.description,
            part=self.part,
            percent=round(self.percent, 3),
            parameters=self.parameters,
            loaded_parameters=self.loaded_parameters,
            **{f'{key}_tensors': len(found) for key, found in names.items()},
            **names,
        )

    def __str__(self) -> str:
        wanted = len(self.loaded) + len(self.missing) + len(self.reshaped)
        lines = [
            f"backbone from '{self.source}' ({self.description}; {self.part}):",
            f'  loaded      {len(self.loaded)} of {wanted} tensors, '
            f'{self.loaded_parameters:,} of {self.parameters:,} parameters '
            f'({self.percent:.4g} %)',
        ]
        for key, remark in _KINDS.items():
            names = getattr(self, key)
            if names and key != 'loaded':
                first = shorten(names, 6, '... (all in load_report.json)')
                lines.append(f'  {key:<11} {len(names)} {remark}: {first}')
        return '\n'.join(lines)


class MisfitError(UserError):
    """A file does not fill a backbone.

    Attributes:
        report: What would have become of every tensor.
    """

    def __init__(self, message: str, report: LoadReport) -> None:
        super().__init__(message)
        self.report = report


_KINDS = dict(
    loaded='',
    missing='not in the file',
    reshaped='of another shape',
    unexpected='of the file without a place in the model',
    adapted='fitted to this size',
    inflated='with the mean filter of red, green and blue for every band',
    new='that only dense use has, starting fresh',
    ignored='of the file that are no backbone',
)


def load_pretrained(
    backbone: nn.Module,
    checkpoint: str | Path,
    part: str | None = None,
    allow_partial: bool = False,
    trust: bool = False,
    inflate_stem: bool = False,
) -> LoadReport:
    """Give a backbone the weights of a pre-training.

    Args:
        backbone: Changed in place.
        checkpoint: A file in any layout of `rsp.checkpoints.layouts`: a pre-training of
            ours or an official one, an exported backbone, a bare network of
            mmpretrain, torchvision or timm.
        part: Whose backbone, ``'student'`` or ``'teacher'``; None for the one its
            method hands on.
        allow_partial: Go on with what fits instead of refusing.
        trust: Open the file even if that can run code in it.
        inflate_stem: Spread the first layer of an RGB file over the bands of a backbone
            with another number of them; else it is refused.

    Returns:
        What became of every tensor.

    Raises:
        FileNotFoundError: If the file does not exist.
        MisfitError: If it does not fit wholly; the message names the tensors.
        ValueError: If it cannot be read, has no such part, or holds numbers that are
            not finite.
    """
    content = read(checkpoint, trust=trust)
    found, ignored, part = split_file(state_dict_of(content), backbone, part)
    _refuse_infinite(found, checkpoint)
    wanted = backbone.state_dict()
    found, inflated = inflate(found, wanted) if inflate_stem else (found, ())
    differing = [n for n in wanted if n in found and found[n].shape != wanted[n].shape]
    reshaped = _load(backbone, found)
    missing = [name for name in wanted if name not in found]
    constant = {name for name in missing if name.endswith(CONSTANTS)}
    new = [n for n in missing if EXTRA_NORM.fullmatch(n) and _has_extra_norm(found)]
    loaded = [n for n in wanted if n not in reshaped and n not in missing]
    sizes = {n: p.numel() for n, p in backbone.named_parameters() if n not in new}
    report = LoadReport(
        source=str(checkpoint),
        description=describe(content),
        part=part,
        loaded=tuple(loaded),
        missing=tuple(n for n in missing if n not in constant and n not in new),
        unexpected=tuple(n for n in found if n not in wanted),
        reshaped=tuple(
            f'{name} {tuple(found[name].shape)} in the file, '
            f'{tuple(wanted[name].shape)} in the model'
            for name in reshaped
        ),
        adapted=tuple(n for n in differing if n not in reshaped),
        new=tuple(new),
        ignored=tuple(ignored),
        parameters=sum(sizes.values()),
        loaded_parameters=sum(sizes.get(name, 0) for name in loaded),
        card=card_of(content),
        inflated=inflated,
    )
    if not (report.complete or allow_partial) or not report.loaded_parameters:
        stem = any(is_stem(found[name], wanted[name]) for name in differing)
        raise MisfitError(_refusal(report, backbone, content, stem), report)
    return report


def split_file(
    state: Mapping[str, Tensor], backbone: nn.Module, part: str | None = None
) -> tuple[dict[str, Tensor], list[str], str]:
    """Part a file's tensors into the backbone's and the rest.

    Args:
        state: Tensors by name.
        backbone: Its names tell a bare network from something else.
        part: See `load_pretrained`.

    Returns:
        The backbone's tensors by their names in it, the names of the others, and the
        part.

    Raises:
        ValueError: If there is no such part.
    """
    if part != 'teacher' and not _is_known(state):
        if state.keys() & backbone.state_dict().keys():
            rest = [name for name in state if name.startswith(CLASSIFIERS)]
            return {n: t for n, t in state.items() if n not in rest}, rest, 'student'
    taken = take_backbone(state, part)
    return taken.tensors, list(taken.left_out), taken.part


def _refuse_infinite(found: Mapping[str, Tensor], checkpoint: str | Path) -> None:
    broken = [n for n, t in found.items() if not t.isfinite().all()]
    if broken:
        raise UserError(
            f"{len(broken)} of {len(found)} tensors of '{checkpoint}' are not finite: "
            f'{shorten(broken, 6)}; that training diverged, take an earlier checkpoint.'
        )


def _is_known(state: Mapping[str, Tensor]) -> bool:
    try:
        recognise(state)
    except ValueError:
        return False
    return True


def _load(backbone: nn.Module, found: Mapping[str, Tensor]) -> list[str]:
    """Load what fits, through torch so that models can adapt; names what does not."""
    try:
        backbone.load_state_dict(dict(found), strict=False)
        return []
    except RuntimeError as error:
        # torch has copied what fits, and names the others.
        names = re.findall(r'size mismatch for ([\w.]+):', str(error))
        if not names:
            raise
        return names


def _has_extra_norm(found: Iterable[str]) -> bool:
    """Whether the file's backbone normalises its last stage in the same way."""
    return any(EXTRA_NORM.fullmatch(name) for name in found)


def _refusal(
    report: LoadReport, backbone: nn.Module, content: Mapping[str, Any], stem: bool
) -> str:
    remedy = (
        'The file is for images of three bands: to spread its first layer over yours, '
        'pass --inflate-stem'
        if stem
        else 'Give a checkpoint of this architecture or change model.backbone'
    )
    return (
        f'{report}\n'
        f'This does not fill {type(backbone).__name__} (model.backbone) exactly. The '
        f'file holds {list_parts(state_dict_of(content))}. {remedy}; to go on with '
        'what fits, pass --allow-partial.'
    )
