"""Values as a person would write them in a config."""

from collections.abc import Mapping
from typing import Any

WIDTH = 88


def spell(value: Any, indent: int = 0) -> str:
    """Python text of nested dicts, lists and plain values; `eval` gives them back.

    Args:
        value: Dicts become calls of ``dict``, with a line per entry where one line
            would be too long.
        indent: Spaces that begin the lines.
    """
    if isinstance(value, Mapping):
        if not all(str(key).isidentifier() for key in value):
            return repr(dict(value))
        entries = [f'{key}={spell(v, indent + 4)}' for key, v in value.items()]
        opening, closing = 'dict(', ')'
    elif isinstance(value, list | tuple):
        entries = [spell(item, indent + 4) for item in value]
        opening, closing = '[', ']'
    else:
        return repr(value)
    line = opening + ', '.join(entries) + closing
    if '\n' not in line and indent + len(line) <= WIDTH - 16:
        return line
    inside = '\n'.join(f'{" " * (indent + 4)}{entry},' for entry in entries)
    return f'{opening}\n{inside}\n{" " * indent}{closing}'
