"""Judge by its header whether a file becomes 8-bit colors, and how."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rsp.errors import UserError
from rsp.io.images.image_info import ImageInfo

# Pixels of an image that is read whole: the limit of OpenCV, 3 GiB in colors.
MOST_PIXELS = 2**30
# Formats whose frames or pages are no bands.
FRAMES = ('GIF', 'PNG', 'WEBP')


@dataclass(frozen=True)
class ColorRule:
    """Say how an image becomes 8-bit red, green and blue.

    Without a rule, files of 8 bits and less are taken as they are: red, green and blue
    by color interpretation, else the first three bands that are not alpha; gray three
    times; a palette's colors.

    Attributes:
        stretch: Low and high in stored values, which become 0 and 255, for files of
            more than 8 bits; or such a pair for each band. Values between become
            ``(v - low) / (high - low) * 255``, cut to whole numbers, as
            `rsp.SceneDataset` does with ``limits``. 8-bit files stay as they are.
        bands: Numbers of the bands from 1, as GDAL counts, in the order red, green,
            blue, or any others; None for those described above.

    Raises:
        UserError: If one of them is no such thing.
    """

    stretch: Any = None
    bands: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if self.bands is not None:
            numbers = tuple(self.bands)
            if not numbers or not all(isinstance(n, int) and n > 0 for n in numbers):
                raise UserError(
                    f"expected numbers of bands from 1 as 'bands', got {self.bands}."
                )
            object.__setattr__(self, 'bands', numbers)
        if self.stretch is not None:
            limits = _as_limits(self.stretch)
            if self.bands is not None and limits.ndim == 2:
                _require_pairs(limits, len(self.bands))

    def limits(self, bands: int) -> np.ndarray:
        """Return low and high of each band, shape (bands, 2).

        Raises:
            UserError: If ``stretch`` has pairs for another number of bands.
        """
        limits = _as_limits(self.stretch)
        if limits.ndim == 2:
            _require_pairs(limits, bands)
        return np.broadcast_to(limits, (bands, 2))

    def bands_of(self, info: ImageInfo) -> tuple[int, ...]:
        """Return the numbers of the bands to read, in the order of the image.

        Raises:
            UserError: If the file has not all of them, or does not tell its colors.
        """
        if self.bands is not None:
            if max(self.bands) > info.bands:
                raise UserError(
                    f"expected the bands {[*self.bands]} in '{info.path}', got "
                    f"{info.bands}; change 'bands'."
                )
            return tuple(self.bands)
        if not info.color_bands:
            raise UserError(
                f"expected gray or colors in '{info.path}', got the bands "
                f'{", ".join(info.colors)}; choose by number, e.g. bands=[1] of '
                'rsp.LoadImageFromFile.'
            )
        return info.color_bands

    def require(self, info: ImageInfo) -> None:
        """Refuse what cannot become 8-bit colors by this rule.

        Data sets, `check.py` and `prepare.py` all ask here, so that they agree.

        Args:
            info: Header of a file.

        Raises:
            UserError: With file and remedy.
        """
        path = info.path
        if not info.dtypes:
            raise UserError(
                f"expected an image in '{path}', got {info.pages} data sets in one "
                f"file; read one of them, e.g. '{info.subdatasets[0]}'."
                if info.subdatasets
                else f"expected an image in '{path}', got no band; remove it."
            )
        if info.pages > 1 and (info.format in FRAMES or info.pages_are_alike):
            what = 'frames' if info.format in FRAMES else 'pages'
            raise UserError(
                f"expected one image in '{path}', got {info.pages} {what}, of which "
                'only the first would be seen; '
                + (
                    'save the one that counts as a PNG.'
                    if info.format in FRAMES
                    else 'write them as bands of one page: tifffile.imwrite(OUT, '
                    "tifffile.imread(IN).transpose(1, 2, 0), photometric='minisblack',"
                    " planarconfig='contig')."
                )
            )
        kinds = {info.dtypes[band - 1] for band in self.bands_of(info)}
        if len(kinds) > 1 or 'complex' in info.dtype or not is_real(kinds):
            raise UserError(
                f"expected bands of one real type in '{path}', got "
                f'{", ".join(info.dtypes)}; convert or remove it.'
            )
        if kinds != {'uint8'} and self.stretch is None:
            raise UserError(
                f"expected 8 bits in '{path}', got {kinds.pop()}; set what becomes 0 "
                'and 255 as stretch=(low, high) of rsp.LoadImageFromFile (--stretch '
                'LOW HIGH of a tool), reflectance=dict(scale=...) for floats of any '
                'bands, or train on windows of it: tools/dataset_tools/'
                'prepare.py writes the config of rsp.SceneDataset.'
            )
        if info.compression.startswith('SGILOG'):
            raise UserError(
                f"expected plain values in '{path}', got LogLuv codes ("
                f'{info.compression}), as OpenCV writes floats; write the file by '
                'rasterio or tifffile.'
            )
        if self.stretch is not None:
            self.limits(len(self.bands_of(info)))

    def require_whole(self, info: ImageInfo) -> None:
        """Refuse also what is too large to be read whole, see `require`."""
        self.require(info)
        if info.height * info.width > MOST_PIXELS:
            raise UserError(
                f"expected at most {MOST_PIXELS:,} pixels in '{info.path}', got "
                f'{info.height:,} x {info.width:,}; cut it by tools/dataset_tools/'
                'cut_tiles.py, or read windows of it: tools/dataset_tools/prepare.py '
                'writes the config of rsp.SceneDataset.'
            )

    def notes(self, info: ImageInfo) -> Iterator[str]:
        """Yield a sentence for each fact that a user should know, and may be right."""
        if info.bits == 1:
            yield '1 bit per pixel, which becomes black and white'
        if info.pages > 1:
            yield 'several pages of different sizes, of which the first is read'
        if self.bands is None and len(info.data_bands) > 3 and not info.tells_colors:
            yield (
                f'{len(info.data_bands)} bands and no word which are red, green and '
                f'blue: {[*info.color_bands]} are taken; set others as bands=[...] of '
                'rsp.LoadImageFromFile'
            )


def is_real(dtypes: Sequence[str] | set[str]) -> bool:
    """Return whether all types are integers or floats, as NumPy knows them."""
    return all(name[:3] in ('int', 'uin', 'flo') for name in dtypes)


def _as_limits(stretch: Any) -> np.ndarray:
    try:
        limits = np.asarray(stretch, np.float64)
    except (TypeError, ValueError):
        limits = np.empty(0)
    if (
        limits.ndim not in (1, 2)
        or limits.shape[-1] != 2
        or not (np.diff(limits) > 0).all()
    ):
        raise UserError(
            "expected 'stretch' as (low, high), or such a pair for each band, got "
            f'{stretch}.'
        )
    return limits


def _require_pairs(limits: np.ndarray, bands: int) -> None:
    if len(limits) != bands:
        raise UserError(
            f"expected 'stretch' with a pair for each of {bands} bands, got "
            f'{len(limits)}.'
        )
