"""List the files below a folder, and keep long lists until the folder changes."""

import hashlib
import json
import os
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    key = repr((VERSION, os.path.realpath(root), sorted(endings)))
    name = hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:24]
    counts: Counter[str] = Counter()
    names = _recall(name, root, counts)
    if names is None:
        began = time.time_ns()
        times: dict[str, int] = {}
        found = [
            encode(path[len(root) :].replace(os.sep, '/'))
            for path in walk_files(root, endings, counts, times)
        ]
        found.sort()
        names = PackedNames.of_encoded(found)
        if len(names) >= LONG and max(times.values()) < began - FRESH:
            _remember(name, names, root, times, counts)
    if left_out is not None:
        left_out.update(counts)
    return names


def _files(name: str) -> tuple[Path, Path] | None:
    """Return where the names of a list and the facts about it are kept."""
    try:
        folder = cache_folder('listings')
    except UserError:
        return None
    return folder / f'{name}.names', folder / f'{name}.json'


def _remember(
    name: str,
    names: PackedNames,
    root: str,
    times: dict[str, int],
    counts: Counter[str],
) -> None:
    places = _files(name)
    if places is None:
        return
    facts = dict(
        folders=[[path[len(root) :], changed] for path, changed in times.items()],
        left_out=counts,
        crc=zlib.crc32(names.text.data),
    )
    try:
        with write_atomically(places[0]) as file:
            names.save(file)
        with write_atomically(places[1]) as file:
            file.write_text(json.dumps(facts), encoding='utf-8')
    except OSError:  # A full disk is no reason not to train.
        return


def _recall(name: str, root: str, counts: Counter[str]) -> PackedNames | None:
    """Return a list that still holds, and count what it has left out."""
    places = _files(name)
    if places is None or not places[1].is_file():
        return None
    try:
        facts: Any = load_json(places[1].read_bytes())
        for below, changed in facts['folders']:
            if os.stat(root + below).st_mtime_ns != changed:
                return None
        names = PackedNames.load(places[0])
        if zlib.crc32(names.text.data) != facts['crc']:
            return None
        counts.update(facts['left_out'])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return names
