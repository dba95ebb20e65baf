"""Read the headers of JPEG, PNG, GIF, BMP and WebP, which need no rasterio."""

import io
import struct
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from PIL import ExifTags, Image, UnidentifiedImageError

from rsp.errors import BrokenFile
from rsp.io.images.image_info import ImageInfo

GRAY, RGB, CMYK = (
    ('gray',),
    ('red', 'green', 'blue'),
    ('cyan', 'magenta', 'yellow', 'black'),
)
# Start of a frame: all from C0 to CF but tables (C4), an extension (C8) and settings of
# arithmetic coding (CC).
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# Markers without a length: restarts, start of the image, TEM.
BARE = {0x01, 0xD8, *range(0xD0, 0xD8)}
# Bits, height, width and number of components of a frame.
FRAME = struct.Struct('>BHHB')
# Marker at the end of an image. None stands in its data, but one in a preview.
END = b'\xff\xd9'
# Pixels that every decoder takes.
MODERATE = 2**26


def read_jpeg(path: str, file: BinaryIO) -> ImageInfo:
    """Read the header of a JPEG.

    Raises:
        BrokenFile: If it ends before its size.
    """
    orientation = 1
    file.seek(2)
    while (marker := _next_marker(file)) is not None:
        if marker in BARE:
            continue
        length = int.from_bytes(file.read(2), 'big')
        if marker in FRAMES:
            bits, height, width, count = FRAME.unpack(_take(path, file, 6))
            return ImageInfo(
                path=path,
                format='JPEG',
                height=height,
                width=width,
                dtypes=('uint8' if bits <= 8 else 'uint16',) * count,
                bits=bits,
                colors={1: GRAY, 3: RGB, 4: CMYK}.get(count, ('undefined',) * count),
                nodata=(None,) * count,
                scales=(1.0,) * count,
                offsets=(0.0,) * count,
                descriptions=(None,) * count,
                orientation=orientation,
            )
        body = file.read(max(length - 2, 0))
        if marker == 0xE1 and body.startswith(b'Exif\0\0'):
            orientation = _orientation(body[6:])
    raise _cut_off(path)


def read_png(path: str, file: BinaryIO) -> ImageInfo:
    """Read the header of a PNG: all that stands before its pixels.

    Raises:
        BrokenFile: If it ends before them.
    """
    file.seek(8)
    palette: list[tuple[int, int, int]] = []
    alphas, transparent, pages, orientation = b'', False, 1, 1
    height = width = bits = kind = -1
    while (chunk := _next_chunk(file)) is not None:
        name, length = chunk
        if name == b'IDAT':
            break
        body = _take(path, file, length)
        file.seek(4, 1)  # The checksum.
        if name == b'IHDR':
            width, height, bits, kind = struct.unpack('>IIBB', body[:10])
        elif name == b'PLTE':
            palette = [tuple(body[n : n + 3]) for n in range(0, length - 2, 3)]  # type: ignore[misc]
        elif name == b'tRNS':
            alphas, transparent = body if kind == 3 else b'', True
        elif name == b'acTL':
            pages = int.from_bytes(body[:4], 'big')
        elif name == b'eXIf':
            orientation = _orientation(body)
    else:
        raise _cut_off(path)
    colors = {0: GRAY, 2: RGB, 3: ('palette',), 4: (*GRAY, 'alpha'), 6: (*RGB, 'alpha')}
    if kind not in colors:
        raise BrokenFile(path, f'a PNG of the unknown color type {kind}')
    bands = colors[kind]
    return ImageInfo(
        path=path,
        format='PNG',
        height=height,
        width=width,
        dtypes=('uint16' if bits > 8 else 'uint8',) * len(bands),
        bits=bits,
        colors=bands,
        palette=tuple(
            (*color, alphas[n] if n < len(alphas) else 255)
            for n, color in enumerate(palette)
        )
        if kind == 3
        else None,
        nodata=(None,) * len(bands),
        mask='alpha' if transparent or kind >= 4 else 'none',
        pages=pages,
        scales=(1.0,) * len(bands),
        offsets=(0.0,) * len(bands),
        descriptions=(None,) * len(bands),
        orientation=orientation,
    )


def read_by_pillow(path: str, file: BinaryIO) -> ImageInfo:
    """Read the header of a GIF, BMP or WebP.

    Raises:
        BrokenFile: If Pillow does not know it.
    """
    try:
        with Image.open(file) as image:
            mode = image.mode
            bands = {
                'P': ('palette',), 'L': GRAY, '1': GRAY, 'RGB': RGB,
                'RGBA': (*RGB, 'alpha'), 'LA': (*GRAY, 'alpha'), 'CMYK': CMYK,
            }.get(mode, RGB)  # fmt: skip
            return ImageInfo(
                path=path,
                format=str(image.format),
                height=image.height,
                width=image.width,
                dtypes=('uint8',) * len(bands),
                bits=1 if mode == '1' else 8,
                colors=bands,
                palette=_palette(image) if mode == 'P' else None,
                nodata=(None,) * len(bands),
                mask='alpha' if image.has_transparency_data else 'none',
                pages=getattr(image, 'n_frames', 1),
                scales=(1.0,) * len(bands),
                offsets=(0.0,) * len(bands),
                descriptions=(None,) * len(bands),
                # OpenCV turns neither of these three.
                orientation=1,
            )
    except UnidentifiedImageError:
        raise BrokenFile(path, 'a damaged header') from None
    # Of damage Pillow raises anything, such as struct.error, too.
    except Exception as error:
        raise BrokenFile(path, str(error)) from None


