"""What a converter of data sets promises about its result."""

from collections.abc import Mapping
from pathlib import Path

from rsp.errors import UserError


def check_folders(out: Path, written: Mapping[str, set[str]]) -> None:
    """Compare the folders of a conversion with what was just written to them.

    Args:
        out: Folder of the converted data set.
        written: Names of files by folder, e.g. ``img_dir/train``.

    Raises:
        UserError: If other files lie there, from an earlier run with other settings.
    """
    for folder, names in written.items():
        strangers = sorted(f.name for f in (out / folder).iterdir()) if names else []
        strangers = [name for name in strangers if name not in names]
        if strangers:
            raise UserError(
                f'expected only the {len(names)} files of this conversion in '
                f"'{out / folder}', got also {len(strangers)} others, such as "
                f'{", ".join(strangers[:3])}; remove the folder and convert again.'
            )


def check_counts(
    name: str, counts: Mapping[str, int], published: Mapping[str, int]
) -> str:
    """Compare numbers of tiles with the published ones.

    Args:
        name: Of the data set.
        counts: Tiles by split.
        published: Those of the literature.

    Returns:
        A line that says what was made.

    Raises:
        UserError: If a number differs.
    """
    wrong = [
        f'{split}: expected {number}, got {counts.get(split, 0)}'
        for split, number in published.items()
        if counts.get(split, 0) != number
    ]
    if wrong:
        raise UserError(
            f'the tiles of {name} are not as many as published ({"; ".join(wrong)}); '
            'is the download complete?'
        )
    listed = ', '.join(f'{number} {split}' for split, number in published.items())
    return f'{name}: {listed}, as published.'


def shorten(names: list[str], shown: int = 8) -> str:
    """Join names, the first few of many."""
    more = len(names) - shown
    return ', '.join(names[:shown]) + (f', ... {more} more' if more > 0 else '')
