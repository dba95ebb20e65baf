"""Hold a checkpoint file and the backbones in it, each fact computed once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from rsp.checkpoints.diff import DERIVED
from rsp.checkpoints.families import (
    Family,
    describe_architecture,
    find_family,
    list_families,
    listed,
)
from rsp.checkpoints.formats import (
    PRETRAINING_ONLY,
    Format,
    detect_format,
    get_state_dict,
    list_modules,
    without_heads,
)
from rsp.checkpoints.reading import read
from rsp.checkpoints.reading.config import config_value
from rsp.errors import UserError, shorten

NOT_LEARNED = ('running_mean', 'running_var', *DERIVED)
# Keys of notes and cards as exports of earlier versions spell them.
FORMER_KEYS = dict(part='branch', normalisation='normalization', licence='license')


@dataclass(frozen=True)
class Backbone:
    """Hold one backbone taken out of a file.

    Attributes:
        tensors: By the mm-libraries' names, without ``backbone.``.
        format: What the file was.
        branch: ``'student'``, ``'teacher'`` or ``'ema'``.
        library: Whose names it bore; '' if they are unknown and were kept.
        family: None for one that is not known here.
        unknown: Those of ``tensors`` that are no part of the family; with any, names
            of a library other than mm stay as they are, and ``family`` is None.
        left_out: Names of the file that belong to no backbone, or to another branch's.
        trained: The config that it was trained under, or the settings on its card.
    """

    tensors: dict[str, Tensor]
    format: Format
    branch: str
    library: str = ''
    family: Family | None = None
    unknown: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    trained: Mapping[str, Any] = field(default_factory=dict)

    @property
    def architecture(self) -> str:
        """Name of the architecture, e.g. ``'ResNet-50'``."""
        if self.family:
            try:
                return self.family.describe(self.tensors)
            except KeyError as error:
                return f'{self.family.name} without {error.args[0]}'
        if self.unknown:
            return f'unknown, with {shorten(self.unknown, 3)}'
        return describe_architecture(self.tensors)

    @property
    def parameters(self) -> int:
        """Number of learned numbers, i.e. without the statistics of batch norm."""
        return sum(
            tensor.numel()
            for name, tensor in self.tensors.items()
            if not name.endswith(NOT_LEARNED)
        )

    def config(self) -> dict[str, Any]:
        """Return the config of the mm-backbone that the tensors fill."""
        if self.family is None:
            raise UserError(
                f'expected a {list_families()} to build a network for, got '
                f'{self.architecture}; load the tensors into a network of your own.'
            )
        if self.unknown:
            raise UserError(
                f'expected a {self.family.name}, got one with parts that '
                f'it does not have: {shorten(self.unknown, 4)}; load it '
                'by the library that made it.'
            )
        try:
            return self.family.config(self.tensors, self.settings)
        except KeyError as error:
            raise UserError(
                f'expected a whole {self.family.name}, got one without '
                f'{error.args[0]}; get the whole file.'
            ) from error

    @property
    def _standard(self) -> dict[str, Any]:
        """Return what published networks have; nothing for one that lacks parts."""
        try:
            return self.family.standard(self.tensors) if self.family else {}
        except KeyError:
            return {}

    @property
    def known_settings(self) -> dict[str, Any]:
        """Settings that no shape tells, such as strides, but config, card or format.

        With these, of the family's `Family.settings`, the network was trained.
        """
        if self.family is None:
            return {}
        official = self.format.settings
        facts = {} if official is None else self._standard
        facts |= {k: v for k, v in (official or {}).items() if k in facts}
        return facts | self.family.known(self.trained)

    @property
    def guessed_settings(self) -> dict[str, Any]:
        """Settings that nothing tells, with the values of published networks."""
        known, standard = self.known_settings, self._standard
        return {key: value for key, value in standard.items() if key not in known}

    @property
    def settings(self) -> dict[str, Any]:
        """All of `Family.settings`, known or guessed."""
        return self.guessed_settings | self.known_settings

    def resize(self, image_size: int | None) -> 'Backbone':
        """Fit position embeddings to square images of another size; None keeps all."""
        if image_size is None or self.family is None:
            return self
        return replace(self, tensors=self.family.resize(self.tensors, image_size))

    def for_library(self, library: str) -> dict[str, Tensor]:
        """Return the tensors by the names, and in the order of numbers, of a library.

        Args:
            library: ``'mmpretrain'``, ``'mmdet'``, ``'mmseg'``, ``'mmrotate'``,
                ``'torchvision'`` or ``'timm'``.
        """
        mapping = self.family.mapping_for(library) if self.family else None
        if self.unknown and (self.family is None or (mapping and mapping.rules)):
            # Half of the names, and of the order of numbers, would be the library's.
            raise UserError(
                f'expected a {list_families()}, got a network with '
                f'{len(self.unknown)} tensors that none of them has: '
                f'{shorten(self.unknown, 4)}; it is not converted in part. Load it by '
                'the library that made it.'
            )
        if library in ('timm', 'torchvision'):
            self._refuse_settings(library)
        if library == 'mmpretrain':
            return dict(self.tensors)
        if mapping is None:
            kind = self.family.name if self.family else self.architecture
            raise UserError(
                f'expected a {list_families(library)} to convert to {library}, got '
                f'{kind}; use --to mmpretrain, which keeps its names.'
            )
        return mapping.from_mm(self.tensors)

    def _refuse_settings(self, library: str) -> None:
        """Refuse a library whose networks would compute something else."""
        if self.family is None:
            return
        standard = self._standard
        others = {
            key: value
            for key, value in self.settings.items()
            if value != standard.get(key) and key not in self.family.portable
        }
        if others:
            raise UserError(
                f'expected {listed({key: standard.get(key) for key in others})} for '
                f'{library}, whose {self.family.name} has nothing else, got '
                f'{listed(others)}; use --to mmpretrain, whose card keeps it.'
            )

    def for_model(self, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors by the names of a model, if it is of the same family.

        Args:
            wanted: Tensors of the model.
        """
        match = find_family(wanted)
        if self.family is None or match is None or match.family is not self.family:
            return dict(self.tensors)
        by_mm_key = {match.mapping.rename(name): t for name, t in wanted.items()}
        return match.mapping.from_mm(self.family.adapt(self.tensors, by_mm_key), wanted)


