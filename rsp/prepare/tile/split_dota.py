"""Cut DOTA as it is published, and compare v1.0 with the published counts."""

from collections.abc import Sequence
from pathlib import Path

from rsp.errors import shorten
from rsp.prepare.tile.dota_images import split_folder
from rsp.prepare.tile.dota_settings import Record, Settings

# Images and objects of DOTA-v1.0 by split, https://arxiv.org/abs/2102.12219. With the
# 60,439 of `test`, whose labels are not published, these are the well-known 188,282.
PUBLISHED = {'train': (1411, 98990), 'val': (458, 28853), 'test': (937, 0)}


def split_dota(
    root: Path,
    out: Path,
    splits: Sequence[str] | None,
    settings: Settings,
    scheduler: str | None = None,
    workers: int | None = None,
) -> None:
    """Cut splits of DOTA into patches and print their counts.

    Args:
        root: Folder with ``<split>/images`` and ``<split>/labelTxt``.
        out: Folder for ``<split>/images`` and ``<split>/annfiles``.
        splits: Names of splits; None takes the published ones that are there. Only
            ``test`` may have no labels.
        settings: Windows, padding, least visible share.
        scheduler: See `run_jobs`.
        workers: See `run_jobs`.

    Raises:
        MissingData, UserError: See `split_folder`.
    """
    for name in splits or _present(root):
        labels = root / name / 'labelTxt'
        labeled = labels.is_dir() or name != 'test'
        images = root / name / 'images'
        records = split_folder(
            images,
            labels if labeled else None,
            out / name,
            settings,
            scheduler,
            workers,
        )
        print('\n' + summary(name, records, labeled, settings.version), flush=True)


def _present(root: Path) -> list[str]:
    # `test` is a download of its own that many do without.
    present = [name for name in PUBLISHED if (root / name / 'images').is_dir()]
    missing = [name for name in PUBLISHED if name not in present]
    if present and missing:
        print(f"left out, as not in '{root}': {', '.join(missing)}", flush=True)
    return present or [*PUBLISHED]


def summary(
    name: str, records: Sequence[Record], labeled: bool, version: str = '1.0'
) -> str:
    """Describe a split: its patches, kept and dropped objects, published counts."""
    images, objects = len(records), sum(r.objects for r in records)
    lines = [f'{name}: {images} images, {sum(r.patches for r in records)} patches']
    if labeled:
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
    if version == '1.0' and (images, objects if labeled else 0) != expected:
        lines.append(
            f'  NOTE: DOTA-v1.0 has {expected[0]} images'
            + (f' and {expected[1]} objects' if labeled and expected[1] else '')
            + f' in {name}; this is not the whole of it, or another release.'
        )
    return '\n'.join(lines)


def _named(places: Sequence[str]) -> str:
    return f' ({shorten(sorted(places))})' if places else ''
