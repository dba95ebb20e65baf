"""Know which settings an object was built from."""

import weakref
from collections.abc import Mapping
from typing import Any

_built: dict[int, tuple[Any, Mapping[str, Any]]] = {}


def forget() -> None:
    """Begin another run."""
    _built.clear()


def remember(built: Any, part: Mapping[str, Any]) -> None:
    """Note what an object was built from, as long as it lives."""
    try:
        _built[id(built)] = weakref.ref(built), part
    except TypeError:  # Of a type that has no weak references, such as a dict.
        return


def part_of(built: Any) -> Mapping[str, Any] | None:
    """Return the settings that an object was built from; None if by none."""
    reference, part = _built.get(id(built), (lambda: None, None))
    return part if built is not None and reference() is built else None


def built_by(name: str, file: str) -> Any:
    """Return an object that was built and has a method of a name in a file."""
    for reference, _ in _built.values():
        for kind in type(reference()).__mro__:
            code = getattr(vars(kind).get(name), '__code__', None)
            if code is not None and code.co_filename == file:
                return reference()
    return None
