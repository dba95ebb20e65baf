"""Store what a file says of its pixels."""

from dataclasses import dataclass

# Color interpretations that are no color but say where there is none.
ALPHA = 'alpha'


@dataclass(frozen=True)
class ImageInfo:
    """Describe an image file.

    Bands are counted from 1, as GDAL does.

    Attributes:
        path: Of the file.
        format: As rasterio names it, e.g. ``'JPEG'``, ``'PNG'``, ``'GTiff'``; ``'raw'``
            of a packed store of pixels.
        height, width: Pixels, before a turn that ``orientation`` asks for.
        dtypes: Type of each band, as NumPy names it.
        bits: Bits that a value of the first band uses, e.g. 1, 8 or 12.
        colors: Color interpretation of each band, as rasterio names it: ``'red'``,
            ``'gray'``, ``'palette'``, ``'alpha'``, ``'undefined'``, ...
        compression: As GDAL names it; ``''`` where it is not told.
        palette: Red, green, blue and alpha of each index, 0 to 255; None without one.
        nodata: No-data value of each band; None where the file tells none.
        mask: How pixels without data are marked beside values: ``'alpha'``, ``'mask'``
            (inside the file or in a file beside it) or ``'none'``.
        pages: Images in the file: pages of a TIFF, overviews apart, or frames.
        pages_are_alike: Whether the first two have one size: bands or frames, where a
            thumbnail beside the image would be smaller.
        subdatasets: Name of each page or data set, as rasterio opens it.
        scales, offsets: Of each band, from stored to physical values.
        descriptions: Name of each band; None where it has none.
        has_gcps, has_rpcs: Whether the file has ground control points, or rational
            polynomial coefficients.
        orientation: Number of the turn or flip, 1 to 8, that EXIF asks for; 1 is none.
    """

    path: str
    format: str
    height: int
    width: int
    dtypes: tuple[str, ...]
    bits: int
    colors: tuple[str, ...]
    compression: str = ''
    palette: tuple[tuple[int, int, int, int], ...] | None = None
    nodata: tuple[float | None, ...] = ()
    mask: str = 'none'
    pages: int = 1
    pages_are_alike: bool = False
    subdatasets: tuple[str, ...] = ()
    scales: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    descriptions: tuple[str | None, ...] = ()
    has_gcps: bool = False
    has_rpcs: bool = False
    orientation: int = 1

    @classmethod
    def of_pixels(cls, path: str, height: int, width: int) -> 'ImageInfo':
        """Describe an image that is red, green and blue in 8 bits, and nothing else."""
        return cls(
            path=path,
            format='raw',
            height=height,
            width=width,
            dtypes=('uint8',) * 3,
            bits=8,
            colors=('red', 'green', 'blue'),
            nodata=(None,) * 3,
            scales=(1.0,) * 3,
            offsets=(0.0,) * 3,
            descriptions=(None,) * 3,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels, of the image as it is read: turned upright."""
        size = self.height, self.width
        return size if self.orientation < 5 else size[::-1]

    @property
    def bands(self) -> int:
        """Number of bands, alpha included."""
        return len(self.dtypes)

    @property
    def dtype(self) -> str:
        """Type of the first band; ``''`` of a container that has none itself."""
        return self.dtypes[0] if self.dtypes else ''

    @property
    def data_bands(self) -> tuple[int, ...]:
        """Numbers of the bands that are not alpha."""
        return tuple(n for n, c in enumerate(self.colors, start=1) if c != ALPHA)

    @property
    def alpha_bands(self) -> tuple[int, ...]:
        """Numbers of the bands that are alpha."""
        return tuple(n for n, c in enumerate(self.colors, start=1) if c == ALPHA)

    @property
    def tells_colors(self) -> bool:
        """Tell whether the file says which bands are red, green and blue."""
        rgb, cmyk = {'red', 'green', 'blue'}, {'cyan', 'magenta', 'yellow', 'black'}
        return rgb <= set(self.colors) or set(self.colors) == cmyk

    @property
    def color_bands(self) -> tuple[int, ...]:
        """Numbers of red, green and blue, or of the one gray or palette band.

        Those that the file names; otherwise the first three that are not alpha, or the
        only one. Empty for two bands of unknown meaning.
        """
        if set(self.colors) >= {'red', 'green', 'blue'}:
            names = ('red', 'green', 'blue')
            return tuple(self.colors.index(name) + 1 for name in names)
        data = self.data_bands
        return data[:3] if len(data) >= 3 else data if len(data) == 1 else ()
