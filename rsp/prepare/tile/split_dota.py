"""DOTA-v1.0 as it is published: folders, classes, counts."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.utils import ProgressBar

from rsp.errors import shorten
from rsp.prepare.tile.dota_images import split_folder
from rsp.prepare.tile.dota_progress_log import Record, Settings

CLASSES = (
    'plane',
    'baseball-diamond',
    'bridge',
    'ground-track-field',
    'small-vehicle',
    'large-vehicle',
    'ship',
    'tennis-court',
    'basketball-court',
    'storage-tank',
    'soccer-ball-field',
    'roundabout',
    'harbor',
    'swimming-pool',
    'helicopter',
)
# Images and objects of DOTA-v1.0 by split, https://arxiv.org/abs/2102.12219. With the
# 60,439 of `test`, whose labels are not published, these are the well-known 188,282.
PUBLISHED = {'train': (1411, 98990), 'val': (458, 28853), 'test': (937, 0)}


def split(
    root: Path, out: Path, splits: Sequence[str], settings: Settings, threads: int
) -> None:
    """Cut splits of DOTA into patches and print what became of them.

    Args:
        root: Folder with ``<split>/images`` and ``<split>/labelTxt``.
        out: Folder for ``<split>/images`` and ``<split>/annfiles``.
        splits: Names of splits. Only ``test`` may have no labels.
        settings: How to cut.
        threads: Images cut at a time.

    Raises:
        FileNotFoundError, ValueError: See `splitting.split_folder`.
    """
    for name in splits:
        labels = root / name / 'labelTxt'
        labelled = labels.is_dir() or name != 'test'
        records = split_folder(
            root / name / 'images',
            labels if labelled else None,
            out / name,
            CLASSES,
            settings,
            threads,
            _progress(name),
        )
        print('\n' + summary(name, records, labelled), flush=True)


def summary(name: str, records: Sequence[Record], labelled: bool) -> str:
    """What a split holds and what became of its objects, beside what was published."""
    images, objects = len(records), sum(r.objects for r in records)
    lines = [f'{name}: {images} images, {sum(r.patches for r in records)} patches']
    if labelled:
        dropped = [f'{r.image} {place}' for r in records for place in r.dropped]
        flat = [f'{r.image} {place}' for r in records for place in r.flat]
        lines += [
            f'  {objects} objects = {sum(r.kept for r in records)} kept '
            f'+ {len(dropped)} dropped, since no patch shows enough of them'
            f'{_named(dropped)} + {len(flat)} without area{_named(flat)}',
            f'  {sum(r.copies for r in records)} labels in patches, '
            f'{sum(r.cut_off for r in records)} of them cut off by a border; '
            f'{sum(not r.objects for r in records)} images without objects',
        ]
    expected = PUBLISHED.get(name, (images, objects))
    if (images, objects if labelled else 0) != expected:
        lines.append(
            f'  NOTE: DOTA-v1.0 has {expected[0]} images'
            + (f' and {expected[1]} objects' if labelled and expected[1] else '')
            + f' in {name}; this is not the whole of it, or another release.'
        )
    return '\n'.join(lines)


def _named(places: Sequence[str]) -> str:
    return f' ({shorten(sorted(places))})' if places else ''


def _progress(name: str) -> Callable[[int, int], None]:
    """Progress on the terminal, from wherever an earlier run stopped."""
    bar: list[ProgressBar] = []

    def show(done: int, total: int) -> None:
        if not bar:
            print(f'{name}: {total} images, {done - 1} of them finished before')
            bar.append(ProgressBar(total - done + 1, file=sys.stdout))
        bar[0].update()

    return show
