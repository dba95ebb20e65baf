"""Describe a family of networks: its names in each library, its facts, its builders."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from rsp.errors import UserError

# What a layer holds, batch norm's statistics included.
LEAVES = r'\.weight|\.bias|\.running_mean|\.running_var|\.num_batches_tracked'
State = Mapping[str, Tensor]
Step = tuple[re.Pattern, Callable[[re.Match], str]]


class Rule(NamedTuple):
    """Pair the names of one place in a network: ``{s}`` is a stage, ``{b}`` a block.

    Attributes:
        key: Name in the library, without a final ``.weight`` and the like.
        mm_key: Name in the mm-libraries.
        scale: The library's number of a stage is ``scale * mm_stage + offset``.
        offset: See ``scale``.
    """

    key: str
    mm_key: str
    scale: int = 1
    offset: int = 0

    def stage_to_mm(self, stage: int) -> int:
        """Return the mm-libraries' number of a stage."""
        return (stage - self.offset) // self.scale

    def stage_from_mm(self, stage: int) -> int:
        """Return the library's number of a stage."""
        return stage * self.scale + self.offset


@dataclass(frozen=True)
class KeyMapping:
    """Map the tensors of a library to those of the mm-libraries, and back.

    Nothing is changed in place.

    Attributes:
        libraries: Those that use these names, the best known first.
        mark: Pattern of a name that tells them from others.
        rules: Place by place; none if the names are the same.
        reorder_to_mm: Brings renamed tensors to the order of numbers of the
            mm-libraries, where that differs.
        reorder_from_mm: The reverse, before renaming.
        derived: Pattern of names that are left out, since they follow from others.
    """

    libraries: tuple[str, ...]
    mark: str
    rules: tuple[Rule, ...] = ()
    reorder_to_mm: Callable[[State], dict[str, Tensor]] = dict
    reorder_from_mm: Callable[[State], dict[str, Tensor]] = dict
    derived: str = r'(?!)'

    @property
    def library(self) -> str:
        """Name of the library, for reports."""
        return self.libraries[0]

    def matches(self, names: Iterable[str]) -> bool:
        """Return True if a name has the mark of the library."""
        return any(re.match(self.mark, name) for name in names)

    def to_mm(self, state: State) -> dict[str, Tensor]:
        """Return a library's tensors by the mm-libraries' names; others as they are."""
        return self.reorder_to_mm({self.rename(n): t for n, t in state.items()})

    def from_mm(self, state: State, wanted: Container[str] = ()) -> dict[str, Tensor]:
        """Return an mm-library's tensors by this library's names.

        Args:
            state: By the mm-libraries' names.
            wanted: Names of a network, to decide where the library has two.
        """
        state = self.reorder_from_mm(state)
        return {_apply(self._from_mm, name, wanted): t for name, t in state.items()}

    def rename(self, name: str) -> str:
        """Return the mm-libraries' name of one tensor; its own if no rule is for it."""
        return _apply(self._to_mm, name)

    @cached_property
    def _to_mm(self) -> list[Step]:
        return [(_pattern(r.key), _writer(r.mm_key, r.stage_to_mm)) for r in self.rules]

    @cached_property
    def _from_mm(self) -> list[Step]:
        return [
            (_pattern(r.mm_key), _writer(r.key, r.stage_from_mm)) for r in self.rules
        ]


