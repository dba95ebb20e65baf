"""Choose the bands that are red, green and blue."""

import re
from collections.abc import Sequence

# Names in files, or the numbers of Sentinel-2.
NAMES = dict(red=r'red|r|b0?4', green=r'green|g|b0?3', blue=r'blue|b|b0?2')
# Bands of all Sentinel-2 levels begin B1, B2, B3, B4.
SENTINEL2 = (12, 13)


def display_bands(
    meanings: Sequence[str], descriptions: Sequence[str | None]
) -> tuple[list[int], bool]:
    """Choose the bands to show, and to train on where a method takes three.

    By the color interpretation of the file, else by the names of its bands. Without
    both, 12 or 13 bands are taken for Sentinel-2; of others the first three are taken,
    or the first.

    Args:
        meanings: Color interpretation of each band, as GDAL names it in lower case.
        descriptions: Name of each band, None where it has none.

    Returns:
        Numbers, from 1, of red, green and blue; and True if the file declares them.
    """
    if {'red', 'green', 'blue'} <= set(meanings):
        return [meanings.index(color) + 1 for color in ('red', 'green', 'blue')], True
    found = {
        color: number
        for number, name in reversed([*enumerate(descriptions, start=1)])
        for color, pattern in NAMES.items()
        if name and re.fullmatch(pattern, name.strip(), re.IGNORECASE)
    }
    if len(found) == 3:
        return [found[color] for color in ('red', 'green', 'blue')], True
    if len(meanings) in SENTINEL2:
        return [4, 3, 2], False
    return ([1, 2, 3], False) if len(meanings) >= 3 else ([1, 1, 1], len(meanings) == 1)
