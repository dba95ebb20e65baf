"""Look up a type as mmengine does, and name the nearest if there is none."""

import difflib
import importlib.util
from collections.abc import Iterator
from typing import Any

from mmengine.registry import Registry

from rsp.compat import TESTED


def look_up(name: str, registry: Registry) -> Any:
    """Return the class that a name stands for in a registry; None if there is none."""
    try:
        return registry.get(name)
    except RuntimeError:  # How some releases say that there is none.
        return None


def unknown_type(name: str, registry: Registry) -> str:
    """Say that a registry does not know a name, and which is the nearest."""
    scope, _, last = name.rpartition('.')
    what = f"no {registry.name} is called '{name}'"
    scopes = {'rsp', *TESTED, *(child.scope for child in _tree(_root(registry)))}
    scopes -= {'torch'}
    if scope and scope not in scopes:
        scopes_near = difflib.get_close_matches(scope, sorted(scopes), n=1)
        if scopes_near:
            return f"{what}: there is no '{scope}'; did you mean '{scopes_near[0]}'?"
    elif scope in TESTED and importlib.util.find_spec(scope) is None:
        return f'{what}: {scope} is not installed; bash tools/setup_env.sh installs it.'
    near = _nearest(last, scope, registry)
    if near:
        return f"{what}; did you mean '{near}'?"
    return f'{what}; is its module imported (custom_imports)?'


def _nearest(name: str, scope: str, registry: Registry) -> str:
    """Return the nearest name as it has to be written here, or an empty text."""
    written: dict[str, str] = {}
    reachable: Registry | None = registry
    while reachable is not None:
        for own in reachable.module_dict:
            written.setdefault(own, own)
        reachable = reachable.parent
    for other in _tree(_root(registry)):
        for own in other.module_dict:
            full = f'{other.scope}.{own}'
            # That of the scope in the name, before one of the same name here.
            if other.scope == scope:
                written[own] = full
            else:
                written.setdefault(own, full)
    lower = {own.lower(): own for own in written}
    for match in difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6):
        return written[lower[match]]
    return ''


def _root(registry: Registry) -> Registry:
    while registry.parent is not None:
        registry = registry.parent
    return registry


def _tree(registry: Registry) -> Iterator[Registry]:
    yield registry
    for child in registry.children.values():
        yield from _tree(child)