class Family(ABC):
    """Describe one family of networks: names, configs, builders.

    A module of this folder holds one subclass; `rsp.checkpoints.families` finds it.

    Attributes:
        name: E.g. ``'ResNet'``.
        mappings: Its names in the libraries, the mm-libraries' first.
        keys: Pattern of the mm-libraries' names, all of them.
        norms: Of a transformer: pattern of the weight of a block's first normalization,
            its group being the block, and the weight of the last normalization.
        settings: What no shape tells, and the values that the mm-backbone and nearly
            all published networks have.
        types: Names of the mm-backbones whose defaults those are.
        portable: Those of them that networks of other libraries take as well.
        binding: Those that cannot differ between training and use.
    """

    name: ClassVar[str]
    mappings: ClassVar[tuple[KeyMapping, ...]]
    keys: ClassVar[str]
    norms: ClassVar[tuple[str, str]]
    settings: ClassVar[Mapping[str, Any]] = {}
    types: ClassVar[tuple[str, ...]] = ()
    portable: ClassVar[tuple[str, ...]] = ()
    binding: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def describe(self, state: State) -> str:
        """Name the architecture of tensors, e.g. ``'ResNet-50'``."""

    @abstractmethod
    def config(
        self, state: State, settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the config of the mm-backbone that tensors belong to.

        Args:
            state: By the mm-libraries' names.
            settings: What no shape tells, see `standard`; None for just that.

        Raises:
            UserError: If it is a variant that has none.
        """

    def standard(self, state: State) -> dict[str, Any]:
        """Return what no shape tells, as published networks of this size have it."""
        return dict(self.settings)

    def known(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the settings that a config of a backbone, or a card, tells.

        Args:
            config: With ``type``, then what it does not name is that type's default;
                or the settings alone.
        """
        kind = str(config.get('type')).rpartition('.')[2]
        given = {key: config[key] for key in self.settings if key in config}
        return plain(dict(self.settings) | given if kind in self.types else given)

    def settings_of(self, network: nn.Module) -> dict[str, Any]:
        """Return the settings that a network of an mm-library was built with."""
        found = {key: getattr(network, key, None) for key in self.settings}
        return plain({key: v for key, v in found.items() if v is not None})

    def find_places(self, network: nn.Module, mapping: KeyMapping) -> dict[str, str]:
        """Return the modules whose outputs `verify` compares, with names of the places.

        Of a transformer the blocks and the last normalization, see `norms`.

        Args:
            network: Of any library.
            mapping: Its names.
        """
        first, last = self.norms
        places = {}
        for name in network.state_dict():
            mm_key = mapping.rename(name)
            if block := re.fullmatch(first, mm_key):
                places[name.rsplit('.', 2)[0]] = block[1]
            elif mm_key == last:
                places[name.removesuffix('.weight')] = mm_key.removesuffix('.weight')
        return places

    def flatten(self, output: Tensor) -> Tensor:
        """Return the output of such a module with shape (N, positions, channels)."""
        return output.flatten(1, -2)

    def timm_model(self, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the name of a model of timm and the arguments that make it this one.

        Raises:
            UserError: If there is none.
        """
        raise UserError(f'timm has no {self.name} that these names fit.')

    def timm_network(self, config: Mapping[str, Any], **settings: Any) -> nn.Module:
        """Build timm's network for a config, untrained, without classifier."""
        from timm import create_model

        name, arguments = self.timm_model(config)
        return create_model(name, **dict(num_classes=0) | arguments | settings)

    def torchvision_network(
        self, config: Mapping[str, Any], **settings: Any
    ) -> nn.Module:
        """Build torchvision's network for a config; its classifier is the identity."""
        raise UserError(f'torchvision has no {self.name}; use timm.')

    def resize(self, state: State, size: int) -> dict[str, Tensor]:
        """Fit tensors to square images of another size, where any depends on it."""
        return dict(state)

    def adapt(self, state: State, wanted: State) -> dict[str, Tensor]:
        """Fit tensors to a network of another size, or of other equivalent tensors.

        Position embeddings are resized if they are of a square of patches.

        Args:
            state: By the mm-libraries' names.
            wanted: Tensors of the network, by the same names.
        """
        if not {'pos_embed', 'cls_token'} <= state.keys() & wanted.keys():
            return dict(state)
        shape = wanted['pos_embed'].shape
        if state['pos_embed'].shape == shape:
            return dict(state)
        [patch] = [t.shape[-1] for n, t in state.items()
                   if n.startswith('patch_embed.') and t.ndim == 4]  # fmt: skip
        resized = self.resize(state, math.isqrt(shape[1]) * patch)
        return resized if resized['pos_embed'].shape == shape else dict(state)

    def test_size(self, state: State, network: nn.Module, mapping: KeyMapping) -> int:
        """Return the side of the images on which `verify` compares networks."""
        return 64

    def mapping_for(self, library: str) -> KeyMapping | None:
        """Return the names a library uses; None if it has no such network."""
        for mapping in self.mappings:
            if library in mapping.libraries:
                return mapping
        return self.mappings[0] if library.startswith('mm') else None

    def unknown_keys(self, names: Iterable[str]) -> list[str]:
        """List the mm-libraries' names that are none of this family."""
        return [name for name in names if not re.fullmatch(self.keys, name)]


def count_blocks(names: Iterable[str], pattern: str) -> tuple[int, ...]:
    """Count the blocks of each stage; the pattern's groups are stage and block."""
    found = {m.groups() for name in names if (m := re.match(pattern, name))}
    stages = sorted({stage for stage, _ in found})
    return tuple(sum(stage == s for s, _ in found) for stage in stages)


def dashed(blocks: Iterable[int]) -> str:
    """Join numbers of blocks, ``'3-4-6-3'``."""
    return '-'.join(map(str, blocks))


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with lists in place of tuples, as JSON keeps them."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}


def listed(settings: Mapping[str, Any]) -> str:
    """List settings for a report: ``'num_heads 12, patch_stride 16'``."""
    return ', '.join(f'{key} {value}' for key, value in settings.items())


def heads_of(network: nn.Module) -> dict[str, Any]:
    """Return the number of heads of a transformer's first block, if it has any."""
    counts = (getattr(module, 'num_heads', None) for module in network.modules())
    found = next((count for count in counts if isinstance(count, int)), None)
    return dict(num_heads=found) if found else {}


def image_size_of(network: nn.Module) -> int | None:
    """Return the side of the images that a transformer was made for, if it tells."""
    for owner in (network, getattr(network, 'patch_embed', None)):
        for word in ('img_size', 'image_size', 'init_input_size'):
            if size := getattr(owner, word, None):
                return int(size[0] if isinstance(size, list | tuple) else size)
    return None


def _pattern(template: str) -> re.Pattern:
    text = re.escape(template).replace(r'\{s\}', r'(?P<s>\d+)')
    return re.compile(
        text.replace(r'\{b\}', r'(?P<b>\d+)') + r'(?P<end>' + LEAVES + '|)'
    )


def _writer(template: str, number: Callable[[int], int]) -> Callable[[re.Match], str]:
    def write(found: re.Match) -> str:
        place = found.groupdict()
        name = template.replace('{b}', place.get('b') or '')
        if 's' in place:
            name = name.replace('{s}', str(number(int(place['s']))))
        return name + place['end']

    return write


def _apply(steps: Iterable[Step], name: str, wanted: Container[str] = ()) -> str:
    """Rename by the first rule that gives a wanted name, else by the first one."""
    names = [write(m) for pattern, write in steps if (m := pattern.fullmatch(name))]
    return next((n for n in names if n in wanted), [*names, name][0])
