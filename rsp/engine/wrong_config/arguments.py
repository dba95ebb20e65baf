"""Say which settings the constructor of a type does not take."""

import difflib
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

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


def _expected(parameter: inspect.Parameter) -> str:
    """Return ``'number'``, ``'text'``, ``'dict'``, or an empty text if not clear."""
    if parameter.annotation is not parameter.empty:
        words = set(re.findall(r'\w+', inspect.formatannotation(parameter.annotation)))
    elif parameter.default is not parameter.empty and parameter.default is not None:
        words = {type(parameter.default).__name__}
    else:
        return ''
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
