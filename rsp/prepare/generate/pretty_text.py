"""Write values as Python text for a config.

mmengine's ``Config.pretty_text`` sorts the keys, so that ``type`` comes last, and gives
every number of a list a line of its own.
"""

from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

WIDTH = 88


def pretty_text(value: Any, indent: int = 0) -> str:
    """Write nested dicts, lists and plain values as text; `eval` gives them back.

    Args:
        value: Dicts become calls of ``dict``, with a line per entry where one line
            would be too long.
        indent: Spaces that begin the lines.
    """
    if isinstance(value, Mapping):
        if not all(str(key).isidentifier() and not iskeyword(key) for key in value):
            return repr(dict(value))
        entries = [f'{key}={pretty_text(v, indent + 4)}' for key, v in value.items()]
        opening, closing = 'dict(', ')'
    elif isinstance(value, list | tuple):
        entries = [pretty_text(item, indent + 4) for item in value]
        opening, closing = '[', ']'
    else:
        return repr(value)
    line = opening + ', '.join(entries) + closing
    if '\n' not in line and indent + len(line) <= WIDTH - 16:
        return line
    inside = '\n'.join(f'{" " * (indent + 4)}{entry},' for entry in entries)
    return f'{opening}\n{inside}\n{" " * indent}{closing}'
