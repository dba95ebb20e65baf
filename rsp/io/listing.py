"""List the files below a folder, and keep long lists until the folder changes."""

import hashlib
import json
import os
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import UserError
from rsp.io.cache import cache_folder
from rsp.io.files import walk_files, write_atomically
from rsp.io.stores.names import PackedNames, encode
from rsp.io.text import load_json

# Files of a folder that takes seconds to list.
LONG = 20_000
# A folder may change again within the resolution of its time: 2 s on some systems.
FRESH = 2 * 10**9
# Of what is kept; lists of another version are made anew.
VERSION = 1


def list_names(
    folder: str | os.PathLike,
    endings: Sequence[str],
    left_out: Counter[str] | None = None,
) -> PackedNames:
    """List the files of a folder and its sub-folders, relative to it.

    A long list is kept in the user's cache. It holds as long as no folder below has
    changed, which each one's time tells: a file that is added, removed or renamed
    changes that of its folder.

    Args:
        folder: See `rsp.io.files.files_below`.
        endings: See `rsp.io.files.files_below`.
        left_out: See `rsp.io.files.files_below`.

    Returns:
        With ``/`` between folders, sorted by their bytes.

    Raises:
        UserError: If a folder cannot be listed.
    """
    root = os.path.join(os.fspath(folder), '')
    kept = KeptNames(repr((VERSION, os.path.realpath(root), sorted(endings))))
    found = kept.read(lambda facts: _have_not_changed(root, facts['folders']))
    if found is not None:
        names, facts, _ = found
        counts = Counter(facts['left_out'])
    else:
        names, counts = _list(root, endings, kept)
    if left_out is not None:
        left_out.update(counts)
    return names


def _list(
    root: str, endings: Sequence[str], kept: 'KeptNames'
) -> tuple[PackedNames, Counter[str]]:
    """List a folder, and keep the names if they are many."""
    began = time.time_ns()
    times: dict[str, int] = {}
    counts: Counter[str] = Counter()
    found = [
        encode(path[len(root) :].replace(os.sep, '/'))
        for path in walk_files(root, endings, counts, times)
    ]
    found.sort()
    names = PackedNames.of_encoded(found)
    if len(names) >= LONG and max(times.values()) < began - FRESH:
        folders = [[path[len(root) :], changed] for path, changed in times.items()]
        kept.write(names, dict(folders=folders, left_out=counts))
    return names, counts


def _have_not_changed(root: str, folders: Sequence[tuple[str, int]]) -> bool:
    return all(os.stat(root + below).st_mtime_ns == time for below, time in folders)


def names_of_file(
    file: str | os.PathLike,
    kind: str,
    parse: Callable[[], tuple[PackedNames, Mapping[str, Any], np.ndarray]],
    long: int,
) -> tuple[PackedNames, Any, np.ndarray]:
    """Return the names that a file holds, facts of it, and numbers for each name.

    Those of a long one are kept in the user's cache, and hold until the file's size or
    time changes.

    Args:
        file: The file.
        kind: Of what is made of it, with the version of that.
        parse: Makes it; facts are JSON-like.
        long: Names that take a second to parse.
    """
    found, began = os.stat(file), time.time_ns()
    of = [found.st_size, found.st_mtime_ns, found.st_ino]
    kept = KeptNames(repr((VERSION, kind, os.path.realpath(file))))
    known = kept.read(lambda told: told['of'] == of)
    if known is not None:
        return known
    names, facts, numbers = parse()
    if len(names) >= long and found.st_mtime_ns < began - FRESH:
        kept.write(names, dict(facts, of=of), numbers)
        # Mapped, they need not travel to workers.
        names = (kept.read(lambda told: told['of'] == of) or [names])[0]
    return names, facts, numbers


class KeptNames:
    """Keep names in the user's cache, with what tells whether they still hold.

    Args:
        key: Tells what the names are of.
    """

    def __init__(self, key: str) -> None:
        name = hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:24]
        self._place: Path | None = None
        with suppress(UserError):  # Where nothing can be kept, nothing is.
            self._place = cache_folder('listings') / name

    def write(
        self,
        names: PackedNames,
        facts: Mapping[str, Any],
        numbers: np.ndarray | None = None,
    ) -> None:
        """Keep names, JSON-like facts and numbers for each name."""
        if self._place is None:
            return
        numbers = np.zeros(0, np.int64) if numbers is None else numbers
        told = dict(facts, crc=_crc(names, numbers))
        with suppress(OSError):  # A full disk is no reason not to train.
            with write_atomically(self._place.with_suffix('.names')) as file:
                names.save(file)
            with write_atomically(self._place.with_suffix('.npy')) as file:
                np.save(file, numbers)
            with write_atomically(self._place.with_suffix('.json')) as file:
                file.write_text(json.dumps(told), encoding='utf-8')

    def read(
        self, holds: Callable[[Any], bool]
    ) -> tuple[PackedNames, Any, np.ndarray] | None:
        """Return names, mapped, facts and numbers; None if they do not hold.

        Args:
            holds: Tells by the facts whether the names still do.
        """
        if self._place is None or not self._place.with_suffix('.json').is_file():
            return None
        with suppress(OSError, ValueError, KeyError, TypeError):
            facts = load_json(self._place.with_suffix('.json').read_bytes())
            if holds(facts):
                names = PackedNames.load(self._place.with_suffix('.names'))
                numbers = np.load(self._place.with_suffix('.npy'))
                if _crc(names, numbers) == facts['crc']:
                    return names, facts, numbers
        return None


def _crc(names: PackedNames, numbers: np.ndarray) -> list[int]:
    return [zlib.crc32(names.text.data), zlib.crc32(numbers.data)]
