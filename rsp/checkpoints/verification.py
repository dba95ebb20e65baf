"""Verify that a file fills a network and computes the same features as its source."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmengine.utils import import_modules_from_strings
from torch import Tensor, nn

from rsp.checkpoints.adapt import set_input_bands
from rsp.checkpoints.card import changed_tensors
from rsp.checkpoints.checkpoint import Backbone, Checkpoint
from rsp.checkpoints.diff import StateDictDiff, compare
from rsp.checkpoints.families import find_family, list_families, listed
from rsp.checkpoints.formats import PRETRAINING_ONLY, without_heads
from rsp.checkpoints.networks import build_backbone
from rsp.errors import UserError, shorten
from rsp.io.configs import find_config

TOLERANCE = 1e-5


@dataclass(frozen=True)
class Verification:
    """Store the result of `verify`.

    Attributes:
        path: The file.
        target: The network.
        tensors: Of the network's backbone that the file fills.
        all_tensors: Of the network's backbone.
        parameters: Learned numbers among ``tensors``.
        all_parameters: Learned numbers of the backbone.
        problems: Missing and unexpected tensors, other shapes, contradictions to the
            card.
        difference: Largest one of the feature maps; None if the network was not filled.
        maps: Number of maps compared.
        guessed: What neither shapes nor config nor card tell of the trained network.
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
    guessed: str = ''

    @property
    def passed(self) -> bool:
        """True if all was filled and all maps agree to `TOLERANCE`."""
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
        if self.guessed:
            lines.append(f'  guessed     {self.guessed}, as the file does not tell')
        lines += [f'  PROBLEM     {problem}' for problem in self.problems]
        return '\n'.join([*lines, '  passed' if self.passed else '  FAILED'])


def verify(
    path: str | Path,
    against: str | nn.Module,
    source: str | Path | None = None,
    branch: str | None = None,
    trust: bool = False,
) -> Verification:
    """Load a file into a network and compare its maps with those of the source.

    The source is the file itself, read by its format into mmpretrain's network, or the
    file it was converted from. A tensor swapped or transposed on the way shows in the
    maps against ``source``, and without it in the digests on the file's card.

    Args:
        path: Of any format.
        against: A config of ours, ``'timm:resnet50'``, ``'torchvision:resnet50'``,
            ``'mmpretrain:<config name>'``, or a network.
        source: The file that ``path`` was converted from.
        branch: ``'student'`` or ``'teacher'``; None for the one its method hands on.
        trust: See `rsp.checkpoints.read`.
    """
    file = Checkpoint.load(path, trust=trust)
    backbone = file.backbone(branch)
    target = build_target(against) if isinstance(against, str) else against
    if isinstance(against, str) and not against.endswith('.py') and ':' in against:
        # Models by name are for RGB; a config says what its images are.
        set_input_bands(target, _bands(backbone))
    match = find_family(target.state_dict())
    if match is None or backbone.family is None:
        raise UserError(
            f'expected a {list_families()} on both sides, got {backbone.architecture} '
            f'in {path} and {type(target).__name__}.'
        )
    size = match.family.test_size(backbone.tensors, target, match.mapping)
    diff, counts = _load(target, backbone.resize(size))
    changed = changed_tensors(file.card, backbone.tensors)
    problems = [] if diff.complete else [diff.differences()]
    if changed:
        problems.append(
            f'{len(changed)} tensors are not those of the card: {shorten(changed, 4)}'
        )
    facts: dict[str, Any] = {}
    original = backbone
    if source is not None:
        original = Checkpoint.load(source, trust=trust).backbone(branch)
    if diff.complete:
        facts = _compare_maps(original.resize(size), target, size)
    problems += facts.pop('problems', [])
    name = against if isinstance(against, str) else type(target).__name__
    facts['guessed'] = listed(original.guessed_settings)
    return Verification(str(path), name, **counts, problems=tuple(problems), **facts)


def _bands(backbone: Backbone) -> int:
    try:
        return backbone.config()['in_channels']
    except UserError:
        return 3


