"""Refuse values of arguments that would go silently wrong, each in one line."""

from collections.abc import Collection, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from rsp.errors import UserError, shorten


def between(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside a closed interval.

    Args:
        name: Argument or config key, for the message.
        value: Number to check; NaN is outside.
        low: Smallest valid number.
        high: Largest valid number.

    Raises:
        UserError: If it lies outside, or is no number.
    """
    _number(name, value)
    if not low <= value <= high:
        raise UserError(f'expected {name} between {low} and {high}, got {value!r}.')


def at_least(name: str, value: float, low: float) -> None:
    """Refuse a number below a bound.

    Raises:
        UserError: If it is smaller, NaN, or no number.
    """
    _number(name, value)
    if not value >= low:
        raise UserError(f'expected {name} of at least {low}, got {value!r}.')


def at_most(name: str, value: float, high: float) -> None:
    """Refuse a number above a bound.

    Raises:
        UserError: If it is larger, NaN, or no number.
    """
    _number(name, value)
    if not value <= high:
        raise UserError(f'expected {name} of at most {high}, got {value!r}.')


def positive(name: str, value: float) -> None:
    """Refuse zero and negative numbers.

    Raises:
        UserError: If it is not above 0, NaN, or no number.
    """
    _number(name, value)
    if not value > 0:
        raise UserError(f'expected {name} above 0, got {value!r}.')


def whole(name: str, value: Any) -> None:
    """Refuse what is no whole number; 2.0 is none either, as for Python's ranges.

    Raises:
        UserError: If so.
    """
    if not isinstance(value, Integral):
        raise UserError(f'expected {name} to be a whole number, got {value!r}.')


def _number(name: str, value: Any) -> None:
    if isinstance(value, str | Mapping | Sequence):
        raise UserError(f'expected {name} to be a number, got {value!r}.')


def one_of(name: str, value: Any, choices: Collection[Any]) -> None:
    """Refuse a value that is none of a few.

    Raises:
        UserError: If it is another one.
    """
    if value not in choices:
        known = ', '.join(map(repr, choices))
        raise UserError(f'expected {name} to be one of {known}, got {value!r}.')


def equal(name: str, value: Any, expected: Any, remedy: str) -> None:
    """Refuse a size or shape other than the expected one.

    Args:
        name: Description before the expected value, for the message.
        value: Size or shape to check.
        expected: The only valid one.
        remedy: What to change, without a full stop.

    Raises:
        UserError: If they differ.
    """
    if value != expected:
        raise UserError(f'expected {name} {expected}, got {value}; {remedy}.')


def rising_pairs(name: str, value: Any, equal: bool = False) -> None:
    """Refuse what is neither two rising numbers nor a list of such pairs.

    Args:
        name: What to call it.
        value: What it is.
        equal: Whether both may be the same number.

    Raises:
        UserError: If so.
    """
    try:
        pairs = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if (
        pairs.ndim not in (1, 2)
        or pairs.shape[-1] != 2
        or not (np.diff(pairs) >= 0 if equal else np.diff(pairs) > 0).all()
    ):
        raise UserError(
            f'expected {name} as (low, high), or such a pair per band, got {value}.'
        )


def same_shape(name: str, value: Any, other: str, reference: Any) -> None:
    """Refuse arrays or tensors of two shapes, which broadcasting would hide.

    Raises:
        UserError: If the shapes differ.
    """
    if tuple(value.shape) != tuple(reference.shape):
        raise UserError(
            f'expected {name} of the shape of {other}, {tuple(reference.shape)}, got '
            f'{tuple(value.shape)}.'
        )


def class_folders(dataset: Any) -> str:
    """Name the folders that a data set takes for classes, for a message.

    Returns:
        A sentence behind a blank; nothing if a list has the labels.
    """
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    if getattr(dataset, 'ann_file', '') or not classes:
        return ''
    shown = shorten(classes, 12)
    return f' The class folders are {shown}: remove what is no class.'
