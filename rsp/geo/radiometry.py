"""Convert stored values to network inputs: 8 bits, or normalized floats."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rsp.errors import UserError
from rsp.geo.scene import RANKS, Scene
from rsp.io.images import ImageInfo
from rsp.io.images.colors import to_eight_bits
from rsp.ops import check

RADIOMETRY = ('stored', 'physical')
# Values at a time.
LOOKED_UP = 2**17


@dataclass(frozen=True)
class Stretch:
    """Stretch to 8 bits between percentiles.

    A value v becomes ``(v - low) / (high - low) * 255``, clipped to 0..255 and cut to
    whole numbers, as GeoKR's official cropper does; pixels without data become 0.

    Args:
        per_band: Whether every band has its own limits; published is one pair for all,
            which keeps the ratios between bands.
        percentiles: Ranks of low and high among the valid pixels of a scene, per cent.
        limits: Fixed low and high instead, in stored units: a pair for all bands, or a
            pair per band. Then one value means the same in every scene.
        radiometry: ``'physical'`` stretches, and takes ``limits`` as, values times
            the scale plus the offset that the file declares for each band.
    """

    per_band: bool = False
    percentiles: tuple[float, float] = (1.0, 99.0)
    limits: Sequence | None = None
    radiometry: str = 'stored'

    def __post_init__(self) -> None:
        check.one_of("'radiometry' of 'stretch'", self.radiometry, RADIOMETRY)
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise UserError(
                f"expected 'percentiles' rising within 0 to 100, got "
                f'{self.percentiles}.'
            )
        if self.limits is not None:
            check.rising_pairs("'limits'", self.limits)

    def reversed(self) -> 'Stretch':
        """Return the same for the bands in reverse order."""
        return replace(self, limits=_reversed(self.limits))

    def range_of(self, scene: Scene, bands: Sequence[int]) -> np.ndarray:
        """Return low and high of the bands of a scene, in stored units.

        Over all bands of a scene, the joint percentiles are exact. Over some of them
        they come from the kept quantiles of each.

        Args:
            scene: As the index has it.
            bands: Band numbers from 1.

        Returns:
            Shape (len(bands), 2), in stored units.

        Raises:
            UserError: If the scene has no data, ``limits`` are of other bands, or no
                scale is declared for physical values.
        """
        if self.radiometry == 'physical':
            scale, offset = declared_scaling(scene, bands)
            return (self._range(scene, bands, scale, offset) - offset) / scale
        return self._range(scene, bands)

    def _range(
        self,
        scene: Scene,
        bands: Sequence[int],
        scale: np.ndarray | float = 1,
        offset: np.ndarray | float = 0,
    ) -> np.ndarray:
        """Return low and high of values times a scale plus an offset."""
        if self.limits is not None:
            limits = np.asarray(self.limits, np.float64)
            if limits.ndim == 2 and limits.shape[0] != len(bands):
                raise UserError(
                    f"expected 'limits' for {len(bands)} bands, got {len(limits)}."
                )
            return np.broadcast_to(limits, (len(bands), 2))
        if scene.stretch is None:
            raise UserError(f"expected data in '{scene.path}', got only no-data.")
        chosen = np.asarray(scene.quantiles)[np.asarray(bands) - 1] * scale + offset
        if self.per_band:
            return np.stack([np.interp(self.percentiles, RANKS, q) for q in chosen])
        whole = set(bands) == set(scene.data_bands)
        is_stored = self.radiometry == 'stored'
        if whole and is_stored and tuple(self.percentiles) == (1, 99):
            pair = np.asarray(scene.stretch)
        else:
            pair = joint_percentiles(chosen, self.percentiles)
        return np.broadcast_to(pair, (len(bands), 2))


def _reversed(values: Sequence | None) -> Sequence | None:
    """Reverse what is per band; leave a pair for all bands."""
    if values is None or (len(values) == 2 and np.ndim(values) == 1):
        return values
    return values[::-1]


def joint_percentiles(
    quantiles: np.ndarray, percentiles: tuple[float, float]
) -> np.ndarray:
    """Compute percentiles of several bands together, from the quantiles of each.

    The share of all values below v is the mean of the bands' shares below v.

    Args:
        quantiles: Values at `RANKS`, shape (bands, len(RANKS)).
        percentiles: Ranks, per cent.

    Returns:
        One value per rank.
    """
    values = np.unique(quantiles)
    # The right end of a run of equal values: all of them are "at most v".
    shares = np.mean(
        [
            np.interp(values, *_last_of_equal(band, np.asarray(RANKS)), left=0)
            for band in quantiles
        ],
        axis=0,
    )
    return np.interp(percentiles, shares, values)


def _last_of_equal(
    values: np.ndarray, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    last = np.append(np.diff(values) > 0, True)
    return values[last], ranks[last]


def stretch(pixels: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Stretch to 8 bits between limits per band.

    Args:
        pixels: Shape (H, W, C), real numbers.
        limits: Low and high per band, shape (C, 2).

    Returns:
        Shape (H, W, C), uint8.
    """
    if pixels.dtype.itemsize <= 2 and pixels.dtype.kind in 'iu':
        return look_up(pixels, table(pixels.dtype, limits))
    return to_eight_bits(pixels, limits[:, 0], limits[:, 1])


