"""Say which settings the constructor of a type does not take."""

import difflib
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.dataset import BaseDataset

Parameters = Mapping[str, inspect.Parameter]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, or the known names if none is near."""
    known = sorted(set(known))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f'; known: {", ".join(known)}.' if known else '.'


def parameters_of(kind: Any) -> Parameters:
    """Return what a class or function takes by name; empty if it cannot be known.

    Where a class hands unknown keywords on, those of its base classes are included,
    and the last parameter of kind ``VAR_KEYWORD`` stays if some class takes any.
    """
    try:
        found = dict(inspect.signature(kind).parameters)
    except (TypeError, ValueError):
        return {}
    for base in getattr(kind, '__mro__', ())[1:]:
        if not takes_any(found):
            break
        if '__init__' not in vars(base) or base is object:
            continue
        own = dict(inspect.signature(base).parameters)
        names = [name for name, p in found.items() if p.kind is p.VAR_KEYWORD]
        for name in names:
            del found[name]
        found = own | found
    return {n: p for n, p in found.items() if p.kind is not p.VAR_POSITIONAL}


def takes_any(parameters: Parameters) -> bool:
    """Tell whether any keyword is taken."""
    return any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def names_of(parameters: Parameters) -> list[str]:
    """Return the names that a keyword may have."""
    return [n for n, p in parameters.items() if p.kind is not p.VAR_KEYWORD]


def misfit(kind: Any, settings: Mapping[str, Any]) -> tuple[str | None, str] | None:
    """Find a setting that the call ``kind(**settings)`` would refuse by its name.

    Only what Python itself would refuse; what a class hands on to others is left to
    them.

    Returns:
        The key, None for one that is missing, and what is wrong; None if all fit.
    """
    try:
        own = inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return None
    name = getattr(kind, '__name__', str(kind))
    if not takes_any(own):
        for key in settings:
            if key not in own:
                return key, unknown_key(kind, key)
    missing = [
        key
        for key, p in own.items()
        if p.default is p.empty
        and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        and key not in settings
    ]
    if missing:
        return None, f'{name} needs {", ".join(map(repr, missing))}, which is not set.'
    return None


def unknown_key(kind: Any, key: str) -> str:
    """Say that a type does not take a key, and which is the nearest."""
    name = getattr(kind, '__name__', str(kind))
    return f"{name} has no '{key}'" + did_you_mean(key, names_of(parameters_of(kind)))


def wrong_type(kind: Any, settings: Mapping[str, Any]) -> tuple[str, str] | None:
    """Find a setting of another type than its parameter is annotated with.

    Clear cases alone: text for a number or a dict, a number for a text or a dict.

    Returns:
        The key, and what is expected; None if there is no such setting.
    """
    for key, parameter in parameters_of(kind).items():
        value = settings.get(key)
        expected = _expected(parameter)
        if not isinstance(value, str | int | float) or not expected:
            continue
        fits = {'number': not isinstance(value, str), 'text': isinstance(value, str)}
        if not fits.get(expected, False):
            return key, f'expected a {expected}, got {value!r}.'
    return None


def list_for_number(kind: Any, settings: Mapping[str, Any]) -> tuple[str, str] | None:
    """Find a list or dict for one number; some parts take several without telling so.

    Returns:
        The key, and what is expected; None if there is no such setting.
    """
    several = {'list', 'List', 'tuple', 'Tuple', 'Sequence', 'Iterable'}
    for key, parameter in parameters_of(kind).items():
        value = settings.get(key)
        if isinstance(value, list | tuple | dict) and _expected(parameter) == 'number':
            if not (several & _words(parameter) or _has_several(parameter)):
                return key, f'expected a number, got {value!r}.'
    return None


def text_for_number(kind: Any, settings: Mapping[str, Any]) -> tuple[str, str] | None:
    """Find a text for what has to be a number, numbers, or True or False.

    Many parts store it, and stop at it hours later or take it for True.

    Returns:
        The key, and what is expected; None if there is no such setting.
    """
    for key, parameter in parameters_of(kind).items():
        value = settings.get(key)
        if isinstance(value, str):
            expected = _expected(parameter)
            if expected == 'number':
                return key, f'expected a number, got {value!r}.'
            if _words(parameter) == {'bool'}:
                return key, f'expected True or False, got {value!r}.'
    return None


def _has_several(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.default, list | tuple)


def _words(parameter: inspect.Parameter) -> set[str]:
    """Return the names of types that a parameter tells of."""
    if parameter.annotation is not parameter.empty:
        text = inspect.formatannotation(parameter.annotation)
        return set(re.findall(r'\w+', text)) - {'None', 'Optional'}
    default = parameter.default
    if default is parameter.empty or default is None:
        return set()
    if isinstance(default, list | tuple) and default:
        return {type(one).__name__ for one in default}
    return {type(default).__name__}


def unknown_prefix(kind: Any, prefixes: Mapping[str, Any]) -> tuple[str, str] | None:
    """Find a folder of ``data_prefix`` that a data set never asks for.

    mmengine's data sets take any name, and what is not there they leave out.

    Returns:
        The key, and the nearest name; None if all are asked for, or it is not known.
    """
    known: set[str] = set()
    for base in getattr(kind, '__mro__', ())[:-1]:
        default = inspect.signature(base).parameters.get('data_prefix')
        if default is not None and isinstance(default.default, Mapping):
            known |= set(default.default)
        try:
            source = inspect.getsource(base)
        except (OSError, TypeError):
            return None
        if base is not BaseDataset and re.search(r'prefix(\.items|\.keys)\(', source):
            return None
        known |= set(re.findall(r'prefix(?:\.get\(|\[)\s*[\'"](\w+)[\'"]', source))
    for key in prefixes:
        if known and key not in known:
            name = getattr(kind, '__name__', str(kind))
            return key, f"{name} asks for no '{key}'{did_you_mean(key, known)}"
    return None


def _expected(parameter: inspect.Parameter) -> str:
    """Return ``'number'``, ``'text'``, ``'dict'``, or an empty text if not clear."""
    words = _words(parameter)
    kinds = {
        kind
        for kind, names in (
            ('number', {'int', 'float', 'Number'}),
            ('text', {'str', 'Path'}),
            ('dict', {'dict', 'Mapping', 'ConfigDict', 'Module'}),
        )
        if names & words
    }
    open_to_more = words & {'Any', 'bool', 'object', 'Callable', 'Literal'}
    return kinds.pop() if len(kinds) == 1 and not open_to_more else ''
