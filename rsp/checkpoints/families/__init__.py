"""Find the family of a network by the names of its tensors.

Each other module of this folder holds one family. To add one, add its module.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rsp.checkpoints.families.family import (
    Family,
    KeyMapping,
    State,
    listed,
)

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')


def _families(base: type[Any]) -> Iterator[Family]:
    for child in base.__subclasses__():
        if not inspect.isabstract(child):
            yield child()
        yield from _families(child)


FAMILIES: tuple[Family, ...] = tuple(_families(Family))


class Match(NamedTuple):
    """Hold the family of some names, and whose names they are."""

    family: Family
    mapping: KeyMapping

    def has(self, name: str) -> bool:
        """Return True if a name of the library is one of the family's."""
        return not self.family.unknown_keys([self.mapping.rename(name)])


def find_family(names: Iterable[str]) -> Match | None:
    """Return the family and mapping of names; None if they are of none known here.

    Of several that could be meant it is the one that leaves the fewest names unknown.
    """
    names = list(names)
    matches = [
        Match(family, mapping)
        for family in FAMILIES
        for mapping in family.mappings
        if mapping.matches(names)
    ]
    return min(matches, key=lambda match: _unknown(match, names), default=None)


def describe_architecture(state: State) -> str:
    """Name the architecture of tensors by the mm-libraries' names.

    A guess for the reader of a report: variants of the same names (ResNet-50-D, wide)
    look the same.
    """
    if match := find_family(state):
        return match.family.describe(match.mapping.to_mm(state))
    return 'unknown'


def list_families(library: str | None = None) -> str:
    """List the families, or those that a library has, for a message."""
    known = [f.name for f in FAMILIES if library is None or f.mapping_for(library)]
    return f'{", ".join(known[:-1])} or {known[-1]}'


def _unknown(match: Match, names: list[str]) -> int:
    mapping = match.mapping
    kept = [name for name in names if not re.fullmatch(mapping.derived, name)]
    return len(match.family.unknown_keys(map(mapping.rename, kept)))


__all__ = [
    'FAMILIES',
    'Family',
    'KeyMapping',
    'Match',
    'State',
    'describe_architecture',
    'find_family',
    'list_families',
    'listed',
]
