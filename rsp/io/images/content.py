"""Read the content of a file, and tell its format by the first bytes."""

import os
import stat
from collections.abc import Container

from rsp.errors import BrokenFile, MissingData

# Bytes that tell the format.
HEAD = 16
STARTS = (
    ('JPEG', b'\xff\xd8\xff'),
    ('PNG', b'\x89PNG\r\n\x1a\n'),
    ('GIF', b'GIF8'),
    ('BMP', b'BM'),
    # Little and big endian, of classic and of BigTIFF.
    ('GTiff', b'II*\0'),
    ('GTiff', b'MM\0*'),
    ('GTiff', b'II+\0'),
    ('GTiff', b'MM\0+'),
)


def format_of(content: bytes) -> str:
    """Return a format as rasterio names it, or ``''`` for any other.

    Endings lie: ImageNet holds a PNG named .JPEG.

    Args:
        content: At least the first `HEAD` bytes.
    """
    for kind, start in STARTS:
        if content.startswith(start):
            return kind
    return 'WEBP' if content[:4] == b'RIFF' and content[8:12] == b'WEBP' else ''


def is_remote(path: str) -> bool:
    """Return whether GDAL, but not Python, can open a path: a URI or a part of a file.

    Such as ``s3://...``, ``/vsizip/...`` or ``GTIFF_DIR:2:pages.tif``.
    """
    return '://' in path or path.startswith(('/vsi', 'GTIFF_DIR:'))


def content_of(path: str, formats: Container[str], size: int = -1) -> bytes | None:
    """Read a file of one of some formats.

    Args:
        path: Of the file.
        formats: Those that are wanted.
        size: Bytes to read, at least `HEAD`; all by default.

    Returns:
        None if it has another format.

    Raises:
        MissingData: If there is no such file.
        BrokenFile: If it cannot be read or is empty.
    """
    if is_remote(path):
        return None
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            # A pipe would keep us waiting, /dev/zero has no end.
            raise BrokenFile(path, 'it is a pipe or a device')
        with open(path, 'rb') as file:  # Path's own takes a tenth of a small JPEG.
            head = file.read(HEAD)
            if not head:
                raise BrokenFile(path, 'it is empty')
            if format_of(head) not in formats:
                return None
            return head + (file.read() if size < 0 else file.read(size - HEAD))
    except (FileNotFoundError, IsADirectoryError):
        raise MissingData(f"cannot load '{path}', there is no such file.") from None
    except OSError as error:
        raise BrokenFile(path, error.strerror or str(error)) from None