def take_backbone(
    state: Mapping[str, Tensor], branch: str | None = None, format: str = 'auto'
) -> Backbone:
    """Take one backbone out of the tensors of a checkpoint.

    Args:
        state: Tensors of a whole file by name, without ``module.``.
        branch: ``'student'``, ``'teacher'`` or ``'ema'``; None for the one its method
            hands on, mostly the student.
        format: ``'auto'``, or the key of the format it has to be.

    Returns:
        The backbone; its tensors share memory with ``state`` where nothing had to be
        moved.

    Raises:
        UserError: If the format is unknown or another one, or lacks the branch.
    """
    found = detect_format(state)
    if format not in ('auto', found.key):
        raise UserError(f'expected the format {format!r}, got {found.title}.')
    branch = branch or found.default
    prefix = found.find_prefix(state, branch)
    own = {n[len(prefix) :]: t for n, t in state.items() if n.startswith(prefix)}
    taken = {
        name: tensor
        for name, tensor in without_heads(own).items()
        if not name.endswith(PRETRAINING_ONLY)
    }
    match = find_family(taken)
    if match:
        derived = match.mapping.derived
        taken = {n: t for n, t in taken.items() if not re.fullmatch(derived, n)}
    left_out = (n for n in state if n.removeprefix(prefix) not in taken
                or not n.startswith(prefix))  # fmt: skip
    backbone = Backbone(taken, found, branch, left_out=tuple(left_out))
    if match is None:
        return backbone
    tensors = match.mapping.to_mm(taken)
    unknown = tuple(match.family.unknown_keys(tensors))
    if unknown and match.mapping.rules:
        return replace(backbone, unknown=unknown)
    return replace(
        backbone,
        tensors=tensors,
        library=match.mapping.library,
        family=match.family,
        unknown=unknown,
    )


@dataclass(frozen=True)
class Checkpoint:
    """Store a checkpoint file with its format, branches and card.

    Attributes:
        path: The file, for messages.
        content: The dictionary in it.
    """

    path: str
    content: dict[str, Any]

    @classmethod
    def load(
        cls, path: str | Path, map_location: Any = 'cpu', trust: bool = False
    ) -> 'Checkpoint':
        """Read a file; see `rsp.checkpoints.read`."""
        return cls(str(path), read(path, map_location, trust))

    @cached_property
    def state_dict(self) -> dict[str, Tensor]:
        """Tensors by name, without a wrapper's ``module.``."""
        return get_state_dict(self.content)

    @cached_property
    def format(self) -> Format | None:
        """Format of the file; None if that is not known."""
        try:
            return detect_format(self.state_dict)
        except UserError:
            return None

    @property
    def meta(self) -> dict[str, Any]:
        """Notes of the run or export that wrote it."""
        return _rename_keys(self.content.get('meta'))

    @property
    def card(self) -> dict[str, Any]:
        """Recorded card (`rsp.checkpoints.card`); empty if it has none."""
        card = _rename_keys(self.meta.get('card'))
        if 'notes' in card:
            card['notes'] = _rename_keys(card['notes'])
        return card

    def backbone(self, branch: str | None = None, format: str = 'auto') -> Backbone:
        """Take one backbone out of it; see `take_backbone`."""
        taken = take_backbone(self.state_dict, branch, format)
        trained = self.card.get('backbone') or self.config_value('model', 'backbone')
        return replace(taken, trained=trained if isinstance(trained, dict) else {})

    def modules(self) -> str:
        """Sum up its tensors: ``'backbone (120 tensors), neck (4)'``."""
        return list_modules(self.state_dict)

    def config_value(self, *keys: str) -> Any:
        """Return one value of the config of the run that wrote it; None if unknown."""
        # The mm-libraries wrote `config` before version 1.
        text = self.meta.get('cfg') or self.meta.get('config')
        return config_value(text, *keys)

    def __str__(self) -> str:
        """Describe it in a few words: ``'a checkpoint of MoCo, epoch 3'``."""
        method = self.config_value('model', 'type')
        if method is None:
            return f'a file with {self.modules()} that does not name its model'
        meta = self.meta
        progress = [f'{key} {meta[key]}' for key in ('epoch', 'iter') if key in meta]
        return ', '.join([f'a checkpoint of {method}', *progress])


def _rename_keys(notes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {FORMER_KEYS.get(key, key): value for key, value in (notes or {}).items()}
