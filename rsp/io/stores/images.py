"""Read the images of a store by their row."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import UserError
from rsp.io.stores.manifest import IMAGES, PLACES, remedy

# Key of the content hash; those of the images have 8 bytes.
MARK = b'store'
KEY = struct.Struct('>Q')


# Process, time of change and number of each file that is open, and its environment.
_open: dict[str, tuple[tuple[int, ...], Any]] = {}


def open_lmdb(file: Path, **options: Any) -> Any:
    """Open an LMDB file, which a process may do only once, or find it open.

    Args:
        file: Without locks: nobody writes to a store that others read.
        options: Of ``lmdb.open``; ``readonly`` ones are shared.

    Raises:
        UserError: If it is none, or lmdb is not installed.
    """
    try:
        import lmdb
    except ImportError as error:
        raise UserError(
            f"expected lmdb to open '{file}' ({error}); pip install lmdb, or pack with "
            '--raw.'
        ) from error
    key = os.path.abspath(file)
    facts = file.stat() if file.exists() else None
    state = (os.getpid(), facts.st_mtime_ns, facts.st_ino) if facts else ()
    before, environment = _open.get(key, ((), None))
    if environment is not None:
        if options.get('readonly') and before == state:
            return environment
        # That of a parent process, of a file made anew, or of a writer. Without locks,
        # it is nothing to the parent that its child closes its own.
        environment.close()
    try:
        environment = lmdb.open(key, subdir=False, lock=False, **options)
    except lmdb.Error as error:
        raise UserError(
            f"expected an LMDB of images at '{file}', got: {error}; "
            f'{remedy(file.parent)}'
        ) from error
    _open[key] = state if options.get('readonly') else (), environment
    return environment


class EncodedImages:
    """Read encoded images, each as the bytes of its file, from LMDB.

    The child of a fork must not use an environment of its parent: each process opens
    its own when it first reads.

    Args:
        folder: Of the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: tuple[int, Any] | None = None

    def mark(self) -> str:
        """Return the content hash that the file of the images holds."""
        return (self._get(MARK) or b'').decode(errors='replace')

    def __len__(self) -> int:
        return int(self._environment().stat()['entries']) - 1

    def __getitem__(self, row: int) -> bytes:
        content = self._get(KEY.pack(row))
        if content is None:
            raise IndexError(row)
        return content

    def _get(self, key: bytes) -> bytes | None:
        with self._environment().begin() as transaction:
            found: bytes | None = transaction.get(key)
            return found

    def _environment(self) -> Any:
        process = os.getpid()
        if self._opened is None or self._opened[0] != process:
            file = self.folder / IMAGES['lmdb']
            self._opened = process, open_lmdb(file, readonly=True, readahead=False)
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return dict(folder=self.folder, _opened=None)


class RawImages:
    """Read pixels, shape (H, W, 3), uint8, red, green, blue, from one mapped file.

    Args:
        folder: Of the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Offset in bytes, height and width of each image.
        self._places = np.asarray(np.load(folder / PLACES, mmap_mode='r'))
        # Views of an ordinary array cost less than those of a mapped one.
        self._pixels = np.asarray(np.memmap(folder / IMAGES['raw'], np.uint8, 'r'))

    def mark(self) -> str:
        """Return the content hash that the file of the images holds."""
        offset, height, width = self._places[-1].tolist()
        return bytes(self._pixels[offset + height * width * 3 :]).decode(
            errors='replace'
        )

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, row: int) -> np.ndarray:
        offset, height, width = self._places[row].tolist()
        pixels = self._pixels[offset : offset + height * width * 3]
        return pixels.reshape(height, width, 3)

    def __reduce__(self) -> tuple:
        return RawImages, (self.folder,)


READERS = dict(lmdb=EncodedImages, raw=RawImages)
