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


def line_portions(file: str | Path) -> Iterator[list[str]]:
    """Yield the lines of a file in UTF-8, in parts; see `decode_lines`."""
    return (decode_lines(portion, file) for portion in byte_portions(file))


def byte_portions(file: str | Path, size: int = 2**22) -> Iterator[bytes]:
    """Yield the content of a file in portions of whole lines.

    Without a byte order mark, which would be an invisible part of the first name.

    Args:
        file: The file.
        size: Bytes of a portion, about.
    """
    with Path(file).open('rb') as opened:
        if opened.read(3) != b'\xef\xbb\xbf':
            opened.seek(0)
        while portion := opened.read(size):
            yield portion + opened.readline()


def decode_lines(content: bytes, file: str | Path) -> list[str]:
    """Return the lines of some content in UTF-8.

    Args:
        content: May hold any letters, whatever the system's own encoding is.
        file: What to call it.

    Raises:
        UserError: If it is in another encoding.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"expected text in UTF-8 in '{file}', got {error}; save it as UTF-8."
        ) from error
    if '\0' in text:
        raise UserError(
            f"expected text in UTF-8 in '{file}', got zero bytes, as of UTF-16; save "
            'it as UTF-8.'
        )
    return [line.rstrip('\r') for line in text.removesuffix('\n').split('\n')]


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
