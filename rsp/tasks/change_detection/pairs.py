"""Match two folders of dates and one of masks."""

from pathlib import Path
from typing import NamedTuple

from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import IMAGE_ENDINGS, pair_files


class Pair(NamedTuple):
    """Name the files of one place.

    Attributes:
        first: Image of the earlier date.
        second: Image of the later date.
        mask: Mask of what changed.
    """

    first: Path
    second: Path
    mask: Path


def find_pairs(
    first: str | Path, second: str | Path, masks: str | Path, ann_file: str = ''
) -> list[Pair]:
    """Match the files of three folders by their names without ending.

    Args:
        first: Folder of the earlier date.
        second: Folder of the later date.
        masks: Folder of the masks.
        ann_file: List of the wanted names; empty takes all.

    Returns:
        Pairs, sorted by name.

    Raises:
        MissingData: If a folder is missing or empty, or a file has no partner; the
            message names the files.
        UserError: If two files of a folder share a name, or a name comes twice.
    """
    faults = Faults(ann_file or Path(first).parent)
    folders = [(Path(folder), IMAGE_ENDINGS) for folder in (first, second, masks)]
    pairs = pair_files(folders, faults, ann_file)
    faults.refuse()
    return [Pair(*pairs[name]) for name in sorted(pairs)]