class JpegFrame(NamedTuple):
    """Store the size of an ordinary JPEG, which nearly all images are.

    Attributes:
        height, width: Pixels, before the turn.
        orientation: Of EXIF, 1 to 8; 1 is none.
    """

    height: int
    width: int
    orientation: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels, of the image as it is read: turned upright."""
        turned = self.orientation >= 5
        return (self.width, self.height) if turned else (self.height, self.width)

    @property
    def reductions(self) -> list[int]:
        """Those of `decode_jpeg` whose squares start in the upright corner, 8 first.

        They start in the corner of the file, which may be another one upright.
        """
        stays = self.orientation == 1
        return [
            number
            for number in (8, 4, 2)
            if stays or not (self.height % number or self.width % number)
        ]


def ordinary_jpeg(content: bytes) -> JpegFrame | None:
    """Find the size of a JPEG of 8 bits, gray or of colors, and a moderate size.

    Such a one needs no further look. None may be returned for one that is ordinary,
    too.

    Args:
        content: Of the whole file.
    """
    if content[:3] != b'\xff\xd8\xff':
        return None
    place, orientation = 2, 1
    try:
        while content[place] == 0xFF:
            marker = content[place + 1]
            if marker in FRAMES:
                bits, height, width, count = FRAME.unpack_from(content, place + 4)
                is_plain = bits == 8 and count in (1, 3)
                if not is_plain or not 0 < height * width <= MODERATE:
                    return None
                frame = JpegFrame(height, width, orientation)
                return frame if content.rfind(END) > place else None
            if marker in BARE or marker == 0xFF:
                return None
            length = (content[place + 2] << 8) + content[place + 3]
            if marker == 0xE1 and content.startswith(b'Exif\0\0', place + 4):
                orientation = _orientation(content[place + 10 : place + 2 + length])
            place += 2 + length
    except (IndexError, struct.error):
        pass
    return None


def require_end(path: str, content: bytes) -> None:
    """Refuse a JPEG without its end.

    Decoders take the zeros for pixels that a broken download is filled up with.

    Raises:
        BrokenFile: If the file has another format, it passes.
    """
    if not content.startswith(b'\xff\xd8\xff'):
        return
    file = io.BytesIO(content)
    read_jpeg(path, file)
    if content.rfind(END) < file.tell():
        raise BrokenFile(path, 'it is cut off or filled up with zeros')


def _palette(image: Image.Image) -> tuple[tuple[int, int, int, int], ...]:
    flat = image.getpalette('RGB') or []
    clear = image.info.get('transparency')
    if isinstance(clear, int):
        clear = bytes(0 if n == clear else 255 for n in range(len(flat) // 3))
    alphas = clear or b''
    return tuple(
        (*flat[3 * n : 3 * n + 3], alphas[n] if n < len(alphas) else 255)  # type: ignore[misc]
        for n in range(len(flat) // 3)
    )


def _next_marker(file: BinaryIO) -> int | None:
    """Return the marker that begins the next segment; None at the end."""
    byte = file.read(1)
    while byte and byte != b'\xff':
        byte = file.read(1)
    while byte == b'\xff':  # Any number of these may fill up.
        byte = file.read(1)
    return byte[0] if byte else None


def _next_chunk(file: BinaryIO) -> tuple[bytes, int] | None:
    """Return name and length of the next chunk; None at the end."""
    start = file.read(8)
    return (start[4:], int.from_bytes(start[:4], 'big')) if len(start) == 8 else None


def _take(path: str, file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise _cut_off(path)
    return content


def _cut_off(path: str) -> BrokenFile:
    return BrokenFile(path, 'it is cut off')


def _orientation(tags: bytes) -> int:
    """Return the orientation that EXIF tags hold, 1 where they are damaged."""
    exif = Image.Exif()
    try:
        exif.load(b'Exif\0\0' + tags)
        value = exif.get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, struct.error, ValueError):
        return 1
    return value if value in range(1, 9) else 1


READERS: dict[str, Callable[[str, BinaryIO], ImageInfo]] = dict(
    JPEG=read_jpeg,
    PNG=read_png,
    GIF=read_by_pillow,
    BMP=read_by_pillow,
    WEBP=read_by_pillow,
)
