"""Compare a store with the folder that was packed, where that is still there."""

import os
from collections.abc import Iterator
from pathlib import Path

from rsp.errors import shorten
from rsp.io.files import is_hidden
from rsp.io.stores.store import Store


def describe_changes(store: Store) -> str:
    """Say which files of the source are new or gone since it was packed.

    Only folders whose time has changed are listed. A file that was written anew under
    its name is not seen; ``rsp prepare pack`` on the finished store looks at every one.

    Returns:
        A sentence; nothing if there are none, or no source.
    """
    new: list[str] = []
    gone: list[str] = []
    for folder, changed in store.manifest.folders.items():
        place = Path(store.manifest.source, folder)
        try:
            if place.stat().st_mtime_ns == changed:
                continue
            there = {*_images_in(place, folder, tuple(store.manifest.endings))}
        except OSError:  # Not on this machine, or not any more.
            continue
        packed = {*_packed_in(store, folder)} | {*store.manifest.left_out}
        new += there - packed
        gone += {name for name in packed if os.path.dirname(name) == folder} - there
    parts = [
        f'{len(names)} {what} ({shorten(sorted(names))})'
        for names, what in ((new, 'new'), (gone, 'gone'))
        if names
    ]
    if not parts:
        return ''
    return (
        f"'{store.manifest.source}' has changed since it was packed into "
        f"'{store.folder}': {', '.join(parts)}; the store is read as it is"
    )


def _images_in(place: Path, folder: str, endings: tuple[str, ...]) -> Iterator[str]:
    with os.scandir(place) as entries:
        files = [entry.name for entry in entries if entry.is_file()]
    for name in files:
        if name.lower().endswith(endings) and not is_hidden(name):
            yield f'{folder}/{name}' if folder else name


def _packed_in(store: Store, folder: str) -> Iterator[str]:
    first, last = store.names.below(folder) if folder else (0, len(store))
    names = store.names.between(first, last)
    return (name for name in names if os.path.dirname(name) == folder)
