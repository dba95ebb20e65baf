"""Read list files of images, a line for each."""

import os
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from rsp.datasets.listing.places import ImagePlace
from rsp.errors import MissingData, UserError
from rsp.io.stores import PackedNames
from rsp.io.text import foreign_marks, stream_lines

# Lines that are Python objects at a time.
PORTION = 2**16


def read_list_file(
    file: str | Path, with_label: bool
) -> tuple[PackedNames, np.ndarray | None]:
    """Read ``<path> <class number>`` of each line, or a path alone.

    Args:
        file: In UTF-8; paths may contain blanks.
        with_label: Whether lines end by a number.

    Returns:
        Paths; and their numbers, int64, or None.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is empty, or a line has no valid number.
    """
    if not Path(file).is_file():
        raise MissingData(
            f"expected a list file at '{file}', there is none; change 'ann_file', or "
            'leave it empty to take labels from the class folders.'
        )
    labels = array('q')

    def names() -> Iterator[str]:
        lines = enumerate(stream_lines(file), start=1)
        while portion := [*islice(lines, PORTION)]:
            for number, line in portion:
                line = line.strip()
                if not line:
                    continue
                if not with_label:
                    yield plain(line)
                    continue
                name, *label = line.rsplit(maxsplit=1)  # By tabs, too.
                if not label or not (label[0].isascii() and label[0].isdecimal()):
                    raise UserError(
                        "expected 'path label' with a label of 0 or more in line "
                        f"{number} of '{file}', got '{line}'.{foreign_marks([line])}"
                    )
                labels.append(int(label[0]))
                yield plain(name)

    packed = PackedNames.of(names())
    if not len(packed):
        raise UserError(f"expected a line per image in '{file}', it is empty.")
    return packed, np.frombuffer(labels, np.int64) if with_label else None


def plain(name: str) -> str:
    """Return a path as listings of folders have it: without ``./`` and ``//``."""
    if './' in name or '//' in name or os.sep in name.replace('/', ''):
        return Path(name).as_posix()
    return name


def missing_of(names: PackedNames, place: ImagePlace) -> list[str]:
    """Return the names that no image of a place has, as they are listed."""
    folders = dict.fromkeys(os.path.dirname(name) for name in names)
    # Numbers instead of sets of names, which would take gigabytes.
    known = np.fromiter(map(hash, place.existing(folders)), np.int64)
    wanted = np.fromiter(map(hash, names), np.int64, len(names))
    rows = np.flatnonzero(~np.isin(wanted, known))
    return [names[int(row)] for row in rows]
