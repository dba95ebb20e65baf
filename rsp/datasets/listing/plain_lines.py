"""Parse the lines of a list file by the million."""

import numpy as np
from numpy.typing import NDArray

# Digits of a label that any number of 64 bits has room for.
DIGITS = 18
NEWLINE, BLANK, DOT, SLASH, ZERO = b'\n ./0'


def parse_plain_lines(content: bytes, with_label: bool) -> tuple[bytes, bytes] | None:
    """Parse lines of ``<path> <number>``, or of paths, without an object for each.

    Args:
        content: Whole lines.
        with_label: Whether lines end by a number.

    Returns:
        Paths, each ended by a zero byte, and their numbers, int64. None if any line is
        not plain, and has to be looked at: other letters than those of ASCII, several
        blanks in a row or at an end, empty lines, paths to be shortened, large numbers.
    """
    content = content if content.endswith(b'\n') else content + b'\n'
    if not content.isascii() or b'\\' in content:
        return None
    letters: NDArray[np.uint8] = np.frombuffer(content, np.uint8).copy()
    ends = np.flatnonzero(letters == NEWLINE)
    if np.count_nonzero(letters < BLANK) > len(ends):  # Tabs, and what is worse.
        return None
    blanks = np.flatnonzero(letters == BLANK)
    # Behind one of these, or at the beginning, neither a blank nor a line ends.
    edges = np.concatenate([letters[:1], letters[ends[:-1] + 1], letters[blanks + 1]])
    slashes = np.flatnonzero(letters == SLASH)
    before = letters[slashes - 1]
    if (edges <= BLANK).any() or ((before == DOT) | (before == SLASH)).any():
        return None
    if not with_label:
        letters[ends] = 0
        return letters.tobytes(), b''
    places = np.searchsorted(blanks, ends) - 1
    if not len(blanks) or places[0] < 0 or (np.diff(places) <= 0).any():
        return None  # A line without a blank.
    middles = blanks[places]
    numbers = _numbers(letters, middles, ends)
    if numbers is None:
        return None
    letters[middles] = 0
    # Goes on after a middle, where the next line begins.
    steps = np.zeros(len(letters) + 1, np.int8)
    steps[middles + 1] -= 1
    steps[ends + 1] += 1
    kept = 1 + np.cumsum(steps[:-1], dtype=np.int8)
    return letters[kept.view(bool)].tobytes(), numbers.tobytes()


def _numbers(
    letters: NDArray[np.uint8], middles: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return the numbers between some places, which have digits alone; or None."""
    lengths = ends - middles - 1
    if lengths.max() > DIGITS:
        return None
    numbers = np.zeros(len(ends), np.int64)
    for place in range(int(lengths.max())):
        has = lengths > place
        digits = letters[(ends - 1 - place)[has]] - np.uint8(ZERO)  # Wraps below.
        if (digits > 9).any():
            return None
        numbers[has] += digits.astype(np.int64) * 10**place
    return numbers
