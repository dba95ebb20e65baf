"""Read text files that users write."""

from pathlib import Path

from mmengine import list_from_file

from rsp.errors import UserError


def read_names(file: str | Path) -> list[str]:
    """Read the lines that are not empty, without space around them.

    Raises:
        UserError: See `read_lines`.
    """
    return [line.strip() for line in read_lines(file) if line.strip()]


def read_lines(file: str | Path) -> list[str]:
    """Read the lines of a file in UTF-8, with or without a byte order mark.

    Left in, the mark would be an invisible part of the first name.

    Args:
        file: Names may hold any letters, whatever the system's own encoding is.

    Raises:
        UserError: If it is in another encoding.
    """
    try:
        return list_from_file(str(file), encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise UserError(
            f"expected text in UTF-8 in '{file}', got {error}; save it as UTF-8."
        ) from error
