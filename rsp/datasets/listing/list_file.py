"""Read list files of images, a line for each."""

import os
from array import array
from pathlib import Path

import numpy as np

from rsp.datasets.listing.places import ImagePlace
from rsp.datasets.listing.plain_lines import parse_plain_lines
from rsp.errors import MissingData, UserError
from rsp.io.listing import names_of_file
from rsp.io.stores import PackedNames
from rsp.io.stores.names import encode
from rsp.io.text import byte_portions, decode_lines, foreign_marks

# Lines that take a second to parse.
LONG = 500_000
# Of what is kept of a list file; that of another version is made anew.
VERSION = 1


def read_list_file(
    file: str | Path, with_label: bool
) -> tuple[PackedNames, np.ndarray | None]:
    """Read ``<path> <class number>`` of each line, or a path alone.

    What a long file says is kept in the user's cache until the file's size or time
    changes.

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

    def parse() -> tuple[PackedNames, dict, np.ndarray]:
        names, labels = _parse_lines(file, with_label)
        if not len(names):
            raise UserError(f"expected a line per image in '{file}', it is empty.")
        return names, {}, np.zeros(0, np.int64) if labels is None else labels

    kind = f'list file {VERSION}, labels {with_label}'
    names, _, labels = names_of_file(file, kind, parse, LONG)
    return names, labels if with_label else None


def _parse_lines(
    file: str | Path, with_label: bool
) -> tuple[PackedNames, np.ndarray | None]:
    text, numbers, first = bytearray(), bytearray(), 1
    for portion in byte_portions(file):
        found = parse_plain_lines(portion, with_label)
        if found is None:
            labels = array('q')
            lines = [line.strip() for line in decode_lines(portion, file)]
            names = _parse(file, first, lines, labels if with_label else None)
            text += b''.join(encode(name) + b'\0' for name in names)
            numbers += labels.tobytes()
        else:
            text += found[0]
            numbers += found[1]
        first += portion.count(b'\n')
    packed = PackedNames(np.frombuffer(text, np.uint8))
    return packed, np.frombuffer(numbers, np.int64) if with_label else None


def _parse(
    file: str | Path, first: int, lines: list[str], labels: 'array[int] | None'
) -> list[str]:
    """Return the names of some lines, and append their labels.

    Args:
        file: What to call it.
        first: Number of the first line.
        lines: Without blanks around them; empty ones mean nothing.
        labels: None for lines without.
    """
    names = [line for line in lines if line]
    if labels is not None:
        # Without lists of words: the search for garbage among those takes most time.
        words = [line.rpartition(' ')[2] for line in names]
        names = [line.rpartition(' ')[0].rstrip() for line in names]
        numbers = ''.join(words)
        if '' in names or (words and not (numbers.isdecimal() and numbers.isascii())):
            names, words = _parse_each(file, first, lines)
        try:
            labels.extend(map(int, words))
        except OverflowError:
            raise UserError(
                f"expected labels below 2**63 in '{file}', got "
                f"'{max(words, key=len)}'; number the classes from 0 on."
            ) from None
    text = '\0'.join(names)
    if './' in text or '//' in text or (os.sep != '/' and os.sep in text):
        # As listings of folders have them.
        names = [Path(name).as_posix() for name in names]
    return names


def _parse_each(
    file: str | Path, first: int, lines: list[str]
) -> tuple[list[str], list[str]]:
    """Return names and labels, between which any blanks stand; or refuse a line."""
    names, words = [], []
    for number, line in enumerate(lines, start=first):
        if not line:
            continue
        name, *label = line.rsplit(maxsplit=1)  # By tabs, too.
        if not label or not (label[0].isascii() and label[0].isdecimal()):
            raise UserError(
                f"expected 'path label' with a label of 0 or more in line {number} of "
                f"'{file}', got '{line}'.{foreign_marks([line])}"
            )
        names.append(name)
        words += label
    return names, words


def missing_of(names: PackedNames, place: ImagePlace) -> list[str]:
    """Return the names that no image of a place has, as they are listed."""
    if place.holds(names):
        return []
    # Numbers instead of sets of names, which would take gigabytes.
    known = np.sort(np.fromiter(map(hash, place.existing(names)), np.int64))
    wanted = np.fromiter(map(hash, names), np.int64, len(names))
    # In their order: each is found beside the last one, in the cache of the processor.
    sought = np.sort(wanted)
    places = np.searchsorted(known, sought).clip(max=max(len(known) - 1, 0))
    if len(known) and (known[places] == sought).all():
        return []
    rows = np.flatnonzero(~np.isin(wanted, known))
    return [names[int(row)] for row in rows]
