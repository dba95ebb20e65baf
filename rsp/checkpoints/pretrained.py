"""Start a model with weights of a file, and report which tensors were loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from rsp.checkpoints.adapt import inflate_stem as inflate
from rsp.checkpoints.adapt import is_rgb_stem
from rsp.checkpoints.card import find_card
from rsp.checkpoints.checkpoint import Backbone, Checkpoint
from rsp.checkpoints.diff import StateDictDiff, load_state_dict
from rsp.checkpoints.formats import BARE, without_heads
from rsp.errors import UserError, shorten


@dataclass(frozen=True, kw_only=True)
class LoadReport(StateDictDiff):
    """Report which tensors of a file's backbone were loaded into a model's.

    Attributes:
        source: The file.
        description: What the file seems to be.
        branch: ``'student'`` or ``'teacher'``.
        inflated: The kernel of those of ``loaded`` that was spread from three bands
            over the model's (`rsp.checkpoints.adapt`).
        ignored: Tensors of the file that belong to no backbone.
        parameters: Learned numbers of the model's backbone, ``new`` ones excepted.
        loaded_parameters: Those of them that were loaded.
        card: Card of the file (`rsp.checkpoints.card`); empty if it has none.
        settings: What no shape tells, such as heads and strides, and differs between
            training and this model.
        rgb_kernels: Those that ``inflated`` tells of, as the file has them.
    """

    source: str
    description: str
    branch: str
    inflated: tuple[str, ...]
    ignored: tuple[str, ...]
    parameters: int
    loaded_parameters: int
    card: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    rgb_kernels: Sequence[Tensor] = ()

    @property
    def percent(self) -> float:
        """Share of the learned numbers that were loaded, 0 to 100."""
        return 100 * self.loaded_parameters / max(self.parameters, 1)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for a JSON file, names included."""
        names = {key: list(map(str, getattr(self, key))) for key in _KINDS}
        return dict(
            source=self.source,
            description=self.description,
            branch=self.branch,
            percent=round(self.percent, 3),
            parameters=self.parameters,
            loaded_parameters=self.loaded_parameters,
            settings=list(self.settings),
            **{f'{key}_tensors': len(found) for key, found in names.items()},
            **names,
        )

    def __str__(self) -> str:
        total = len(self.loaded) + len(self.missing) + len(self.reshaped)
        lines = [
            f"backbone from '{self.source}' ({self.description}; {self.branch}):",
            f'  loaded      {len(self.loaded)} of {total} tensors, '
            f'{self.loaded_parameters:,} of {self.parameters:,} parameters '
            f'({self.percent:.4g} %)',
        ]
        for key, remark in _KINDS.items():
            names = list(map(str, getattr(self, key)))
            if names and key != 'loaded':
                first = shorten(names, 6, '... (all in load_report.json)')
                lines.append(f'  {key:<11} {len(names)} {remark}: {first}')
        lines += [f'  differs     {line}' for line in self.settings]
        return '\n'.join(lines)


class MismatchError(UserError):
    """Refuse a file that does not fill a backbone.

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
    unexpected='of the file that the model lacks',
    adapted='fitted to this size',
    inflated='with the mean filter of red, green and blue for every band',
    new='that only dense use has, starting fresh',
    ignored='of the file that are no backbone',
)


def load_pretrained(
    backbone: nn.Module,
    checkpoint: str | Path,
    branch: str | None = None,
    allow_partial: bool = False,
    trust: bool = False,
    inflate_stem: bool = False,
) -> LoadReport:
    """Give a backbone the weights of a pre-training.

    Args:
        backbone: Changed in place.
        checkpoint: A file in any format of `rsp.checkpoints.formats`: a pre-training of
            ours or an official one, an exported backbone, a bare network of
            mmpretrain, torchvision or timm.
        branch: Whose backbone, ``'student'`` or ``'teacher'``; None for the one its
            method hands on.
        allow_partial: Go on with what fits instead of refusing.
        trust: Open the file even if that can run code in it.
        inflate_stem: Spread the first layer of an RGB file over the bands of a backbone
            with another number of them; else it is refused.

    Returns:
        What became of every tensor.

    Raises:
        MissingData: If the file does not exist.
        MismatchError: If it does not fit wholly; the message names the tensors.
        UserError: If it cannot be read, has no such branch, or holds numbers that are
            not finite.
    """
    file = Checkpoint.load(checkpoint, trust=trust)
    wanted = backbone.state_dict()
    taken = _take_backbone(file, wanted, branch)
    found = taken.for_model(wanted)
    _refuse_infinite(found, checkpoint)
    resized = [
        name
        for name, tensor in taken.tensors.items()
        if name in found and found[name].shape != tensor.shape
    ]
    stored = found
    found, inflated = inflate(found, wanted) if inflate_stem else (found, ())
    diff = load_state_dict(backbone, found)
    sizes = {n: p.numel() for n, p in backbone.named_parameters() if n not in diff.new}
    facts = vars(diff) | dict(adapted=(*diff.adapted, *resized))
    report = LoadReport(
        **facts,
        source=str(checkpoint),
        description=str(file),
        branch=taken.branch,
        inflated=inflated,
        ignored=taken.left_out,
        parameters=sum(sizes.values()),
        loaded_parameters=sum(sizes.get(name, 0) for name in diff.loaded),
        card=find_card(file),
        settings=_different_settings(taken, backbone),
        rgb_kernels=[stored[line.split()[0]] for line in inflated],
    )
    binding = taken.family.binding if taken.family else ()
    differs = any(line.startswith(binding) for line in report.settings)
    fits = report.complete and not (binding and differs)
    if not (fits or allow_partial) or not report.loaded_parameters:
        stem = any(is_rgb_stem(found[r.name], wanted[r.name]) for r in diff.reshaped)
        raise MismatchError(_refusal(report, backbone, file, stem), report)
    return report


def _take_backbone(
    file: Checkpoint, wanted: Mapping[str, Tensor], branch: str | None
) -> Backbone:
    """Take the backbone out of a file, which may be a network unknown but for names."""
    state = file.state_dict
    if branch == 'teacher' or file.format or not state.keys() & wanted.keys():
        return file.backbone(branch)
    tensors = without_heads(state)
    rest = tuple(name for name in state if name not in tensors)
    return Backbone(tensors, BARE, 'student', left_out=rest)


def _different_settings(taken: Backbone, network: nn.Module) -> tuple[str, ...]:
    """Describe which settings, that no shape tells, are not those of the training."""
    if taken.family is None:
        return ()
    here, then = taken.family.settings_of(network), taken.known_settings
    return tuple(
        f'{key}: {then[key]} in pre-training, {value} here'
        for key, value in here.items()
        if key in then and then[key] != value
    )


def _refuse_infinite(found: Mapping[str, Tensor], path: str | Path) -> None:
    broken = [name for name, tensor in found.items() if not tensor.isfinite().all()]
    if broken:
        raise UserError(
            f"{len(broken)} of {len(found)} tensors of '{path}' are not finite: "
            f'{shorten(broken, 6)}; that training diverged, take an earlier checkpoint.'
        )


def _refusal(
    report: LoadReport, backbone: nn.Module, file: Checkpoint, stem: bool
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
        f'file holds {file.modules()}. {remedy}; to go on with what fits, pass '
        '--allow-partial.'
    )
