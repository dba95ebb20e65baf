"""Keep millions of names in two arrays."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from rsp.errors import UserError

# Names that are Python objects at a time: those of a data set are never all of them.
PORTION = 2**16


class PackedNames(Sequence[str]):
    r"""Store names one after another, each ended by a zero byte.

    A list of ten million paths takes 1 GB in every process that counts its references,
    as workers of a data loader do; this takes the letters and 8 bytes a name, and
    forked workers share it.

    Args:
        text: Names in UTF-8, each followed by ``\0``, uint8, shape (bytes,).
    """

    def __init__(self, text: NDArray[np.uint8]) -> None:
        self.text = text
        self.ends: NDArray[np.int64] = np.flatnonzero(text == 0)
        # Of which a few letters come much faster than of arrays.
        self._letters, self._stops = text.data, self.ends.data
        self._file: tuple[Path, tuple[int, int]] | None = None

    @classmethod
    def of(cls, names: Iterable[str]) -> PackedNames:
        """Pack names, which may be any that a file can have."""
        text, left = bytearray(), iter(names)
        while portion := [*islice(left, PORTION)]:
            text += encode('\0'.join(portion)) + b'\0'
        return cls(np.frombuffer(text, np.uint8))

    @classmethod
    def of_encoded(cls, names: Sequence[bytes]) -> PackedNames:
        """Pack names as `encode` gives them."""
        text = b'\0'.join(names) + b'\0' if names else b''
        return cls(np.frombuffer(text, np.uint8))

    @classmethod
    def load(cls, file: Path, stamp: tuple[int, int] | None = None) -> PackedNames:
        """Map a file that `save` wrote.

        Args:
            file: The file.
            stamp: Size and time that it must have.

        Raises:
            UserError: If it has others.
        """
        facts = file.stat()
        found = facts.st_size, facts.st_mtime_ns
        if stamp not in (None, found):
            raise UserError(
                f"expected '{file}' as it was when the data set was made, it has "
                'changed meanwhile; start again.'
            )
        if not facts.st_size:  # Nothing cannot be mapped.
            return cls(np.zeros(0, np.uint8))
        names = cls(np.asarray(np.memmap(file, np.uint8, 'r')))
        names._file = file, found
        return names

    def save(self, file: Path) -> None:
        """Write the names; zero bytes end each, as ``find -print0`` writes them."""
        with file.open('wb') as opened:
            opened.write(self.text.data)

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> PackedNames: ...

    def __getitem__(self, index: int | slice) -> str | PackedNames:
        """Return a name, or some of them packed."""
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return decode(self.encoded(range(len(self))[index]))

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), PORTION):
            last = min(first + PORTION, len(self)) - 1
            text = self.text[self._start(first) : self.ends[last]]
            yield from decode(text.tobytes()).split('\0')

    def encoded(self, index: int) -> bytes:
        """Return a name as it is stored."""
        start = self._stops[index - 1] + 1 if index else 0
        return self._letters[start : self._stops[index]].tobytes()

    def take(self, indices: NDArray[np.integer]) -> PackedNames:
        """Return the names of some places, in that order."""
        text = bytearray()
        for first in range(0, len(indices), PORTION):
            rows = np.asarray(indices[first : first + PORTION], np.int64)
            starts = np.where(rows > 0, self.ends[rows - 1] + 1, 0)
            lengths = self.ends[rows] + 1 - starts
            shifts = starts - (np.cumsum(lengths) - lengths)
            letters = np.arange(lengths.sum()) + np.repeat(shifts, lengths)
            text += self.text[letters].tobytes()
        return PackedNames(np.frombuffer(text, np.uint8))

    def between(self, first: int, last: int) -> PackedNames:
        """Return the names of a range of places, which share the letters."""
        if (first, last) == (0, len(self)):
            return self
        return PackedNames(self.text[self._start(first) : self._start(last)])

    def below(self, folder: str) -> tuple[int, int]:
        """Return the range of places of sorted names that lie in a folder."""
        # A slash comes right before a zero.
        first, last = encode(folder + '/'), encode(folder + '0')
        places = range(len(self))
        return (
            bisect_left(places, first, key=self.encoded),
            bisect_left(places, last, key=self.encoded),
        )

    def shortened(self, letters: int) -> PackedNames:
        """Return the names without their first bytes."""
        text = bytearray()
        for first in range(0, len(self), PORTION):
            part = self.between(first, min(first + PORTION, len(self)))
            starts = np.concatenate([[0], part.ends[:-1] + 1])
            kept = np.ones(len(part.text), bool)
            kept[starts[:, None] + np.arange(letters)] = False
            text += part.text[kept].tobytes()
        return PackedNames(np.frombuffer(text, np.uint8))

    def find(self, name: str) -> int | None:
        """Return the place of a name among sorted ones; None if it is not there."""
        wanted = encode(name)
        row = bisect_left(range(len(self)), wanted, key=self.encoded)
        found = row < len(self) and self.encoded(row) == wanted
        return row if found else None

    def __reduce__(self) -> tuple:
        # A mapped file travels by its name, also to workers that are not forked.
        if self._file is not None:
            return PackedNames.load, self._file
        return PackedNames, (self.text,)

    def _start(self, index: int) -> int:
        return int(self.ends[index - 1]) + 1 if index else 0


def encode(name: str) -> bytes:
    """Encode a name as files have it; its order is that of its bytes."""
    return name.encode('utf-8', 'surrogateescape')


def decode(name: bytes) -> str:
    """Undo `encode`."""
    return name.decode('utf-8', 'surrogateescape')
