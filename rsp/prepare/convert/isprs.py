"""Cutting the scenes of Potsdam and Vaihingen into tiles with class numbers."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from rsp.errors import MissingData, UserError
from rsp.ops.tiling import tile_offsets
from rsp.prepare.convert.archives import Reader, list_files
from rsp.prepare.convert.isprs_scenes import COLORS, VAIHINGEN, Benchmark
from rsp.prepare.convert.manifest import check_counts, check_folders, shorten


def colors_to_gray(label: np.ndarray) -> tuple[np.ndarray, dict[tuple, int]]:
    """Replace the colors of a label image by class numbers.

    Args:
        label: RGB, shape (H, W, 3), uint8.

    Returns:
        Numbers of shape (H, W), uint8, 0 (ignored) where the color is unknown; and
        how often each unknown color occurs.
    """
    codes = label.astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    gray = np.zeros(codes.shape, np.uint8)
    known = np.zeros(codes.shape, bool)
    for value, (red, green, blue) in enumerate(COLORS):
        hit = codes == red * 65536 + green * 256 + blue
        gray[hit] = value
        known |= hit
    values, counts = np.unique(codes[~known], return_counts=True)
    unknown = {
        (int(v) >> 16, int(v) >> 8 & 255, int(v) & 255): int(n)
        for v, n in zip(values, counts, strict=True)
    }
    return gray, unknown


def convert(
    benchmark: Benchmark,
    source: Path,
    out: Path,
    size: int = 512,
    stride: int = 512,
    ignore_unknown: bool = False,
    partial: bool = False,
    report: Callable[[str], None] = print,
) -> dict[str, int]:
    """Write the tiles of all scenes, named as mmsegmentation's converter names them.

    That converter's ``--stride_size`` of 256 never was a stride: its tiles begin every
    512 px, and the last one of a row ends at the border. Only so the published numbers
    of tiles come out, and so it is done here. It turns unknown colors into ignored
    pixels without a word, puts scenes it does not know into ``val``, and mixes two
    colors up whose weighted sums agree.

    Args:
        benchmark: `POTSDAM` or `VAIHINGEN`.
        source: Folder of the download, zip archives or unpacked.
        out: Folder for ``img_dir`` and ``ann_dir``.
        size: Edge of a tile, pixels.
        stride: Pixels between tiles; the last ones end at the border.
        ignore_unknown: Whether pixels of unknown color are ignored instead of refused.
        partial: Whether missing scenes are left out instead of refused.
        report: Takes a line of progress.

    Returns:
        Tiles by split.

    Raises:
        MissingData: With the names of all missing files.
        UserError: If a file cannot be read, a label holds unknown colors, sizes
            differ, or the number of tiles is not the published one.
    """
    found = _find(benchmark, source, partial, report)
    written: dict[str, set[str]] = {}
    for split, scenes in benchmark.splits.items():
        written |= {f'{kind}/{split}': set() for kind in ('img_dir', 'ann_dir')}
        for scene in (s for s in scenes if s in found):
            image, label = (_decode(name, read) for name, read in found[scene])
            names = [name for name, _ in found[scene]]
            if image.shape != label.shape:
                raise UserError(
                    f"expected '{names[1]}' to have the size of '{names[0]}', "
                    f'{image.shape[:2]}, got {label.shape[:2]}.'
                )
            gray = _known(names[1], label, ignore_unknown, report)
            stem = f'area{scene}' if benchmark is VAIHINGEN else scene
            for kind, pixels in (('img_dir', image[..., ::-1]), ('ann_dir', gray)):
                folder = f'{kind}/{split}'
                written[folder] |= _cut(pixels, out / folder, stem, size, stride)
            report(f'{names[0]}: {len(written[f"img_dir/{split}"])} tiles of {split}')
    check_folders(out, written)
    counts = {split: len(written[f'img_dir/{split}']) for split in benchmark.splits}
    if (size, stride, partial) == (512, 512, False):
        report(check_counts(benchmark.name, counts, benchmark.published))
    return counts


def _find(
    benchmark: Benchmark, source: Path, partial: bool, report: Callable[[str], None]
) -> dict[str, list[tuple[str, Reader]]]:
    """Image and label of every scene of the splits."""
    files: dict[str, list[tuple[str, Reader]]] = {}
    for name, read in list_files(source).items():
        *folders, last = name.split('/')
        if not set(folders) & set(benchmark.excluded):
            files.setdefault(last, []).append((name, read))
    found, missing = {}, []
    for scene in (s for scenes in benchmark.splits.values() for s in scenes):
        pair = [benchmark.image.format(scene), benchmark.label.format(scene)]
        missing += [name for name in pair if name not in files]
        for name in (n for n in pair if len(files.get(n, [])) > 1):
            places = [place for place, _ in files[name]]
            raise UserError(f'expected {name} once, got {shorten(places)}.')
        if all(name in files for name in pair):
            found[scene] = [files[name][0] for name in pair]
    if missing and not (partial and found):
        raise MissingData(
            f"{len(missing)} files of {benchmark.name} are missing in '{source}', "
            f'also in its zip archives: {shorten(missing)}.'
        )
    if missing:
        report(f'left out for lack of {len(missing)} files: {shorten(missing)}')
    _report_strangers(benchmark, files, report)
    return found


def _report_strangers(
    benchmark: Benchmark, files: dict, report: Callable[[str], None]
) -> None:
    """Name scenes that are in no split, which mmseg's converter takes for val."""
    pattern = re.escape(benchmark.image).replace(r'\{\}', r'(\d+(?:_\d+)?)')
    scenes = {m[1] for m in (re.fullmatch(pattern, name) for name in files) if m}
    others = sorted(scenes - {s for v in benchmark.splits.values() for s in v})
    if others:
        report(f'in no split of mmsegmentation, left out: {shorten(others)}')


def _decode(name: str, read: Reader) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(read(), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise UserError(f"cannot read '{name}' as an image; download it again.")
    return pixels[..., ::-1]


def _known(
    name: str, label: np.ndarray, ignore: bool, report: Callable[[str], None]
) -> np.ndarray:
    gray, unknown = colors_to_gray(label)
    if unknown:
        often = sorted(unknown.items(), key=lambda item: -item[1])
        shown = shorten([f'{color} in {n} pixels' for color, n in often], 4)
        what = f"'{name}' holds {len(unknown)} colors that mean no class: {shown}"
        if not ignore:
            raise UserError(
                f'{what}; repair it, or ignore such pixels by --ignore-unknown.'
            )
        report(f'{what}; ignored.')
    return gray


def _cut(
    pixels: np.ndarray, folder: Path, stem: str, size: int, stride: int
) -> set[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = set()
    for x, y in _corners(pixels.shape, size, stride):
        name = f'{stem}_{x}_{y}_{x + size}_{y + size}.png'
        cv2.imwrite(str(folder / name), pixels[y : y + size, x : x + size])
        names.add(name)
    return names


def _corners(
    shape: tuple[int, ...], size: int, stride: int
) -> Iterator[tuple[int, int]]:
    for y in tile_offsets(shape[0], size, stride):
        for x in tile_offsets(shape[1], size, stride):
            yield x, y
