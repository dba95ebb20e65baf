"""Label files of land cover, by tools/dataset_tools/make_land_cover_labels.py."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import scenes
from digests import digest, numbers_in
from scripts import run_script


def make(folder: Path, land_cover: Path, out: Path, *options: object) -> Path:
    """Label the scenes of a folder; the class map is told by its official file names.

    Returns:
        The label file.
    """
    run_script(
        'dataset_tools/make_land_cover_labels.py',
        folder,
        land_cover,
        out,
        '--no-map',
        '--workers',
        0,
        *options,
    )
    return out / 'labels.jsonl'


def measure(folder: Path) -> dict[str, Any]:
    """Label whole scenes, and windows of them."""
    made = scenes.make(folder)
    land_cover = made.globeland30[0].parent
    grid = ('--crop-size', 64, '--stride', 48)
    return dict(
        whole=_numbers_of(make(made.scenes, land_cover, folder / 'whole')),
        windows=_numbers_of(make(made.scenes, land_cover, folder / 'windows', *grid)),
    )


def _numbers_of(file: Path) -> dict[str, Any]:
    """Return the numbers of a label file, whatever its keys and classes are called.

    Returns:
        Lines; a digest of each line's numbers, sorted, in the order of lines; and what
        the numbers of each nested key, which are the classes, add up to, sorted.
    """
    lines = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    totals: Counter[str] = Counter()
    for line in lines:
        for entry in line.values():
            if isinstance(entry, dict):
                totals.update(entry)
    return dict(
        lines=len(lines),
        numbers=digest(' '.join(numbers_in(line)) for line in lines),
        totals=[f'{total:.9g}' for total in sorted(totals.values())],
    )
