"""Describe a packed store, and refuse one that does not fit its files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from rsp.errors import MissingData, UserError
from rsp.io.files import write_atomically
from rsp.io.text import load_json

VERSION = 1
MARK = 'rsp_store'
NAME = 'manifest.json'
# Kept while a store is made.
LOG = 'progress.jsonl'
NAMES = 'names'
DIGESTS = 'digests.npy'
# File of the images, by the kind of the store.
IMAGES = dict(lmdb='images.lmdb', raw='images.raw')
# Where the images of a raw store are in their file.
PLACES = 'places.npy'


@dataclass(frozen=True)
class Manifest:
    """Say what a store holds and where that comes from.

    Attributes:
        kind: ``'lmdb'``, of encoded images, or ``'raw'``, of pixels.
        count: Number of images.
        content: SHA-256 of all names and of the digests of all images.
        source: Folder that was packed.
        signature: Of names, sizes and times of its files.
        folders: Its sub-folders with images, below it, and when each had changed last,
            in ns; at most a thousand of them.
        endings: Of the files that were packed.
        settings: Of the command.
        made: Images by what became of them: ``kept``, ``encoded`` or ``shrunk``.
        sizes: Smallest, median and largest short side of the images in pixels, where
            they were decoded.
        left_out: Reason by the name of each file that could not be read.
        notes: Files by what should be known of them, see `rsp.io.images.Picture`.
        bytes: Size of each file of the store.
    """

    kind: str
    count: int
    content: str
    source: str
    signature: str = ''
    folders: dict[str, int] = field(default_factory=dict)
    endings: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all; from then on the store is finished."""
        with write_atomically(folder / NAME) as file:
            text = json.dumps({MARK: VERSION} | asdict(self), indent=1)
            file.write_text(text + '\n', encoding='utf-8')

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read that of a store, and compare it with the sizes of the files.

        Raises:
            MissingData: If there is no store, or a file of it is missing.
            UserError: If it was interrupted, is damaged, cut off or of another version.
        """
        file = folder / NAME
        if not file.is_file():
            raise _no_store(folder)
        try:
            content = load_json(file.read_bytes())
            version = content.pop(MARK)
            if version == VERSION:
                manifest = cls(**{f.name: content[f.name] for f in fields(cls)})
                wanted = manifest.files(folder)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"expected the manifest of a store in '{file}' "
                f'({type(error).__name__}: {error}); {remedy(folder)}'
            ) from error
        if version != VERSION:
            raise UserError(
                f"expected a store of version {VERSION} at '{folder}', got one of "
                f'version {version}, of another release of rsp; pack the images again '
                'into a new folder.'
            )
        for path, size in wanted.items():
            found = path.stat().st_size if path.is_file() else None
            if found != size:
                got = 'there is none' if found is None else f'got {found:,}'
                kind = MissingData if found is None else UserError
                raise kind(
                    f"expected {size:,} bytes in '{path}', {got}; "
                    f'{remedy(folder, manifest.source)}'
                )
        return manifest

    def files(self, folder: Path) -> dict[Path, int]:
        """Return the files of the store with their sizes."""
        names = [NAMES, DIGESTS, IMAGES[self.kind]]
        if self.kind == 'raw':
            names.append(PLACES)
        return {folder / name: self.bytes[name] for name in names}


def remedy(folder: Path, source: str = 'FOLDER') -> str:
    """Tell what to do about a damaged store."""
    return (
        f"copy the store again, or remove it and run `rsp prepare pack '{source}' "
        f"'{folder}'` anew."
    )


def _no_store(folder: Path) -> UserError:
    log = folder / LOG
    if log.is_file():
        return UserError(
            f"expected a finished store at '{folder}', got one that was interrupted; "
            'the same command as before, `rsp prepare pack FOLDER '
            f"'{folder}'`, goes on from there."
        )
    return MissingData(
        f"expected a store at '{folder}', there is none (no {NAME}); make it by `rsp "
        f"prepare pack FOLDER '{folder}'`, or change 'store'."
    )
