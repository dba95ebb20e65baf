"""Write values as Python text for a config.

mmengine's ``Config.pretty_text`` sorts the keys, so that ``type`` comes last, and gives
every number of a list a line of its own.
"""

from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

from rsp.errors import visible

WIDTH = 88


def pretty_text(value: Any, indent: int = 0) -> str:
    """Write nested dicts, lists and plain values as text; `eval` gives them back.

    mmengine replaces ``{{ fileDirname }}`` and ``{{$HOME:}}`` anywhere in the text of a
    config, so that braces in values are escaped.

    Args:
        value: Dicts become calls of ``dict``, with a line per entry where one line
            would be too long.
        indent: Spaces that begin the lines.
    """
    if isinstance(value, Mapping):
        if not all(str(key).isidentifier() and not iskeyword(key) for key in value):
            return _literal(dict(value))
        entries = [f'{key}={pretty_text(v, indent + 4)}' for key, v in value.items()]
        opening, closing = 'dict(', ')'
    elif isinstance(value, list | tuple):
        entries = [pretty_text(item, indent + 4) for item in value]
        opening, closing = '[', ']'
    else:
        return _literal(value)
    line = opening + ', '.join(entries) + closing
    if '\n' not in line and indent + len(line) <= WIDTH - 16:
        return line
    inside = '\n'.join(f'{" " * (indent + 4)}{entry},' for entry in entries)
    return f'{opening}\n{inside}\n{" " * indent}{closing}'


def comment(text: str) -> str:
    """Write text as a comment that neither Python nor mmengine or a terminal obeys.

    Args:
        text: Of any number of lines; a folder's name may hold line breaks.
    """
    lines = visible(text.replace('{{', '{ {')).splitlines() or ['']
    return '\n'.join(f'# {line}'.rstrip() for line in lines)


def _literal(value: Any) -> str:
    # A backslash begins the second brace, wherever in a string they stand.
    return repr(value).replace('{{', r'{\x7b')
