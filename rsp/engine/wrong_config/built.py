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


def built_by(name: str, file: str, line: int) -> Any:
    """Return an object that was built and has a method with a line in it.

    Args:
        name: Of the method.
        file: In which it stands.
        line: Its number in the file.
    """
    for reference, _ in _built.values():
        for kind in type(reference()).__mro__:
            method = vars(kind).get(name)
            code = getattr(getattr(method, '__func__', method), '__code__', None)
            if code is not None and code.co_filename == file:
                if line in (number for *_, number in code.co_lines()):
                    return reference()
    return None
