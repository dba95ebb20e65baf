"""Cut the scenes of Potsdam and Vaihingen into tiles with class numbers."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rsp.errors import BrokenFile, UserError, shorten
from rsp.io.images import read_pixels
from rsp.ops.tiling import tile_corners
from rsp.prepare.convert.archives import Reader, list_files
from rsp.prepare.convert.isprs_scenes import COLORS, VAIHINGEN, Benchmark
from rsp.prepare.convert.manifest import SHOWN, Manifest, refuse_missing
from rsp.tasks.common.masks import colors_to_labels


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
    manifest = Manifest(benchmark.name, out)
    for split, scenes in benchmark.splits.items():
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
            for top, left in tile_corners(gray.shape, size, stride):
                name = f'{stem}_{left}_{top}_{left + size}_{top + size}.png'
                here = slice(top, top + size), slice(left, left + size)
                manifest.write(f'img_dir/{split}', name, image[here])
                manifest.write(f'ann_dir/{split}', name, gray[here])
            tiles = len(manifest.files[f'img_dir/{split}'])
            report(f'{names[0]}: {tiles} tiles of {split}')
    as_published = (size, stride, partial) == (512, 512, False)
    return manifest.finish(benchmark.published if as_published else None, report)


def _find(
    benchmark: Benchmark, source: Path, partial: bool, report: Callable[[str], None]
) -> dict[str, list[tuple[str, Reader]]]:
    """Find image and label of every scene of the splits."""
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
    refuse_missing(benchmark.name, source, missing, partial and bool(found))
    if missing:
        listed = shorten(missing, SHOWN)
        report(f'left out for lack of {len(missing)} files: {listed}')
    _report_unknown_scenes(benchmark, files, report)
    return found


def _report_unknown_scenes(
    benchmark: Benchmark, files: dict, report: Callable[[str], None]
) -> None:
    """Name scenes that are in no split, which mmseg's converter takes for val."""
    pattern = re.escape(benchmark.image).replace(r'\{\}', r'(\d+(?:_\d+)?)')
    scenes = {m[1] for m in (re.fullmatch(pattern, name) for name in files) if m}
    others = sorted(scenes - {s for v in benchmark.splits.values() for s in v})
    if others:
        report(f'in no split of mmsegmentation, left out: {shorten(others, SHOWN)}')


def _decode(name: str, read: Reader) -> np.ndarray:
    try:
        return read_pixels(name, content=read())
    except BrokenFile as error:
        raise UserError(
            f"cannot read '{name}' as an image ({error.reason}); download it again."
        ) from error


def _known(
    name: str, label: np.ndarray, ignore: bool, report: Callable[[str], None]
) -> np.ndarray:
    numbers = {color: number for number, color in enumerate(COLORS)}
    gray, unknown = colors_to_labels(label, numbers)
    if unknown:
        listed = [f'{color} in {n} pixels' for color, n in unknown.items()]
        shown = shorten(listed, 4)
        what = f"'{name}' holds {len(unknown)} colors that mean no class: {shown}"
        if not ignore:
            raise UserError(
                f'{what}; repair it, or ignore such pixels by --ignore-unknown.'
            )
        report(f'{what}; ignored.')
    return gray
