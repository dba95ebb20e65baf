"""Read text files that users write."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rsp.errors import UserError


def read_names(file: str | Path) -> list[str]:
    """Read the lines that are not empty, without space around them.

    Raises:
        UserError: See `line_portions`.
    """
    return [line.strip() for line in read_lines(file) if line.strip()]


def read_lines(file: str | Path) -> list[str]:
    """Read the lines of a file in UTF-8, see `line_portions`."""
    return [line for portion in line_portions(file) for line in portion]


def line_portions(file: str | Path, letters: int = 2**22) -> Iterator[list[str]]:
    """Yield the lines of a file in UTF-8, with or without a byte order mark, in parts.

    Left in, the mark would be an invisible part of the first name.

    Args:
        file: Names may hold any letters, whatever the system's own encoding is.
        letters: Of a portion, about.

    Raises:
        UserError: If it is in another encoding.
    """
    try:
        with Path(file).open(encoding='utf-8-sig', newline='\n') as opened:
            while lines := opened.readlines(letters):
                text = ''.join(lines)
                if '\0' in text:
                    raise UserError(
                        f"expected text in UTF-8 in '{file}', got zero bytes, as of "
                        'UTF-16; save it as UTF-8.'
                    )
                yield [line.rstrip('\n\r') for line in lines]
    except UnicodeDecodeError as error:
        raise UserError(
            f"expected text in UTF-8 in '{file}', got {error}; save it as UTF-8."
        ) from error


def load_json(text: str | bytes) -> Any:
    """Parse JSON that others wrote, in any UTF, with or without a byte order mark.

    Raises:
        ValueError: If it is none, or nested too deeply for Python.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError('nested too deeply') from None


def foreign_marks(lines: Iterable[str]) -> str:
    """Name what other programs write into lists, for a message: the first of them.

    Args:
        lines: That were not understood.

    Returns:
        A sentence behind a blank, or nothing.
    """
    text = '\n'.join(lines)
    for found, what in (
        (re.search(r'^["\']|["\']$', text, re.MULTILINE), 'quotes; leave them out'),
        (re.search(r'\\', text), 'backslashes; write / between folders'),
        (re.search(r'\t', text), 'tabs; write one blank'),
        (re.search(r'[,;]', text), 'commas or semicolons; write one blank'),
        (re.search(r'[^\S\n ]|[\u200b-\u200f\ufeff]', text), 'blanks of another kind'),
    ):
        if found:
            return f' The list has {what}.'
    return ''
