"""Damage images in two hundred ways, for tests and for tools/soak.py."""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

# What has to become of a file. Some damage no format can tell: a bit of raw pixels,
# many a bit of a JPEG.
REFUSED, SAME, READ, EITHER = 'refused', 'same', 'read', 'either'
HTML = b'<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n'
TEXT = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 1234\n'


@dataclass(frozen=True)
class Mutation:
    """Make one damaged file.

    Attributes:
        name: E.g. ``'jpeg-cut-3'``.
        ending: Of the file.
        make: Writes it to a path.
        verdict: `REFUSED`, with its name in the message; `SAME`, read with the pixels
            of the original; `READ`; or `EITHER`.
        original: Name of the format, a key of `originals`; or none.
    """

    name: str
    ending: str
    make: Callable[[Path], object]
    verdict: str
    original: str

    def write(self, folder: Path) -> Path:
        """Write the file into a folder, and return its path."""
        file = folder / f'{self.name}{self.ending}'
        self.make(file)
        return file


def picture(height: int = 96, width: int = 128) -> np.ndarray:
    """Return a picture with edges and noise, shape (height, width, 3), BGR, uint8."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    waves = [127 + 90 * np.sin(x / a) * np.cos(y / b) for a, b in ((9, 7), (5, 11))]
    pixels = np.stack([*waves, (x + y) * 255 / (height + width)], axis=2)
    return (pixels + rng.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8)


def originals() -> dict[str, tuple[str, bytes]]:
    """Return ending and content of one whole file of each format."""
    pixels = picture()
    tiff, none, deflate = cv2.IMWRITE_TIFF_COMPRESSION, 1, 8
    made = dict(
        jpeg=('.jpg', []),
        progressive=('.jpg', [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        png=('.png', []),
        tiff=('.tif', [tiff, deflate]),
        raw=('.tif', [tiff, none]),
        webp=('.webp', [cv2.IMWRITE_WEBP_QUALITY, 101]),
        bmp=('.bmp', []),
    )
    return {
        name: (ending, cv2.imencode(ending, pixels, options)[1].tobytes())
        for name, (ending, options) in made.items()
    }


def mutations() -> list[Mutation]:
    """Return all mutations, always the same ones in the same order."""
    made: list[Mutation] = []
    for kind, (ending, content) in originals().items():
        found = [*_of_any(kind, content)]
        if kind in ('jpeg', 'png', 'tiff'):
            found += _of_names(content)
        made += [
            Mutation(f'{kind}-{name}', ending, make, verdict, kind)
            for name, make, verdict in found
        ]
    for name, ending, content in _bombs():
        made.append(Mutation(name, ending, _bytes(content), REFUSED, ''))
    for ending in ('.jpg', '.png', '.tif'):
        wide = cv2.imencode(ending, picture(8, 30_000))[1].tobytes()
        made.append(Mutation(f'wide{ending[1:]}', ending, _bytes(wide), READ, ''))
    return made


Made = tuple[str, Callable[[Path], object], str]


def _of_any(kind: str, content: bytes) -> Iterator[Made]:
    """Damage the content of a file."""
    rng, size = np.random.default_rng(1), len(content)
    for tenth in range(10):
        yield f'cut-{tenth}', _bytes(content[: size * tenth // 10]), REFUSED
    for number in range(6):
        place, bit = int(rng.integers(size)), int(rng.integers(8))
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        yield f'bit-{number}', _bytes(bytes(flipped)), EITHER
    for fifth in range(4):
        first, last = size * fifth // 5, size * (fifth + 1) // 5
        zeros = content[:first] + bytes(last - first) + content[last:]
        verdict = EITHER if fifth or kind == 'raw' else REFUSED
        yield f'zeros-{fifth}', _bytes(zeros), verdict
    half = size // 2
    yield (
        'zeros-to-the-end',
        _bytes(content[:half] + bytes(size - half)),
        (EITHER if kind in ('raw', 'bmp', 'webp') else REFUSED),
    )
    yield 'only-zeros', _bytes(bytes(size)), REFUSED
    yield 'html', _bytes(HTML), REFUSED
    yield 'bytes-before', _bytes(b'\xef\xbb\xbf' + content), REFUSED
    yield 'bytes-after', _bytes(content + b'\0' * 100), SAME


def _of_names(content: bytes) -> Iterator[Made]:
    """Make what is no file, or has the name of another format."""
    yield 'text', _bytes(TEXT), REFUSED
    yield 'folder', Path.mkdir, REFUSED
    yield 'broken-link', _link('nowhere'), REFUSED
    yield 'link-to-itself', lambda file: file.symlink_to(file.name), REFUSED
    yield 'link-to-zeros', _link('/dev/zero'), REFUSED
    yield 'pipe', os.mkfifo, REFUSED
    yield 'unreadable', _unreadable(content), REFUSED
    for other, (_, foreign) in originals().items():
        if other in ('jpeg', 'png', 'tiff') and foreign != content:
            yield f'named-but-{other}', _bytes(foreign), READ


def _bombs() -> Iterator[tuple[str, str, bytes]]:
    """Make small files that claim or unpack to many pixels or bytes."""
    edge = 60_000
    line = zlib.compress(bytes(1000), 9)
    for name, kind in (('gray', 0), ('colors', 2)):
        yield f'bomb-png-{name}', '.png', _png(edge, edge, kind, line)
    # 64 MiB of zeros in 64 KiB, as too few pixels and as a comment.
    packed = zlib.compress(bytes(2**26), 9)
    yield 'bomb-png-half', '.png', _png(2**15, 2**12, 0, packed)
    text = _chunk(b'zTXt', b'Comment\0\0' + packed)
    yield 'bomb-png-text', '.png', _png(64, 64, 0, line, before=text)
    jpeg = bytearray(originals()['jpeg'][1])
    frame = jpeg.index(b'\xff\xc0')
    jpeg[frame + 5 : frame + 9] = struct.pack('>HH', 65_500, 65_500)
    yield 'bomb-jpeg', '.jpg', bytes(jpeg)
    yield 'bomb-tiff', '.tif', _tiff(2**31 - 1, 2**31 - 1)
    yield 'far-strip-tiff', '.tif', _tiff(64, 64, strip=2**31)
    gif = b'GIF89a' + struct.pack('<HH', 65_535, 65_535) + b'\x80\0\0' + bytes(6)
    yield 'bomb-gif', '.gif', gif + b',' + bytes(4) + b'\xff\xff\xff\xff\0\2\1\0\0;'
    bmp = bytearray(originals()['bmp'][1])
    bmp[18:26] = struct.pack('<ii', 2**30, 2**30)
    yield 'bomb-bmp', '.bmp', bytes(bmp)


def _png(width: int, height: int, kind: int, data: bytes, before: bytes = b'') -> bytes:
    header = struct.pack('>IIBBBBB', width, height, 8, kind, 0, 0, 0)
    chunks = _chunk(b'IHDR', header) + before + _chunk(b'IDAT', data)
    return b'\x89PNG\r\n\x1a\n' + chunks + _chunk(b'IEND', b'')


def _chunk(name: bytes, body: bytes) -> bytes:
    check = struct.pack('>I', zlib.crc32(name + body))
    return struct.pack('>I', len(body)) + name + body + check


def _tiff(width: int, height: int, strip: int = 400) -> bytes:
    """Return a TIFF of one strip of gray pixels, of which few are there."""
    size = min(width * height, 2**32 - 1)
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1)]
    tags += [(273, strip), (277, 1), (278, height), (279, size)]
    entries = b''.join(struct.pack('<HHII', tag, 4, 1, value) for tag, value in tags)
    head = b'II*\0' + struct.pack('<IH', 8, len(tags)) + entries
    return (head + bytes(4)).ljust(400, b'\0') + bytes(4096)


def _bytes(content: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(content)


def _link(target: str) -> Callable[[Path], object]:
    return lambda file: file.symlink_to(target)


def _unreadable(content: bytes) -> Callable[[Path], object]:
    def make(file: Path) -> None:
        file.write_bytes(content)
        file.chmod(0)

    return make
