"""Turn an image file into what a store holds of it."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rsp.errors import UserError
from rsp.io.images import read_content, read_info, read_pixels, read_stored
from rsp.io.images.content import format_of
from rsp.io.images.headers import READERS, ordinary_jpeg
from rsp.io.images.rasters import info_of, open_raster
from rsp.prepare.pack.settings import PackSettings

# Sides of a JPEG have 16 bits, of which libjpeg takes these.
LONGEST = 65_500
# Of a file that is kept: what LMDB can hold, and more than an image to be read whole.
MOST_BYTES = 2**31
# What became of an image; its place here is its number in a table.
DONE = ('kept', 'encoded', 'shrunk')


@dataclass(frozen=True)
class PackedImage:
    """Store what a store holds of an image.

    Attributes:
        content: Bytes of an image file, or pixels, (H, W, 3), uint8, RGB.
        shape: Height and width of these, upright.
        short_side: Of the file that was packed, pixels.
        done: One of `DONE`.
        notes: See `rsp.io.images.Picture`.
    """

    content: bytes | np.ndarray
    shape: tuple[int, int]
    short_side: int
    done: str
    notes: tuple[str, ...] = ()


def pack_image(file: Path, settings: PackSettings) -> PackedImage:
    """Decode an image, and shrink and encode it where the settings say so.

    JPEGs that need no change keep their bytes, which saves a second loss.

    Raises:
        MissingData: If there is no such file.
        UserError: If it cannot be read or packed.
    """
    if settings.keep:
        return _keep(file)
    content = read_content(file)
    notes: list[str] = []
    pixels = read_pixels(
        file, settings.rule(), content, tell=lambda _, found: notes.extend(found)
    )
    short_side = min(pixels.shape[:2])
    done = 'kept'
    if short_side > settings.short_side:
        pixels, done = shrink(pixels, settings.short_side), 'shrunk'
    stored: Any = pixels
    if not settings.raw:
        if done == 'kept' and is_plain_jpeg(content):
            stored = content
        else:
            stored = encode(pixels, settings.quality, file)
            done = 'encoded' if done == 'kept' else done
    return PackedImage(stored, pixels.shape[:2], short_side, done, tuple(notes))


def is_plain_jpeg(content: Any) -> bool:
    """Tell whether a file is an ordinary JPEG, from its content."""
    return content is not None and ordinary_jpeg(content) is not None


def shrink(pixels: np.ndarray, short_side: int) -> np.ndarray:
    """Shrink an image without aliases, by Pillow's bicubic filter.

    Args:
        pixels: Shape (H, W, 3), uint8; larger than ``short_side``.
        short_side: Pixels of the shorter side; the longer one keeps its share, rounded.
    """
    height, width = pixels.shape[:2]
    share = short_side / min(height, width)
    size = (
        max(round(width * share), short_side),
        max(round(height * share), short_side),
    )
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image)


def encode(pixels: np.ndarray, quality: int, file: Path) -> bytes:
    """Encode colors as JPEG, with half the resolution of hues, as is common.

    Args:
        pixels: Shape (H, W, 3), uint8, red, green, blue.
        quality: 1 to 100.
        file: What to call it.

    Raises:
        UserError: If JPEG knows no image of this size.
    """
    if max(pixels.shape) > LONGEST:
        raise UserError(
            f"expected at most {LONGEST} pixels a side for a JPEG of '{file}', got "
            f'{pixels.shape[0]} x {pixels.shape[1]}; cut it into tiles, or pack with '
            '--raw.'
        )
    encoded = io.BytesIO()
    image = Image.fromarray(pixels)
    image.save(encoded, 'JPEG', quality=quality, subsampling='4:2:0')
    return encoded.getvalue()


def _keep(file: Path) -> PackedImage:
    """Decode a file that is kept, which must tell all by itself."""
    shape = read_info(file).shape
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise UserError(
            f"expected at most {MOST_BYTES:,} bytes in '{file}', got {size:,}; read "
            'windows of such files by rsp.SceneDataset, or cut it into tiles.'
        )
    content, notes = file.read_bytes(), list[str]()
    if is_plain_jpeg(content):
        read_pixels(file, content=content, tell=lambda _, found: notes.extend(found))
    else:
        read_stored(file, content)
        if format_of(content) not in READERS:
            _require_alone(file, content)
    return PackedImage(content, shape, min(shape), 'kept', tuple(notes))


def _require_alone(file: Path, content: bytes) -> None:
    """Refuse a raster part of which lies in a file beside it, such as .msk."""
    facts = []
    for inside in (None, content):
        with open_raster(str(file), inside) as dataset:
            info = info_of(dataset, str(file))
            facts.append((info.nodata, info.mask, info.descriptions, info.scales,
                          info.offsets, info.colors))  # fmt: skip
    if facts[0] != facts[1]:
        raise UserError(
            f"expected all of '{file}' in this file, got a part of it in one beside it "
            '(.msk, .aux.xml, ...), which --keep leaves behind; write it whole by '
            'gdal_translate.'
        )
