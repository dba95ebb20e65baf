"""Put the packed portions into one file, and resume where that was interrupted."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from rich.progress import track

from rsp.io.stores.images import KEY, MARK, open_lmdb
from rsp.io.stores.manifest import IMAGES

# Bytes of a page of LMDB, and of what stands before a value.
PAGE, HEAD = 4096, 16

# A table of the images in a portion, and the file that holds them.
Part = tuple[np.ndarray, Path]


class EncodedWriter:
    """Append portions to the LMDB of a store; each is a transaction.

    Args:
        folder: Of the store.
        sizes: Bytes of every image.
    """

    def __init__(self, folder: Path, sizes: np.ndarray) -> None:
        pages = np.sum((sizes + HEAD + PAGE - 1) // PAGE) + len(sizes) // 16 + 2**12
        file = folder / IMAGES['lmdb']
        self._opened = open_lmdb(file, map_size=int(pages) * PAGE)

    def append(self, first: int, part: Part) -> None:
        """Append the images of a portion, the first of which is in row ``first``."""
        table, file = part
        with file.open('rb') as opened, self._opened.begin(write=True) as transaction:
            for row, size in enumerate(table['size'].tolist(), start=first):
                transaction.put(KEY.pack(row), opened.read(size))

    def finish(self, mark: str) -> None:
        """Write the content hash."""
        with self._opened.begin(write=True) as transaction:
            transaction.put(MARK, mark.encode())

    def close(self) -> None:
        """Close the file."""
        self._opened.close()


class RawWriter:
    """Append portions to the file of pixels of a store.

    Args:
        folder: Of the store.
        sizes: Bytes of every image.
    """

    def __init__(self, folder: Path, sizes: np.ndarray) -> None:
        self.offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._file: BinaryIO = os.fdopen(
            os.open(folder / IMAGES['raw'], os.O_RDWR | os.O_CREAT, 0o666), 'r+b'
        )

    def append(self, first: int, part: Part) -> None:
        """Append the images of a portion, the first of which is in row ``first``."""
        self._cut(int(self.offsets[first]))
        with part[1].open('rb') as opened:
            while block := opened.read(2**24):
                self._file.write(block)
        self._flush()

    def finish(self, mark: str) -> None:
        """Write the content hash behind the pixels."""
        self._cut(int(self.offsets[-1]))
        self._file.write(mark.encode())
        self._flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _cut(self, end: int) -> None:
        self._file.truncate(end)
        self._file.seek(end)

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


WRITERS: dict[str, Callable[..., Any]] = dict(lmdb=EncodedWriter, raw=RawWriter)


def merge(writer: Any, parts: Sequence[Part]) -> None:
    """Append all portions in order, and remove each one that is written.

    Those that are not there any more were written before an interruption.
    """
    first = 0
    for table, file in track(parts, 'merging'):
        if file.exists():
            writer.append(first, (table, file))
            file.unlink()
        first += len(table)
