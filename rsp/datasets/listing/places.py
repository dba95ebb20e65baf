"""Find images where they lie: below a folder, or in a packed store of it."""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from mmengine.logging import print_log

from rsp.errors import MissingData, UserError, shorten
from rsp.io.files import folders_in
from rsp.io.listing import list_names
from rsp.io.stores import PackedNames, Store, open_store
from rsp.io.stores.source import describe_changes


class ImagePlace(Protocol):
    """List the images that a data set may have.

    Attributes:
        root: What the path of an image begins with, before a slash and its name.
    """

    root: str

    def names(
        self, endings: Sequence[str], left_out: Counter[str] | None = None
    ) -> PackedNames:
        """List all images, sorted by the bytes of their names."""

    def class_folders(self) -> list[str] | None:
        """Return all folders, empty ones too; None if only the names tell them."""

    def holds(self, names: PackedNames) -> bool:
        """Tell whether these are all names of the place, in their order, at a glance.

        False says nothing.
        """

    def existing(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the names of all that lies in the folders of some names."""


class Folder:
    """List the images below a folder.

    Args:
        root: The folder.

    Raises:
        MissingData: If there is none.
    """

    def __init__(self, root: str) -> None:
        if not Path(root).is_dir():
            raise MissingData(
                f"expected a folder of images at '{Path(root)}', there is none; put "
                "the images there or change 'data_root' and 'data_prefix'."
            )
        # Path leaves out what says nothing, such as a dot.
        self.root = '' if Path(root) == Path() else str(Path(root))

    def names(
        self, endings: Sequence[str], left_out: Counter[str] | None = None
    ) -> PackedNames:
        """See `ImagePlace.names`."""
        return list_names(self.root or '.', endings, left_out)

    def class_folders(self) -> list[str]:
        """See `ImagePlace.class_folders`."""
        return [folder.name for folder in folders_in(self.root or '.')]

    def holds(self, names: PackedNames) -> bool:
        """See `ImagePlace.holds`; a folder has to be listed."""
        return False

    def existing(self, names: Iterable[str]) -> Iterator[str]:
        """See `ImagePlace.existing`."""
        folders = dict.fromkeys(name.rpartition('/')[0] for name in names)
        # One listing each: asking for every file takes minutes on a network disk.
        for folder in folders:
            place = Path(self.root, folder)
            if place.is_dir():
                start = f'{folder}/' if folder else ''
                yield from (start + name for name in os.listdir(place))


class PackedFolder:
    """List the images of a store that ``rsp prepare pack`` made of a folder.

    Args:
        store: The store.
        inside: The folder, below the one that was packed; empty for that one.

    Raises:
        MissingData: If the store has no image of it.
    """

    def __init__(self, store: Store, inside: str = '') -> None:
        self.store, self.inside = store, inside
        self.root = f'{store.root}/{inside}' if inside else store.root
        first, last = store.names.below(inside) if inside else (0, len(store))
        if first == last:
            raise MissingData(
                f"expected images of the folder '{inside}' in '{store.folder}', which "
                f"was packed of '{store.manifest.source}'; it has none. Change "
                "'data_root' and 'data_prefix', or pack again."
            )
        self._names = store.names.between(first, last)

    def names(
        self, endings: Sequence[str], left_out: Counter[str] | None = None
    ) -> PackedNames:
        """See `ImagePlace.names`."""
        names = self._names
        if self.inside:
            names = names.shortened(len(os.fsencode(self.inside)) + 1)
        # Packed were those of the default; usually a data set wants the same.
        if {*self.store.manifest.endings} <= {*endings}:
            return names
        wanted = tuple(endings)
        rows = [n for n, name in enumerate(names) if name.lower().endswith(wanted)]
        return names.take(np.array(rows, np.int64))

    def class_folders(self) -> None:
        """See `ImagePlace.class_folders`."""

    def holds(self, names: PackedNames) -> bool:
        """See `ImagePlace.holds`."""
        return not self.inside and np.array_equal(names.text, self._names.text)

    def existing(self, names: Iterable[str]) -> Iterator[str]:
        """See `ImagePlace.existing`."""
        skipped = len(self.inside) + 1 if self.inside else 0
        return (name[skipped:] for name in self._names)


def place_of(folder: str, store: str | None = None) -> ImagePlace:
    """Return the place of the images of a folder.

    Args:
        folder: Where they lie or, with ``store``, lay.
        store: Packed store of the folder, or of one above it.

    Raises:
        MissingData: If there is no folder, or no store.
        UserError: If the store is damaged, or of another folder.
    """
    if store is None:
        return Folder(folder)
    opened = open_store(store)
    for fact in (describe_changes(opened), _left_out(opened)):
        if fact:
            print_log(f'{fact}.', logger='current', level=logging.WARNING)
    return PackedFolder(opened, _inside(folder, opened))


def _left_out(store: Store) -> str:
    names = [*store.manifest.left_out]
    if not names:
        return ''
    return (
        f"'{store.folder}' lacks {len(names)} images that could not be packed: "
        f'{shorten(names)}'
    )


def _inside(folder: str, store: Store) -> str:
    """Return the path of a folder below the one that was packed.

    Elsewhere, as on another machine, the name of that one tells where it is.
    """
    wanted, packed = Path(os.path.abspath(folder)), Path(store.manifest.source)
    for place in (wanted, wanted.resolve()):
        if place.is_relative_to(packed):
            inside = place.relative_to(packed).as_posix()
            return '' if inside == '.' else inside
    names = wanted.parts
    if packed.name in names:
        # The last one of this name.
        last = len(names) - names[::-1].index(packed.name)
        return '/'.join(names[last:])
    raise UserError(
        f"expected a store of '{folder}' or of a folder above it at '{store.folder}', "
        f"got one of '{packed}'; leave 'data_root' and 'data_prefix' out for all of "
        'it, or set them to a folder of that name.'
    )
