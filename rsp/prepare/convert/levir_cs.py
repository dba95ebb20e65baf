"""Convert the scenes of Levir_CS to 8-bit color images with masks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from rsp.errors import UserError
from rsp.io.files import entries_of
from rsp.io.images import read_stored
from rsp.prepare.convert.manifest import Manifest, refuse_missing

PUBLISHED = dict(train=3068, test=1100)
# Bands of the wide-field camera are blue, green, red, near infrared; the authors of the
# data set clip at 1023 and scale by it.
BRIGHTEST = 1023
IMAGE, MASK = '_mss.tiff', '_roiMap.tif'


def convert(
    source: Path,
    out: Path,
    partial: bool = False,
    report: Callable[[str], None] = print,
) -> dict[str, int]:
    """Write red, green and blue of every scene as PNG, and its mask.

    Args:
        source: Unpacked folder with ``{train,test}/mss/<scene>_mss.tiff``, 16 bit and
            four bands, and ``{train,test}/label_0_1_2/<scene>_roiMap.tif``. These names
            are those of the file lists in the authors' repository.
        out: Folder for ``img_dir`` and ``ann_dir``.
        partial: Whether a part of the published data will do.
        report: Takes a line of progress.

    Returns:
        Scenes by split.

    Raises:
        MissingData: If a folder or a mask is missing.
        UserError: If a scene has no four bands, or scenes are not as many as
            published.
    """
    splits = [split for split in PUBLISHED if (source / split / 'mss').is_dir()]
    missing = [f'{split}/mss' for split in PUBLISHED if split not in splits]
    refuse_missing('Levir_CS', source, missing, partial and bool(splits))
    manifest = Manifest('Levir_CS', out)
    for split in splits:
        pairs = _pairs(source / split)
        for scene, (image, mask) in pairs.items():
            manifest.write(f'img_dir/{split}', f'{scene}.png', _red_green_blue(image))
            manifest.write(f'ann_dir/{split}', f'{scene}.png', _read_mask(mask))
        report(f'{split}: {len(pairs)} scenes')
    return manifest.finish(None if partial else PUBLISHED, report)


def _pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    images = [f for f in entries_of(folder / 'mss') if f.name.endswith(IMAGE)]
    scenes = [image.name.removesuffix(IMAGE) for image in images]
    masks = [folder / 'label_0_1_2' / f'{scene}{MASK}' for scene in scenes]
    missing = [str(mask) for mask in masks if not mask.is_file()]
    refuse_missing('Levir_CS', folder, missing if images else [f'mss/*{IMAGE}'])
    return dict(zip(scenes, zip(images, masks, strict=True), strict=True))


def _red_green_blue(file: Path) -> np.ndarray:
    bands = read_stored(file)
    if bands.ndim != 3 or bands.shape[2] != 4:
        raise UserError(
            f"expected four bands in '{file}', got an array of shape {bands.shape}."
        )
    scaled = np.clip(bands[..., 2::-1], 0, BRIGHTEST) * (255 / BRIGHTEST)
    return np.rint(scaled).astype(np.uint8)


def _read_mask(file: Path) -> np.ndarray:
    mask = read_stored(file)
    if mask.ndim != 2:
        raise UserError(f"expected a mask of one band in '{file}'.")
    return mask
