"""Read an image: its header, its 8-bit colors, or its values as they are stored."""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from rsp.errors import BrokenFile, UserError
from rsp.io.images import headers, rasters
from rsp.io.images.color_rule import ColorRule
from rsp.io.images.colors import BLACK, INFRARED, blacken, to_colors
from rsp.io.images.content import HEAD, content_of, format_of
from rsp.io.images.decoders import (
    DAMAGED,
    MENDED,
    Decode,
    decode_alpha,
    decode_colors,
    decode_jpeg,
    decode_stored,
    listen,
    turn,
)
from rsp.io.images.image_info import ImageInfo
from rsp.io.images.masking import is_mask
from rsp.io.images.raster_colors import RasterColors
from rsp.io.stores import read_stored_image

PLAIN = ColorRule()
# Bytes of an image file, or pixels of a packed store, (H, W, 3), uint8, RGB.
Content = bytes | np.ndarray


@dataclass(frozen=True)
class Picture:
    """Store an image and what was found out about it.

    Attributes:
        pixels: Shape (H, W, 3), uint8; (H, W, C) for a rule that names C bands. Pixels
            without data are 0: transparent ones, those of a mask, and those that hold
            the no-data value in every band.
        info: Header of the file.
        notes: What a user should know, and may be right: parts of sentences about the
            file.
    """

    pixels: np.ndarray
    info: ImageInfo
    notes: tuple[str, ...] = ()


def read_content(path: str | PathLike) -> Content | None:
    """Return what is stored of an image: the one door to files and packed stores.

    The result is the ``content`` of `read_picture`, `read_pixels` and `read_stored`,
    for those who decode ordinary images themselves, see `headers.is_ordinary`.

    Args:
        path: Of a file; or of an image in a store of ``rsp prepare pack``, such as
            ``packed/images.lmdb/class/name.jpg``, see `rsp.io.stores.Store.root`.

    Returns:
        Bytes of a JPEG, PNG, GIF, BMP or WebP, and of any file in a store; pixels,
        shape (H, W, 3), uint8, RGB, read-only, from a raw store; None for a file of
        another format and a URI, which rasterio opens by its path.

    Raises:
        MissingData: If there is no such file, or no such image in the store.
        BrokenFile: If it cannot be read or is empty.
    """
    name = fspath(path)
    stored = read_stored_image(name)
    return content_of(name, headers.READERS) if stored is None else stored


def read_info(path: str | PathLike) -> ImageInfo:
    """Read what a file says of its pixels, without decoding any.

    The content decides, not the ending: JPEG, PNG, GIF, BMP and WebP are read by their
    headers, everything else by rasterio, which only that needs.

    Args:
        path: Of the file, or a URI that GDAL opens.

    Raises:
        MissingData: If there is no such file.
        BrokenFile: If it is no image.
        UserError: If it needs rasterio, which is not installed.
    """
    name = fspath(path)
    stored = read_stored_image(name)
    if stored is not None:
        return _info_of(name, stored)
    head = content_of(name, headers.READERS, HEAD)
    if head is None:
        return rasters.read_info(name)
    with Path(name).open('rb') as file:
        return headers.READERS[format_of(head)](name, file)


def read_picture(
    path: str | PathLike,
    rule: ColorRule = PLAIN,
    content: Content | None = None,
    order: str = 'rgb',
    decode: Decode = decode_colors,
) -> Picture:
    """Read an image as 8-bit colors; see `ColorRule` for what becomes of which file.

    Args:
        path: Of the file; with ``content`` only its name.
        rule: How it becomes colors.
        content: Of the file, where it comes from elsewhere.
        order: Of three bands: ``'rgb'``, or ``'bgr'`` as OpenCV and mmcv have it.
        decode: Decodes ordinary JPEG, PNG, GIF, BMP and WebP, upright.

    Raises:
        MissingData: If there is no such file.
        BrokenFile: If it is damaged or no image.
        UserError: If it cannot become colors by this rule.
    """
    name = fspath(path)
    if content is None:
        content = read_content(name)
    if isinstance(content, np.ndarray):
        return _ready(content, name, rule, order)
    kind = format_of(content or b'')
    if content is None or kind not in headers.READERS:
        with rasters.open_raster(name, content) as dataset:
            info = rasters.info_of(dataset, name)
            rule.require_whole(info)
            colors = RasterColors(dataset, info, rule)
            pixels = colors.read()
        return _picture(pixels, order == 'bgr', info, colors.notes)
    info = headers.READERS[kind](name, io.BytesIO(content))
    rule.require_whole(info)
    notes = {*rule.notes(info)}
    if info.dtype != 'uint8':
        pixels, valid = _stretched(decode_stored(content, name), info, rule)
        if blacken(pixels, valid):
            notes.add(BLACK)
        return _picture(pixels, order == 'bgr', info, notes)
    headers.require_end(name, content)
    decoded, is_mended = listen(decode, content)
    if decoded is None:
        raise BrokenFile(name, DAMAGED)
    if is_mended:
        notes.add(MENDED)
    pixels = decoded
    if info.mask == 'alpha':
        alpha = decode_alpha(content, info)
        if not is_mask(alpha, pixels):
            notes.add(INFRARED)
        elif blacken(pixels, alpha > 0):
            notes.add(BLACK)
    if rule.bands is not None:
        pixels = pixels[..., [3 - band for band in _of_colors(rule.bands, info)]]
        return _picture(pixels, order == 'bgr', info, notes)
    return _picture(pixels, order == 'rgb', info, notes)


