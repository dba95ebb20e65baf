"""Cut DOTA's large images into patches, with every object accounted for."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rsp.datasets.transforms.loader_log import tell
from rsp.errors import UserError, shorten
from rsp.io.images import ColorRule, ImageWindows, open_windows
from rsp.prepare.images import write_image
from rsp.prepare.jobs import run_jobs
from rsp.prepare.progress_log import ProgressLog
from rsp.prepare.tile.dota_settings import Record, Settings
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import CUT_OFF, Label, classes_of, read_labels
from rsp.tasks.common.dota_patches import Patch, seen_shares
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import IMAGE_ENDINGS, pair_files

LOG = 'split.jsonl'


def split_folder(
    images: Path,
    labels: Path | None,
    out: Path,
    settings: Settings,
    scheduler: str | None = None,
    workers: int | None = None,
) -> list[Record]:
    """Cut all images of a folder into patches.

    Writes ``out/images/<image>__<size>__<x>___<y>.png``, with labels also
    ``out/annfiles/<the same>.txt`` (corners in pixels of the patch, no header), and
    ``out/split.jsonl``, by which a run that was interrupted goes on where it stopped.
    In the end the files are counted.

    Args:
        images: Folder of images.
        labels: Folder of DOTA label files; None writes patches without labels.
        out: Folder of the result.
        settings: Windows, padding, least visible share.
        scheduler: See `run_jobs`.
        workers: See `run_jobs`.

    Returns:
        One record per image, sorted by name.

    Raises:
        MissingData: If a folder is missing or empty, or images and labels do not match.
        UserError: If a label is malformed, an image unreadable, or ``out`` holds
            something else. Labels are checked before anything is written.
    """
    sources = _sources(images, labels, settings.version)
    header = dict(asdict(settings), labeled=labels is not None)
    if settings.version == '1.0':
        del header['version']  # As logs of before there were others.
    log = ProgressLog(out / LOG, header, new_folder=True)
    unknown = sorted(log.results.keys() - sources.keys())
    if unknown:
        raise UserError(
            f"'{out}' holds patches of images that are not in '{images}' "
            f'({shorten(unknown)}); remove it or choose another folder.'
        )
    for part in ('images', 'annfiles') if labels else ('images',):
        (out / part).mkdir(parents=True, exist_ok=True)
    jobs = [
        dict(key=name, files=list(map(str, files)), out=str(out), **asdict(settings))
        for name, files in sources.items()
    ]
    results = run_jobs(
        split_image,
        jobs,
        log,
        scheduler=scheduler,
        workers=workers,
        description=f'cutting {images}',
    )
    faults = Faults(images)
    for result in results:
        if 'error' in result:
            faults.add(result['error'])
    faults.refuse()
    records = [Record(**result['record']) for result in results]
    _verify(records, out, settings, labeled=labels is not None)
    return records


def _sources(
    images: Path, labels: Path | None, version: str
) -> dict[str, tuple[Path, ...]]:
    """Match images and labels by name; read all labels to refuse malformed ones."""
    faults = Faults(images.parent)
    folders: list = [(images, IMAGE_ENDINGS)]
    if labels is not None:
        folders.append((labels, ('.txt',)))
    sources = pair_files(folders, faults, option='the folder')
    for _, *texts in sources.values():
        for text in texts:
            read_labels(text, ClassNames(classes_of(version)), faults)
    faults.refuse()
    return sources


def split_image(job: dict[str, Any]) -> dict[str, Any]:
    """Write the patches of one image, see `split_folder`.

    Args:
        job: ``files``: image and, if there is one, label file; ``out``; the settings.

    Returns:
        ``record``: fields of a `Record`.

    Raises:
        UserError: If the image cannot be read or a patch not be written.
    """
    file, *labels = map(Path, job['files'])
    out = Path(job['out'])
    settings = Settings(**{name: job[name] for name in asdict(Settings())})
    with open_windows(file, ColorRule(settings.stretch)) as image:
        height, width = image.shape
        patches = [Patch(file.stem, *w) for w in settings.windows(width, height)]
        for patch in patches:
            target = out / 'images' / f'{patch.name}.png'
            write_image(target, cut(image, patch, settings.padding))
        tell(str(file), image.notes)
    record = Record(file.stem, width, height, len(patches))
    for text in labels:
        faults = Faults(text)
        names = ClassNames(classes_of(settings.version))
        objects = read_labels(text, names, faults)
        faults.refuse()
        _write_labels(objects, patches, out, settings.least_share, record)
    return dict(record=asdict(record))


def cut(image: ImageWindows, patch: Patch, padding: Sequence[int]) -> np.ndarray:
    """Cut a patch out of an image, padded right and below to its size.

    Args:
        image: Image.
        patch: Window.
        padding: Blue, green, red beyond the image.

    Returns:
        Shape (size, size, 3), red, green, blue.
    """
    part = image.read(patch.y, patch.x, patch.size, patch.size)
    if part.shape[:2] == (patch.size, patch.size):
        return part
    padded = np.empty((patch.size, patch.size, 3), dtype=part.dtype)
    padded[...] = padding[::-1]
    padded[: part.shape[0], : part.shape[1]] = part
    return padded


def _write_labels(
    labels: Sequence[Label],
    patches: Sequence[Patch],
    out: Path,
    least_share: float,
    record: Record,
) -> None:
    boxes = np.array([[p.x, p.y, p.x + p.size, p.y + p.size] for p in patches], float)
    polygons = np.array([label.polygon for label in labels], float).reshape(-1, 8)
    shares = seen_shares(polygons, boxes)  # (N, M)
    kept = shares >= least_share
    kept[[label.is_flat for label in labels]] = False
    for number, patch in enumerate(patches):
        rows = np.nonzero(kept[:, number])[0]
        lines = [_line(labels[i], patch, shares[i, number] < 1) for i in rows]
        file = out / 'annfiles' / f'{patch.name}.txt'
        file.write_text(''.join(lines), encoding='utf-8')
    record.objects = len(labels)
    record.kept = int(kept.any(axis=1).sum())
    record.copies = int(kept.sum())
    record.cut_off = int((kept & (shares < 1)).sum())
    for number, label in enumerate(labels):
        if not kept[number].any():
            (record.flat if label.is_flat else record.dropped).append(label.place)


def _line(label: Label, patch: Patch, cut_off: bool) -> str:
    offsets = (patch.x, patch.y) * 4
    # Six decimals: enough to find the original number again, which has one.
    corners = [
        np.format_float_positional(value - offset, precision=6, trim='0')
        for value, offset in zip(label.polygon, offsets, strict=True)
    ]
    return (
        f'{" ".join(corners)} {label.name} {CUT_OFF if cut_off else label.difficult}\n'
    )


def _verify(
    records: Sequence[Record], out: Path, settings: Settings, labeled: bool
) -> None:
    """Compare the files and the sums with the expected ones."""
    expected = {
        Patch(record.image, *window).name
        for record in records
        for window in settings.windows(record.width, record.height)
    }
    parts = [('images', '*.png')] + ([('annfiles', '*.txt')] if labeled else [])
    for part, pattern in parts:
        found = {file.stem for file in (out / part).glob(pattern)}
        if found != expected:
            raise UserError(
                f"expected {len(expected)} files in '{out / part}', got {len(found)}; "
                f'missing: {shorten(sorted(expected - found)) or "none"}, unknown: '
                f'{shorten(sorted(found - expected)) or "none"}; remove the folder '
                'and cut again.'
            )
    for record in records:
        lost = record.objects - record.kept - len(record.dropped) - len(record.flat)
        if lost:
            raise UserError(f'{record.image}: {lost} objects are not accounted for.')
