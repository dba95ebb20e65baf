"""Recognize what a checkpoint file is by the names of its tensors."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from rsp.checkpoints.families import find_family, list_families
from rsp.checkpoints.formats.content import get_state_dict
from rsp.checkpoints.formats.format import BRANCHES, Format, list_modules, strip
from rsp.checkpoints.formats.table import (
    BARE,
    CLASSIFIERS,
    FORMATS,
    OUTER,
    PRETRAINING_HEADS,
    PRETRAINING_ONLY,
)
from rsp.errors import UserError

HEADS = (*CLASSIFIERS, *PRETRAINING_HEADS)

T = TypeVar('T')


def without_heads(state: Mapping[str, T]) -> dict[str, T]:
    """Return what belongs to a backbone, of tensors by any library's names."""
    match = find_family(state)
    return {
        name: tensor
        for name, tensor in state.items()
        if not name.startswith(HEADS) or (match and match.has(name))
    }


def detect_format(names: Iterable[str]) -> Format:
    """Recognize the format of a file.

    Args:
        names: Of its tensors, without a wrapper's ``module.``.

    Raises:
        UserError: If it is none that is known here.
    """
    names = list(names)
    if found := _find_format(names):
        return found
    raise UserError(
        'no backbone of a student or a teacher by the names of a known format '
        f'(docs/checkpoints.md lists them), nor a bare {list_families()}, got '
        f'{list_modules(names)}.'
    )


def _find_format(names: list[str], depth: int = 2) -> Format | None:
    """Return the format of names, or of those behind prefixes of wrappers."""
    for known in FORMATS:
        if all(any(n.startswith(mark) for n in names) for mark in known.marks):
            return known
    if find_family(names):
        return BARE
    for prefix in OUTER if depth else ():
        inner = strip(names, prefix)
        if inner and (found := _find_format(inner, depth - 1)):
            return found.under(prefix)
    return None


__all__ = [
    'BARE',
    'BRANCHES',
    'PRETRAINING_ONLY',
    'Format',
    'detect_format',
    'get_state_dict',
    'list_modules',
    'without_heads',
]