def read_pixels(
    path: str | PathLike,
    rule: ColorRule = PLAIN,
    content: Content | None = None,
    order: str = 'rgb',
    decode: Decode = decode_colors,
    tell: Callable[[str, tuple[str, ...]], None] = lambda path, notes: None,
) -> np.ndarray:
    """Read the pixels of `read_picture`, ordinary JPEGs faster.

    Args:
        path: See `read_picture`.
        rule: See `read_picture`.
        content: See `read_picture`.
        order: See `read_picture`.
        decode: See `read_picture`.
        tell: Gets the path and `Picture.notes`.
    """
    if content is None:
        content = read_content(path)
    encoded = None if isinstance(content, np.ndarray) else content
    frame = None
    if encoded is not None and rule.bands is None:
        frame = headers.ordinary_jpeg(encoded)
    if encoded is not None and frame is not None:
        if decode is decode_colors:
            found = decode_jpeg(encoded, frame, order)
            if found is not None:
                return found
        pixels, is_mended = listen(decode, encoded)
        if pixels is not None:
            if is_mended:
                tell(fspath(path), (MENDED,))
            return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) if order == 'rgb' else pixels
    picture = read_picture(path, rule, content, order, decode)
    tell(fspath(path), picture.notes)
    return picture.pixels


def read_stored(path: str | PathLike, content: Content | None = None) -> np.ndarray:
    """Read all bands as they are stored, of a palette the numbers of its colors.

    Args:
        path: Of the file; with ``content`` only its name.
        content: Of the file, where it comes from elsewhere.

    Returns:
        Shape (H, W) of one band, else (H, W, C), in the order of the file.

    Raises:
        MissingData: If there is no such file.
        BrokenFile: If it is damaged or no image.
    """
    name = fspath(path)
    if content is None:
        content = read_content(name)
    if isinstance(content, np.ndarray):
        return content.copy()
    kind = format_of(content or b'')
    if content is None or kind not in headers.READERS:
        with rasters.open_raster(name, content) as dataset:
            stored = dataset.read().transpose(1, 2, 0)
    else:
        info = headers.READERS[kind](name, io.BytesIO(content))
        if info.palette is not None or info.bits == 1:
            stored = _by_pillow(name, content)
        else:
            headers.require_end(name, content)
            stored = decode_stored(content, name)
    return stored[..., 0] if stored.shape[2] == 1 else np.ascontiguousarray(stored)


def _info_of(name: str, content: Content) -> ImageInfo:
    """Describe what a store holds of an image."""
    if isinstance(content, np.ndarray):
        return ImageInfo.of_pixels(name, *content.shape[:2])
    kind = format_of(content)
    if kind in headers.READERS:
        return headers.READERS[kind](name, io.BytesIO(content))
    with rasters.open_raster(name, content) as dataset:
        return rasters.info_of(dataset, name)


def _ready(pixels: np.ndarray, name: str, rule: ColorRule, order: str) -> Picture:
    """Return pixels of a raw store, which became colors when it was made."""
    info = _info_of(name, pixels)
    if rule.bands is not None:
        chosen = _of_colors(rule.bands, info)
        pixels = pixels[..., [band - 1 for band in chosen]]
    if pixels.shape[2] == 3 and order == 'bgr':
        pixels = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    # A copy: nobody writes into the store.
    return Picture(np.array(pixels, order='C'), info)


def _picture(
    pixels: np.ndarray, swap: bool, info: ImageInfo, notes: Iterable[str]
) -> Picture:
    if swap and pixels.shape[2] == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    return Picture(np.ascontiguousarray(pixels), info, tuple(sorted(notes)))


def _stretched(
    stored: np.ndarray, info: ImageInfo, rule: ColorRule
) -> tuple[np.ndarray, np.ndarray]:
    """Make colors of a PNG of 16 bits; return them and the pixels with data."""
    bands = [band - 1 for band in rule.bands_of(info)]
    pixels = to_colors(np.ascontiguousarray(stored[..., bands]), info, rule)
    alpha = stored[..., len(info.data_bands) :]
    alpha = alpha[..., [n not in bands for n in range(-alpha.shape[2], 0)]]
    valid = np.asarray((alpha > 0).all(axis=2))
    return turn(pixels, info.orientation), turn(valid, info.orientation)


def _of_colors(bands: Iterable[int], info: ImageInfo) -> list[int]:
    """Return positions from 1 in red, green, blue of bands of a decoded picture."""
    chosen = [*bands]
    if max(chosen) > 3:
        raise UserError(
            f"expected bands of red, green and blue in '{info.path}', got {chosen}; "
            "change 'bands', or convert the file to TIFF."
        )
    return chosen


def _by_pillow(name: str, content: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image).astype(np.uint8)[..., None]
    except Exception as error:  # Of damage Pillow raises SyntaxError and others, too.
        raise BrokenFile(name, str(error)) from None
