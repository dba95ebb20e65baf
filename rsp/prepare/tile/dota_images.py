"""DOTA's large images cut into patches, with every object accounted for."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rsp.errors import MissingData, UserError, shorten
from rsp.prepare.tile.dota_progress_log import Record, Settings, append, open_journal
from rsp.tasks.oriented_detection.labels import (
    Label,
    list_images,
    read_labels,
    refuse,
    refuse_unpaired,
)
from rsp.tasks.oriented_detection.patches import Patch, seen_shares

# Difficulty that mmrotate's patches give to objects cut off by their border.
CUT_OFF = 2


def split_folder(
    images: Path,
    labels: Path | None,
    out: Path,
    classes: Sequence[str],
    settings: Settings,
    threads: int = 1,
    progress: Callable[[int, int], Any] | None = None,
) -> list[Record]:
    """Cut all images of a folder into patches.

    Writes ``out/images/<image>__<size>__<x>___<y>.png``, with labels also
    ``out/annfiles/<the same>.txt`` (corners in pixels of the patch, no header), and
    ``out/split.jsonl``: the settings, then a record of each finished image. A run that
    was interrupted goes on where it stopped. In the end the files are counted.

    Args:
        images: Folder of images.
        labels: Folder of DOTA label files; None writes patches without labels.
        out: Folder of the result.
        classes: Known classes.
        settings: How to cut.
        threads: Images cut at a time; decoding and encoding run without Python's lock.
        progress: Called with the number of finished images and of all images.

    Returns:
        One record per image, sorted by name.

    Raises:
        FileNotFoundError: If a folder is missing or empty.
        ValueError: If a label is malformed, an image unreadable or without labels, or
            ``out`` holds something else. Labels are checked before anything is written.
    """
    sources = list_images(images)
    objects = _read_all(labels, sources, classes) if labels else None
    records = {r.image: r for r in open_journal(out, settings, objects is not None)}
    strangers = records.keys() - sources.keys()
    if strangers:
        raise UserError(
            f"'{out}' holds patches of images that are not in '{images}' "
            f'({shorten(sorted(strangers))}); remove it or choose another folder.'
        )
    waiting = [file for name, file in sources.items() if name not in records]
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        jobs = [
            pool.submit(
                split_image,
                f,
                None if objects is None else objects[f.stem],
                out,
                settings,
            )
            for f in waiting
        ]
        try:
            for job in as_completed(jobs):
                record = job.result()
                append(out, asdict(record))
                records[record.image] = record
                if progress:
                    progress(len(records), len(sources))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    result = [records[name] for name in sorted(records)]
    _verify(result, out, settings, labelled=objects is not None)
    return result


def split_image(
    file: Path, labels: Sequence[Label] | None, out: Path, settings: Settings
) -> Record:
    """Write the patches of one image, see `split_folder`.

    Raises:
        ValueError: If the image cannot be read or a patch not be written.
    """
    pixels = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if pixels is None:
        raise UserError(f"cannot read '{file}' as an image; repair or remove it.")
    height, width = pixels.shape[:2]
    patches = [Patch(file.stem, *w) for w in settings.windows(width, height)]
    for patch in patches:
        target = out / 'images' / f'{patch.name}.png'
        if not cv2.imwrite(str(target), cut(pixels, patch, settings.padding)):
            raise UserError(f"cannot write '{target}'; is the disk full?")
    record = Record(file.stem, width, height, len(patches))
    if labels is not None:
        _write_labels(labels, patches, out, settings.least_share, record)
    return record


def cut(pixels: np.ndarray, patch: Patch, padding: Sequence[int]) -> np.ndarray:
    """What a patch shows of an image, padded right and below to its size.

    Args:
        pixels: Image, shape (H, W, 3).
        patch: Window.
        padding: Value of each channel beyond the image.

    Returns:
        Shape (size, size, 3).
    """
    part = pixels[patch.y : patch.y + patch.size, patch.x : patch.x + patch.size]
    if part.shape[:2] == (patch.size, patch.size):
        return part
    padded = np.empty((patch.size, patch.size, 3), dtype=pixels.dtype)
    padded[...] = padding
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


def _read_all(
    folder: Path, sources: dict[str, Path], classes: Sequence[str]
) -> dict[str, list[Label]]:
    if not folder.is_dir():
        raise MissingData(f"expected a folder of labels at '{folder}', none there.")
    files = {file.stem: file for file in sorted(folder.glob('*.txt'))}
    refuse_unpaired(sources, files, str(folder))
    labels: dict[str, list[Label]] = {}
    problems: list[str] = []
    for name, file in files.items():
        labels[name], found = read_labels(file, classes)
        problems += found
    refuse(problems, 'repair or remove these lines')
    return labels


def _verify(
    records: Sequence[Record], out: Path, settings: Settings, labelled: bool
) -> None:
    """Compare what lies on the disk, and the sums, with what should."""
    expected = {
        Patch(record.image, *window).name
        for record in records
        for window in settings.windows(record.width, record.height)
    }
    parts = [('images', '*.png')] + ([('annfiles', '*.txt')] if labelled else [])
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