def table(dtype: np.dtype, limits: np.ndarray) -> np.ndarray:
    """Tabulate what each value of a small integer type becomes.

    Args:
        dtype: Integers of at most 16 bits.
        limits: Low and high per band, shape (C, 2).

    Returns:
        Shape (values of the type, C), or (values, 1) where all bands share limits; row
        n is for the value whose bits read n.
    """
    unsigned = np.dtype(f'u{np.dtype(dtype).itemsize}')
    values = np.arange(np.iinfo(unsigned).max + 1, dtype=unsigned).view(dtype)
    if (limits == limits[0]).all():
        limits = limits[:1]
    # A column is looked up in at a time.
    return np.asfortranarray(to_eight_bits(values[:, None], limits[:, 0], limits[:, 1]))


def look_up(pixels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Replace pixels by a `table`'s values; shape (H, W, C), uint8."""
    bits = pixels.view(f'u{pixels.dtype.itemsize}')
    out = np.empty(pixels.shape, np.uint8)
    # NumPy makes places of 8 bytes of all it looks up, as memory that is new each time.
    step = max(LOOKED_UP // bits[0].size, 1)
    for first in range(0, len(bits), step):
        part, place = bits[first : first + step], out[first : first + step]
        if values.shape[1] == 1:
            values[:, 0].take(part, out=place, mode='wrap')
            continue
        for band in range(pixels.shape[2]):
            place[..., band] = values[:, band].take(part[..., band], mode='wrap')
    return out


@dataclass(frozen=True)
class Reflectance:
    """Scale and normalize to floats, the same way for all scenes.

    A value v becomes ``(v * scale - mean) / std``; pixels without data become 0, or
    black where ``value_range`` is known and there is no mean.

    Args:
        scale: Physical units per stored unit, e.g. 1e-4 for Sentinel-2.
        mean: Per band, in physical units; None leaves this to the data preprocessor.
        std: Per band, in physical units.
        value_range: Black and white for transforms that change brightness, in physical
            units: a pair for all bands, or a pair per band; e.g. (0, 1), or decibels.
        radiometry: ``'physical'`` first applies the scale and offset that the file
            declares for each band, or the product of a stack of files; then ``scale``
            is usually left at 1. ``'stored'`` ignores them.
    """

    scale: float = 1.0
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    value_range: Sequence | None = None
    radiometry: str = 'stored'

    def __post_init__(self) -> None:
        check.one_of("'radiometry' of 'reflectance'", self.radiometry, RADIOMETRY)
        if self.value_range is not None:
            check.rising_pairs("'value_range' of 'reflectance'", self.value_range)
        if (self.mean is None) != (self.std is None) or (
            self.mean is not None and len(self.mean) != len(self.std or ())
        ):
            raise UserError(
                "expected as many numbers in 'mean' as in 'std' of 'reflectance', got "
                f'{self.mean} and {self.std}.'
            )
        if self.std is not None and min(self.std) <= 0:
            raise UserError(f"expected 'std' of 'reflectance' above 0, got {self.std}.")

    def __call__(
        self,
        pixels: np.ndarray,
        scene: Scene | ImageInfo | None = None,
        bands: Sequence[int] = (),
    ) -> np.ndarray:
        """Normalize pixels (H, W, C); gives float32.

        Args:
            pixels: As stored.
            scene: That declares the scale and offset of physical values.
            bands: Numbers, from 1, of the C bands in it.

        Raises:
            UserError: If the statistics are of another number of bands, or no scale is
                declared for physical values.
        """
        values = pixels.astype(np.float32)
        if self.radiometry == 'physical' and scene is not None:
            scale, offset = declared_scaling(scene, bands)
            values *= scale[:, 0].astype(np.float32)
            values += offset[:, 0].astype(np.float32)
        values *= np.float32(self.scale)
        if self.mean is None or self.std is None:
            return values
        self.check_bands(pixels.shape[2])
        mean, std = np.asarray([self.mean, self.std], np.float32)
        return (values - mean) / std

    def check_bands(self, bands: int) -> None:
        """Refuse what is given for another number of bands.

        Raises:
            UserError: If so.
        """
        counts = dict(mean=len(self.mean or ()), std=len(self.std or ()))
        if np.ndim(self.value_range or ()) == 2:
            counts['value_range'] = len(self.value_range or ())
        for name, count in counts.items():
            if count not in (0, bands):
                raise UserError(
                    f"expected '{name}' of 'reflectance' for {bands} bands, got "
                    f'{count}.'
                )

    def output_range(self) -> np.ndarray | None:
        """Return black and white as the images have them, (2,) or (C, 2), or None."""
        if self.value_range is None:
            return None
        limits = np.asarray(self.value_range, np.float32)
        if self.mean is None:
            return limits
        mean, std = np.asarray([self.mean, self.std], np.float32)[..., None]
        return (limits - mean) / std

    @property
    def fill(self) -> np.ndarray | float:
        """Value of pixels without data, a number or one per band, (C,)."""
        limits = self.output_range()
        return 0.0 if limits is None or self.mean is not None else limits[..., 0]

    def reversed(self) -> 'Reflectance':
        """Return the same for the bands in reverse order."""
        return replace(
            self,
            mean=_reversed(self.mean),
            std=_reversed(self.std),
            value_range=_reversed(self.value_range),
        )


def declared_scaling(
    scene: Scene | ImageInfo, bands: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and offset, from stored to physical values, of bands of a scene.

    Args:
        scene: As the index has it, or the header of an image.
        bands: Band numbers from 1.

    Returns:
        Each of shape (len(bands), 1).

    Raises:
        UserError: If the file declares none and stores whole numbers, or one is not
            above 0.
    """
    rows = np.asarray(bands) - 1
    scale = np.asarray(scene.scales, np.float64)[rows, None]
    offset = np.asarray(scene.offsets, np.float64)[rows, None]
    if (scale == 1).all() and (offset == 0).all() and scene.dtype[:5] != 'float':
        raise UserError(
            f"expected scale and offset in '{scene.path}' for radiometry='physical', "
            "it declares none; set 'scale' of 'reflectance' instead, or write them "
            'by gdal_edit.py -scale ... -offset ... FILE.'
        )
    if (scale <= 0).any():
        raise UserError(
            f"expected scales above 0 in '{scene.path}', got {scale.min():g}; write "
            'right ones by gdal_edit.py -scale ... FILE.'
        )
    return scale, offset
