"""Index the scenes of a folder, reading each file once.

The index is a JSON-lines file, by default ``.rsp_scenes.jsonl`` in the folder::

    {"rsp_scene_index": 6, "files": "<hash of paths and signatures>", "count": 2}
    {"path": "a/one.tif", "size": ..., "signature": ..., "width": ..., ...}   a Scene
    {"path": "two.tif", "signature": ..., "error": "..."}                     unreadable

Files that were added or changed since are read anew, those that went are dropped. A
file has changed when anything it depends on has, see `rsp.geo.files.signature`.
Public: `SceneIndex` (``scenes``, ``unreadable``, ``root``, ``path_of``), `Scene` with
its statistics in `rsp.geo.scene`, `Unreadable`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from rsp.errors import UserError, shorten
from rsp.geo.bands.choice import BandChoice
from rsp.geo.bands.vrt import SceneFiles, scene_files
from rsp.geo.files.listing import Source, list_files
from rsp.geo.files.remote import THREADS, ask_all, is_url, urls_of
from rsp.geo.files.signature import Signatures
from rsp.geo.rasters import ENDINGS
from rsp.geo.scene import Scene, read_scene
from rsp.io.files import write_atomically
from rsp.io.text import load_json

FILE_NAME = '.rsp_scenes.jsonl'
VERSION = 6


@dataclass(frozen=True)
class Unreadable:
    """Describe a file that is no scene.

    Attributes:
        path: Relative to the folder of the index, with forward slashes.
        signature: Of all files that it depends on when it was tried.
        error: What GDAL said.
    """

    path: str
    signature: str
    error: str


@dataclass(frozen=True)
class SceneIndex:
    """Store the scenes of a folder, sorted by path.

    Attributes:
        root: Folder that the paths are relative to.
        scenes: What could be read.
        unreadable: What could not.
        left_out: Paths of readable scenes that `select` left out, by reason.
        stacks: File of each scene that has no file of its own, see `rsp.geo.bands.vrt`;
            or the URL of each.
        others: Files of such scenes' products that are no bands.
    """

    root: Path
    scenes: tuple[Scene, ...]
    unreadable: tuple[Unreadable, ...] = ()
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stacks: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[str] = ()

    @classmethod
    def build(
        cls,
        source: Source,
        cache: str | os.PathLike | None = None,
        threads: int | None = None,
        extensions: Sequence[str] = ENDINGS,
        choice: BandChoice | None = None,
    ) -> SceneIndex:
        """Look at all files of a folder, or at those new since the last time.

        Args:
            source: A folder, searched with its sub-folders; a pattern such as
                ``scenes/**/*_RGB.tif``; or a list of files, or of URLs.
            cache: File to keep the index in; None for ``.rsp_scenes.jsonl`` in the
                folder. Where that cannot be written, and of URLs without one, the index
                is made anew each time.
            threads: How many files are read at a time; None for one per core, and for
                32 of URLs.
            extensions: Endings that count in a folder, in any case; by default those
                of rasters and, where there are none, of images.
            choice: Whether and how files of one band each are stacked.

        Raises:
            MissingData: If the folder, or a file of a list, is missing.
            UserError: If there is no file.
        """
        if urls := urls_of(source):
            ask_all(urls)
            root, located = Path(), SceneFiles({url: url for url in urls})
            threads = threads or THREADS
        else:
            root, files = list_files(source, extensions)
            located = scene_files(root, files, choice)
            cache = root / FILE_NAME if cache is None else cache
        cache = None if cache is None else Path(cache)
        paths, names = located.paths, [*located.paths]
        known = _read(cache) if cache else {}
        written = known.pop('entries', {})
        signatures = Signatures()
        entries = {
            name: written[name]
            for name in names
            if name in written and _is_current(paths[name], written[name], signatures)
        }
        missing = [name for name in names if name not in entries]
        for entry in _read_scenes(paths, missing, signatures, threads):
            entries[entry.path] = entry
        digest = _digest([entries[name] for name in names])
        if cache and known.get('files') != digest:
            _write(cache, digest, [entries[name] for name in names])
        found = [entries[name] for name in names]
        return cls(
            root,
            tuple(entry for entry in found if isinstance(entry, Scene)),
            tuple(entry for entry in found if isinstance(entry, Unreadable))
            + tuple(Unreadable(n, '', error) for n, error in located.broken.items()),
            stacks={n: str(p) for n, p in paths.items() if p != root / n},
            others=located.others,
        )

    def __len__(self) -> int:
        return len(self.scenes)

    def path_of(self, scene: Scene) -> str:
        """Return where the file of a scene is."""
        return self.stacks.get(scene.path) or os.path.join(self.root, scene.path)

    def select(self, size: tuple[int, int]) -> SceneIndex:
        """Return the scenes that have windows of this height and width.

        Raises:
            UserError: If there are none.
        """
        height, width = size
        left_out = {
            f'smaller than {height} x {width} pixels': [
                s.path for s in self.scenes if s.height < height or s.width < width
            ],
            'all no-data': [s.path for s in self.scenes if s.valid_share == 0],
        }
        out = {path for paths in left_out.values() for path in paths}
        kept = tuple(scene for scene in self.scenes if scene.path not in out)
        selected = replace(self, scenes=kept, left_out=left_out)
        if not kept:
            raise UserError(
                f"expected scenes with windows in '{self.root}', got none: "
                f'{selected.describe_left_out() or self.describe()}.'
            )
        return selected

    def describe_left_out(self) -> str:
        """Describe how many scenes have no windows, why, and which."""
        return '; '.join(
            f'{len(paths)} scenes are {reason}: {shorten(paths)}'
            for reason, paths in self.left_out.items()
            if paths
        )

    def describe(self) -> str:
        """Count the scenes, and name files that are none, in one line."""
        remote = sum(map(is_url, self.stacks))
        place = 'behind URLs' if remote else f"in '{self.root}'"
        line = f'{len(self.scenes)} scenes {place}'
        if self.unreadable:
            names = shorten([entry.path for entry in self.unreadable])
            line += f'; {len(self.unreadable)} files cannot be read: {names}'
        paged = [scene.path for scene in self.scenes if scene.pages > 1]
        if paged:
            line += f'; {len(paged)} hold several images, the first is read: '
            line += shorten(paged)
        if self.stacks and not remote:
            line += f'; {len(self.stacks)} scenes are stacks of files of one band each'
        if self.others:
            line += f', without {len(self.others)} files that are no bands'
        return line


def _read_scenes(
    paths: Mapping[str, Path | str],
    names: list[str],
    signatures: Signatures,
    threads: int | None,
) -> Iterator[Scene | Unreadable]:
    """Read files, several at a time; GDAL lets other threads run meanwhile."""

    def read(name: str) -> Scene | Unreadable:
        try:
            return read_scene(paths[name], name, signatures)
        except (ValueError, OSError) as error:
            return Unreadable(name, signatures(paths[name]), str(error))

    if not names:
        return
    console = Console(stderr=True)
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        yield from track(
            pool.map(read, names),
            'reading scenes',
            len(names),
            console=console,
            disable=not console.is_terminal,
        )


def _digest(entries: Sequence[Scene | Unreadable]) -> str:
    text = '\n'.join(f'{entry.path}\0{entry.signature}' for entry in entries)
    return hashlib.sha256(text.encode()).hexdigest()


def _is_current(
    path: Path | str, entry: Scene | Unreadable, signatures: Signatures
) -> bool:
    sources = entry.sources if isinstance(entry, Scene) else None
    return entry.signature == signatures(path, sources)


def _read(cache: Path) -> dict[str, Any]:
    """Read header and entries of an index; empty without one of this version."""
    try:
        lines = cache.read_text(encoding='utf-8').splitlines()
        header = load_json(lines[0])
        if header.get('rsp_scene_index') != VERSION:
            return {}
        values = [load_json(line) for line in lines[1:]]
        entries = [
            Unreadable(**v) if 'error' in v else Scene.from_json(v) for v in values
        ]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return {}
    # A file cut short by a full disk has fewer lines than its first one says.
    if len(entries) != header['count']:
        header['files'] = None
    return header | {'entries': {entry.path: entry for entry in entries}}


def _write(cache: Path, digest: str, entries: Iterable[Scene | Unreadable]) -> None:
    entries = list(entries)
    header = dict(rsp_scene_index=VERSION, files=digest, count=len(entries))
    lines = [
        header,
        *(e.to_json() if isinstance(e, Scene) else asdict(e) for e in entries),
    ]
    # On a disk mounted read-only, the index is made anew each time.
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(cache) as unfinished:
            text = '\n'.join(map(json.dumps, lines)) + '\n'
            unfinished.write_text(text, encoding='utf-8')
