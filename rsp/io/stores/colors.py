"""Refuse to read colors of a store as bands of its files."""

from typing import Any

import numpy as np

from rsp.errors import UserError
from rsp.io.stores.store import open_store, split_path


def require_same_colors(path: str, chosen: bool, stretch: Any) -> None:
    """Refuse an image that became colors in another way than a loader's.

    Args:
        path: Of an image in a store.
        chosen: Whether the loader chooses bands, whose numbers are those of the file.
        stretch: What becomes 0 and 255 by the loader; None for nothing.

    Raises:
        UserError: If it did, and the store holds no files.
    """
    folder, _ = split_path(path) or ('', '')
    settings = open_store(folder).manifest.settings
    packed = settings['stretch']
    same = packed is None or np.array_equal(packed, stretch)
    if settings['keep'] or (same and not chosen):
        return
    what = "'bands' and 'reflectance'" if chosen else f'stretch={stretch}'
    raise UserError(
        f"expected files for {what} of rsp.LoadImageFromFile, got colors in '{folder}',"
        f' made with stretch={packed}; pack the files with --keep, or take what was '
        'packed: leave these options out.'
    )
