"""Open packed stores, and read their images by paths that go on inside of them."""

from __future__ import annotations

import hashlib
import os
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import BrokenFile, MissingData, UserError
from rsp.io.stores.manifest import DIGESTS, IMAGES, NAME, NAMES, Manifest, remedy
from rsp.io.stores.names import PackedNames

# Begins the part of a path that is inside of a store.
DOORS = tuple(f'/{name}/' for name in IMAGES.values())


class Store:
    """Read images of a folder that ``rsp prepare pack`` made.

    Args:
        folder: Of the store.

    Attributes:
        folder: Absolute or relative, as given.
        manifest: What it holds.
        names: Of its images below the folder that was packed, sorted by their bytes.
        root: What the path of an image begins with; a name follows after a slash, as
            after that of a folder.

    Raises:
        MissingData: If there is no store, or a file of it is missing.
        UserError: If it was interrupted, is damaged, cut off, of another version, or
            its files are not of one store.
    """

    def __init__(self, folder: str | PathLike) -> None:
        from rsp.io.stores.images import READERS

        self.folder = Path(folder)
        self.manifest = Manifest.read(self.folder)
        self.root = f'{self.folder.as_posix()}/{IMAGES[self.manifest.kind]}'
        self.names = PackedNames.load(self.folder / NAMES)
        reader: Any = READERS[self.manifest.kind]
        self.images = reader(self.folder)
        self._require_one_store()

    def __len__(self) -> int:
        return len(self.names)

    def content(self, name: str) -> bytes | np.ndarray:
        """Return what is stored of an image; see `read_stored_image`."""
        path = f'{self.root}/{name}'
        row = self.names.find(name)
        if row is None:
            raise MissingData(
                f"cannot load '{path}', the store has no image of this name; pack "
                f"'{self.manifest.source}' again."
            )
        try:
            return self.images[row]
        except UserError:
            raise
        except Exception as error:  # LMDB raises many kinds of its own.
            raise BrokenFile(path, f'{type(error).__name__}: {error}') from error

    def digests(self) -> np.ndarray:
        """Return the digest of each image, see `digest_of`; shape (N,), uint64."""
        return np.load(self.folder / DIGESTS, mmap_mode='r')

    def _require_one_store(self) -> None:
        count = self.manifest.count
        wrong = ''
        if not len(self.names) == len(self.images) == count:
            wrong = (
                f'expected {count} images, got {len(self.names)} names and '
                f'{len(self.images)} images'
            )
        elif content_hash(self.names, self.digests()) != self.manifest.content:
            wrong = f'expected the names of {NAME}, got others'
        elif self.images.mark() != self.manifest.content:
            wrong = f'expected the images of {NAME}, got those of another store'
        if wrong:
            source = self.manifest.source
            raise UserError(
                f"{wrong} in '{self.folder}'; {remedy(self.folder, source)}"
            )

    def __reduce__(self) -> tuple:
        # Opened anew where there is no fork.
        return open_store, (self.folder,)


def open_store(folder: str | PathLike) -> Store:
    """Open a store, each once in a process and those forked from it.

    Raises:
        MissingData, UserError: See `Store`.
    """
    manifest = Path(folder, NAME)
    # One that was made anew meanwhile is another one.
    stamp = manifest.stat().st_mtime_ns if manifest.is_file() else 0
    key = Path(folder).as_posix()
    if key not in _opened or _opened[key][0] != stamp:
        _opened[key] = stamp, Store(folder)
    return _opened[key][1]


# With the time of the manifest.
_opened: dict[str, tuple[int, Store]] = {}


def split_path(path: str | PathLike) -> tuple[str, str] | None:
    """Return the folder of the store and the name of an image that a path is of.

    Returns:
        None for other paths.
    """
    text = fspath(path)
    if os.sep != '/':
        text = text.replace(os.sep, '/')
    for door in DOORS:
        folder, found, name = text.partition(door)
        # Of a file, nothing but a store has something inside.
        if found and (folder in _opened or os.path.isfile(folder + door[:-1])):
            return folder, name
    return None


def read_stored_image(path: str | PathLike) -> bytes | np.ndarray | None:
    """Return what a store holds of an image.

    Args:
        path: ``Store.root``, a slash, and the name of the image.

    Returns:
        The bytes of an image file; or its pixels, shape (H, W, 3), uint8, red, green,
        blue, read-only; None if the path is not inside of a store.

    Raises:
        MissingData: If the store has no such image.
        BrokenFile: If it cannot be read.
        UserError: If the store is damaged, see `Store`.
    """
    parts = split_path(path)
    if parts is None:
        return None
    folder, name = parts
    # Without a look at the disk: every image comes by here.
    store = _opened[folder][1] if folder in _opened else open_store(folder)
    return store.content(name)


def digest_of(content: bytes | np.ndarray) -> int:
    """Return 64 bits that differ where an image's bytes, or its pixels, do."""
    hashed = hashlib.blake2b(digest_size=8)
    if isinstance(content, np.ndarray):
        hashed.update(repr(content.shape).encode())
        hashed.update(np.ascontiguousarray(content).data)
    else:
        hashed.update(content)
    return int.from_bytes(hashed.digest(), 'little')


def content_hash(names: PackedNames, digests: np.ndarray) -> str:
    """Return the SHA-256 of all names and digests, as a manifest holds it."""
    hashed = hashlib.sha256(names.text.data)
    hashed.update(np.ascontiguousarray(digests, '<u8').data)
    return hashed.hexdigest()
