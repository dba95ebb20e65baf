"""Proof that a file fills a network and computes what its source computes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rsp.checkpoints.architecture import network_config
from rsp.checkpoints.card import changed_since
from rsp.checkpoints.conversion import Backbone, fit_to_image, rename, take_backbone
from rsp.checkpoints.features import feature_maps
from rsp.checkpoints.layout import state_dict_of
from rsp.checkpoints.layouts import CLASSIFIERS
from rsp.checkpoints.naming import Naming, naming_of
from rsp.checkpoints.networks import build_filled
from rsp.checkpoints.pretrained import CONSTANTS, EXTRA_NORM
from rsp.checkpoints.reading import read
from rsp.checkpoints.targets import build_target, image_size
from rsp.errors import UserError

TOLERANCE = 1e-5


@dataclass(frozen=True)
class Verification:
    """Whether a file can be trusted with a network.

    Attributes:
        path: The file.
        target: The network.
        tensors: Of the network's backbone that the file fills.
        all_tensors: Of the network's backbone.
        parameters: Learned numbers among ``tensors``.
        all_parameters: Learned numbers of the backbone.
        problems: What is missing, misshapen, without a place, or not as on the card.
        difference: Largest one of the feature maps; None if the network was not filled.
        maps: Number of maps compared.
    """

    path: str
    target: str
    tensors: int
    all_tensors: int
    parameters: int
    all_parameters: int
    problems: tuple[str, ...]
    difference: float | None = None
    maps: int = 0

    @property
    def passed(self) -> bool:
        """Whether all was filled and all maps agree to `TOLERANCE`."""
        return (
            not self.problems
            and self.difference is not None
            and self.difference <= TOLERANCE
        )

    def __str__(self) -> str:
        share = 100 * self.parameters / max(self.all_parameters, 1)
        count = 100 * self.tensors / max(self.all_tensors, 1)
        lines = [
            f"'{self.path}' in {self.target}:",
            f'  tensors     {self.tensors} of {self.all_tensors} ({count:.4g} %)',
            f'  parameters  {self.parameters:,} of {self.all_parameters:,} '
            f'({share:.4g} %)',
        ]
        if self.difference is not None:
            lines.append(
                f'  features    largest difference {self.difference:.3g} over '
                f'{self.maps} maps (tolerance {TOLERANCE:g})'
            )
        lines += [f'  PROBLEM     {problem}' for problem in self.problems]
        return '\n'.join([*lines, '  passed' if self.passed else '  FAILED'])


def verify(
    path: str | Path,
    against: str | nn.Module,
    source: str | Path | None = None,
    part: str | None = None,
    trust: bool = False,
) -> Verification:
    """Load a file into a network and compare its maps with those of the source.

    The source is the file itself, read by its layout into mmpretrain's network, or the
    file it was converted from. A tensor swapped or transposed on the way shows in the
    maps against ``source``, and without it in the digests on the file's card.

    Args:
        path: Of any layout.
        against: A config of ours, ``'timm:resnet50'``, ``'torchvision:resnet50'``,
            ``'mmpretrain:<config name>'``, or a network.
        source: The file that ``path`` was converted from.
        part: ``'student'`` or ``'teacher'``; None for the one its method hands on.
        trust: See `rsp.checkpoints.read`.

    Raises:
        FileNotFoundError, ValueError: If a file cannot be read, or the target is
            unknown or of a family that cannot be compared.
    """
    content = read(path, trust=trust)
    backbone = take_backbone(state_dict_of(content), part)
    target = build_target(against) if isinstance(against, str) else against
    naming = naming_of(target.state_dict())
    if naming is None or not backbone.family:
        raise UserError(
            'expected a ResNet, VGG, Swin or ViT on both sides, got '
            f'{backbone.architecture} in {path} and {type(target).__name__}.'
        )
    size = image_size(target, backbone, naming)
    fitted = fit_to_image(backbone, size)
    facts = _load(target, fitted, naming)
    changed = changed_since(
        (content.get('meta') or {}).get('card') or {}, backbone.tensors
    )
    if changed:
        facts['problems'] += (
            f'{len(changed)} tensors are not those of the card: '
            f'{", ".join(changed[:4])}',
        )
    original = backbone
    if source is not None:
        original = take_backbone(state_dict_of(read(source, trust=trust)), part)
    if not facts['problems'] or changed:
        facts |= _compare(fit_to_image(original, size), target, naming, size, facts)
    name = against if isinstance(against, str) else type(target).__name__
    return Verification(path=str(path), target=name, **facts)


def _load(target: nn.Module, backbone: Backbone, naming: Naming) -> dict[str, Any]:
    """Fill the target as far as that goes, and count."""
    library = naming.library if naming.library != 'mm' else 'mmpretrain'
    found = naming.outward(backbone.tensors) if library != 'mmpretrain' else rename(
        backbone, library
    )  # fmt: skip
    wanted = {n: t for n, t in target.state_dict().items() if not _is_head(n, naming)}
    dense = [n for n in wanted if EXTRA_NORM.fullmatch(n) and naming.family == 'Swin']
    fresh = set(dense) - found.keys() if len(set(dense) & found.keys()) else set()
    fit = [n for n in wanted if n in found and found[n].shape == wanted[n].shape]
    reshaped = [n for n in wanted if n in found and found[n].shape != wanted[n].shape]
    missing = [n for n in wanted if n not in found and n not in fresh
               and not n.endswith(CONSTANTS)]  # fmt: skip
    # A network that stops at an earlier stage has no place for the others.
    unexpected = [n for n in found if n not in wanted]
    problems = []
    if reshaped:
        first = reshaped[0]
        problems.append(
            f'{len(reshaped)} tensors of another shape, first {first}: '
            f'{tuple(found[first].shape)} in the file, {tuple(wanted[first].shape)} in '
            'the network'
        )
    if missing:
        problems.append(f'{len(missing)} tensors missing, first {missing[0]}')
    if unexpected:
        problems.append(
            f'{len(unexpected)} tensors without a place, first {unexpected[0]}'
        )
    target.load_state_dict({n: found[n] for n in fit}, strict=False)
    learned = {n: p.numel() for n, p in target.named_parameters() if n in wanted}
    return dict(
        tensors=len(fit),
        all_tensors=len(wanted) - len(fresh),
        parameters=sum(learned.get(n, 0) for n in fit),
        all_parameters=sum(c for n, c in learned.items() if n not in fresh),
        problems=tuple(problems),
    )


def _is_head(name: str, naming: Naming) -> bool:
    return name.startswith(CLASSIFIERS) and not naming.recognises([name])


def _compare(
    source: Backbone, target: nn.Module, naming: Naming, size: int, facts: Mapping
) -> dict[str, Any]:
    """Run both networks on one image and measure how far their maps are apart."""
    try:
        network = build_filled(source)
    except ValueError as error:
        return dict(
            problems=(*facts['problems'], f'the source is no whole network: {error}')
        )
    channels = network_config(source.tensors)['in_channels']
    image = torch.randn(
        1, channels, size, size, generator=torch.Generator().manual_seed(0)
    )
    ours = naming_of(network.state_dict())
    if ours is None:
        raise UserError('expected the source to have our own names.')
    # In double precision a difference is one of meaning, not of rounding.
    dtype = next(target.parameters()).dtype
    here = feature_maps(network.double(), ours, image.double())
    there = feature_maps(target.double(), naming, image.double())
    target.to(dtype)
    common = [place for place in here if place in there]
    if not common:
        return dict(problems=(*facts['problems'], 'no map to compare'))
    apart = [float((here[p] - there[p]).abs().max()) for p in common]
    # NaN compares as neither more nor less.
    worst = max(a if a == a else float('inf') for a in apart)
    return dict(difference=worst, maps=len(common))
