"""Tell how files are stored, where it is read in another way than one may expect."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from rsp.errors import shorten


class Stored(Protocol):
    """Describe what is told of: a `rsp.geo.scene.Scene`, or a file of a scan."""

    @property
    def path(self) -> str:
        """Name."""

    @property
    def palette(self) -> bool:
        """Tell whether the file holds palette indices."""

    @property
    def translucent(self) -> int | None:
        """Number of a band of data that is declared as alpha."""

    @property
    def bits(self) -> int:
        """Bits that a value uses."""


def storage_notes(files: Sequence[Stored]) -> Iterator[str]:
    """Yield a sentence for palettes, for infrared called alpha, and for single bits."""
    palettes = [file.path for file in files if file.palette]
    if palettes:
        yield (
            f'{_count(palettes, "holds", "hold")} palette indices: '
            f'{shorten(palettes, 3)}. They are read as red, green and blue, as '
            'gdal_translate -expand rgb would write them.'
        )
    for band in sorted({f.translucent for f in files if f.translucent is not None}):
        paths = [file.path for file in files if file.translucent == band]
        yield (
            f'Band {band} of {_count(paths)} is declared as alpha but holds as many '
            f'values as a band of data, such as infrared: {shorten(paths, 3)}. It is '
            f'read as one; gdal_edit.py -colorinterp_{band} undefined FILE tells it so.'
        )
    single = [file.path for file in files if file.bits == 1 and not file.palette]
    if single:
        yield (
            f'{_count(single, "has", "have")} 1 bit per pixel, 0 and 1: '
            f'{shorten(single, 3)}. They are masks or drawings, hardly images to learn '
            'from, and 0 is taken for no-data where the file declares none.'
        )


def _count(paths: Sequence[str], one: str = '', many: str = '') -> str:
    number, verb = (
        ('1 file', one) if len(paths) == 1 else (f'{len(paths):,} files', many)
    )
    return f'{number} {verb}'.strip()
