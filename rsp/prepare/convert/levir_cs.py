"""Turning the scenes of Levir_CS into 8-bit color images with masks."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from rsp.errors import MissingData, UserError
from rsp.prepare.convert.manifest import check_counts, check_folders, shorten

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
    if missing and not (partial and splits):
        raise MissingData(
            f"expected the folders of Levir_CS in '{source}', missing: "
            f'{", ".join(missing)}.'
        )
    written: dict[str, set[str]] = {}
    for split in splits:
        pairs = _pairs(source / split)
        written |= {f'{kind}/{split}': set() for kind in ('img_dir', 'ann_dir')}
        for kind in ('img_dir', 'ann_dir'):
            (out / kind / split).mkdir(parents=True, exist_ok=True)
        for scene, (image, mask) in pairs.items():
            name = f'{scene}.png'
            cv2.imwrite(str(out / 'img_dir' / split / name), _blue_green_red(image))
            cv2.imwrite(str(out / 'ann_dir' / split / name), _read_mask(mask))
            written[f'img_dir/{split}'].add(name)
            written[f'ann_dir/{split}'].add(name)
        report(f'{split}: {len(pairs)} scenes')
    check_folders(out, written)
    counts = {split: len(written[f'img_dir/{split}']) for split in splits}
    if not partial:
        report(check_counts('Levir_CS', counts, PUBLISHED))
    return counts


def _pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    pairs, missing = {}, []
    for image in sorted((folder / 'mss').glob(f'*{IMAGE}')):
        scene = image.name.removesuffix(IMAGE)
        mask = folder / 'label_0_1_2' / f'{scene}{MASK}'
        pairs[scene] = (image, mask)
        if not mask.is_file():
            missing.append(str(mask))
    if missing or not pairs:
        raise MissingData(
            f"expected a mask for every scene in '{folder}/mss', got {len(pairs)} "
            f'scenes and {len(missing)} missing masks: {shorten(missing)}.'
        )
    return pairs


def _blue_green_red(file: Path) -> np.ndarray:
    # Only here: the rest of the package does not need it.
    from tifffile import imread

    bands = imread(file)
    if bands.ndim == 3 and bands.shape[0] == 4:
        bands = bands.transpose(1, 2, 0)
    if bands.ndim != 3 or bands.shape[2] != 4:
        raise UserError(
            f"expected four bands in '{file}', got an array of shape {bands.shape}."
        )
    scaled = np.clip(bands[..., :3], 0, BRIGHTEST) * (255 / BRIGHTEST)
    return np.rint(scaled).astype(np.uint8)


def _read_mask(file: Path) -> np.ndarray:
    mask = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if mask is None or mask.ndim != 2:
        raise UserError(f"expected a mask of one band in '{file}'.")
    return mask