def build_target(name: str) -> nn.Module:
    """Build the untrained backbone that a name stands for; see `verify`."""
    library, colon, model = name.partition(':')
    if not colon or Path(name).suffix == '.py':
        return _backbone_of_config(Config.fromfile(find_config(name)))
    if library == 'torchvision':
        from torchvision.models import get_model, list_models

        build: Callable[[], nn.Module] = partial(get_model, model, weights=None)
    elif library == 'timm':
        from timm import create_model, list_models

        build = partial(create_model, model, pretrained=False, num_classes=0)
    elif library == 'mmpretrain':
        from mmpretrain import list_models

        build = partial(_backbone_of_mmpretrain, model)
    else:
        raise UserError(
            'expected a config (.py), timm:<model>, torchvision:<model> or '
            f"mmpretrain:<config name>, got '{name}'."
        )
    try:
        return build()
    except (RuntimeError, ValueError) as error:
        known = list_models()
        if model in known:
            raise
        near = difflib.get_close_matches(model, known)
        near = near or [other for other in known if other.startswith(model)][:3]
        names = ', '.join(f'{library}:{other}' for other in near)
        hint = f'nearest: {names}' if near else f'see {library}.list_models()'
        raise UserError(f"{library} has no model '{model}'; {hint}.") from error


def _backbone_of_mmpretrain(model: str) -> nn.Module:
    from mmpretrain import get_model

    return get_model(model, pretrained=False).backbone


def _backbone_of_config(cfg: Config) -> nn.Module:
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    if 'backbone' not in cfg.get('model', {}):
        raise UserError(f"expected model.backbone in '{cfg.filename}'.")
    backbone = dict(cfg.model.backbone)
    backbone.pop('init_cfg', None)
    scope = cfg.get('default_scope', 'mmpretrain')
    with DefaultScope.overwrite_default_scope(scope):
        return MODELS.build(backbone)


def _load(
    target: nn.Module, backbone: Backbone
) -> tuple[StateDictDiff, dict[str, Any]]:
    """Fill the target as far as that goes, and count."""
    own = {
        name: tensor
        for name, tensor in without_heads(target.state_dict()).items()
        if not name.endswith(PRETRAINING_ONLY)
    }
    found = backbone.for_model(own)
    diff = compare(found, own)
    target.load_state_dict({name: found[name] for name in diff.loaded}, strict=False)
    sizes = {n: p.numel() for n, p in target.named_parameters() if n in own}
    counts = dict(
        tensors=len(diff.loaded),
        all_tensors=len(own) - len(diff.new),
        parameters=sum(sizes.get(name, 0) for name in diff.loaded),
        all_parameters=sum(n for name, n in sizes.items() if name not in diff.new),
    )
    return diff, counts


def _compare_maps(source: Backbone, target: nn.Module, size: int) -> dict[str, Any]:
    """Run both networks on one image and measure how far their maps are apart."""
    try:
        network = build_backbone(source)
    except UserError as error:
        return dict(problems=[f'the source is no whole network: {error}'])
    channels = source.config()['in_channels']
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, channels, size, size, generator=generator).double()
    # In double precision a difference is one of meaning, not of rounding.
    dtype = next(target.parameters()).dtype
    here = collect_maps(network.double(), image)
    there = collect_maps(target.double(), image)
    target.to(dtype)
    common = [place for place in here if place in there]
    if not common:
        return dict(problems=['no map to compare'])
    reshaped = [p for p in common if here[p].shape != there[p].shape]
    if reshaped:
        place = reshaped[0]
        return dict(
            problems=[
                f'{len(reshaped)} of {len(common)} maps have another size, the first '
                f'is {place}: {here[place].shape[1]} positions in the network that was '
                f'trained ({listed(source.settings)}), {there[place].shape[1]} here'
            ]
        )
    apart = [float((here[p] - there[p]).abs().max()) for p in common]
    # NaN compares as neither more nor less.
    worst = max(a if a == a else float('inf') for a in apart)
    return dict(difference=worst, maps=len(common))


def collect_maps(network: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """Run a network and collect the outputs of its stages or blocks.

    Args:
        network: Of a family of `rsp.checkpoints.families`, in any library; switched to
            evaluation.
        image: Shape (N, C, H, W).

    Returns:
        By mmpretrain's name of the place: shape (N, positions, channels).
    """
    match = find_family(network.state_dict())
    if match is None:
        raise UserError(f'expected a {list_families()}, got {type(network).__name__}.')
    family, maps = match.family, dict[str, Tensor]()
    modules = dict(network.named_modules())

    def keep(place: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            maps[place] = family.flatten(output)

        return hook

    places = family.find_places(network, match.mapping)
    handles = [
        modules[name].register_forward_hook(keep(place))
        for name, place in places.items()
    ]
    network.eval()
    try:
        with torch.no_grad():
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    return maps
