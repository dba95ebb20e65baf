"""Choose bands of scenes by number or name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rsp.errors import UserError, shorten
from rsp.geo.bands.names import band_code, find_sensor, name_bands, word_of
from rsp.geo.bands.sensors import SENSORS, Band
from rsp.geo.scene import Scene
from rsp.ops import check

RESAMPLING = ('nearest', 'bilinear', 'cubic', 'average')


@dataclass(frozen=True)
class BandChoice:
    """Store which bands are read, and how files of one band each become scenes.

    Attributes:
        names: Band numbers from 1, as GDAL counts; or names, found in each scene by its
            own: a color (``'red'``, ``'nir'``, ``'swir1'``), an official name
            (``'B04'``, ``'SR_B4'``, ``'VV'``) or one the file gives. None for all
            but alpha.
        sensor: Key of `rsp.geo.bands.sensors.SENSORS`, for files that do not tell it.
        stack: Whether files of one band each of the same ground, which differ in a part
            of their names such as ``_B02``, are one scene.
        pixel_size: Of stacks, in units of their reference system; None for that of
            the finest band that is not panchromatic.
        resampling: Of a stack's bands with other pixels, a name of GDAL's. With
            ``'nearest'``, coarser pixels are repeated and finer ones averaged.
        baseline: What is done about Sentinel-2's offset of 1000, stored since
            processing baseline 04.00: ``'undo'`` subtracts it in stacks, ``'keep'``
            takes all values as stored, and a number such as ``'0400'`` is
            the baseline of stacks that do not tell theirs.
    """

    names: Sequence[int | str] | None = None
    sensor: str | None = None
    stack: bool = True
    pixel_size: float | None = None
    resampling: str = 'nearest'
    baseline: str = 'undo'

    def __post_init__(self) -> None:
        if self.sensor is not None:
            check.one_of("'sensor' of 'bands'", self.sensor, SENSORS)
        check.one_of("'resampling' of 'bands'", self.resampling, RESAMPLING)
        if self.pixel_size is not None and self.pixel_size <= 0:
            raise UserError(
                f"expected 'pixel_size' of 'bands' above 0, got {self.pixel_size}."
            )
        if self.baseline not in ('undo', 'keep') and not re.fullmatch(
            r'\d{4}', str(self.baseline)
        ):
            raise UserError(
                "expected 'baseline' of 'bands' to be 'undo', 'keep' or four digits as "
                f"in '0400', got {self.baseline!r}."
            )
        names = self.names
        if names is not None and (isinstance(names, str) or not len(names)):
            raise UserError(
                f"expected band numbers or names in a list in 'bands', got {names!r}."
            )

    @classmethod
    def of(cls, bands: BandChoice | Mapping | Sequence[int | str] | None) -> BandChoice:
        """Return a choice from the option ``bands``: a list, a dict or None."""
        if isinstance(bands, BandChoice):
            return bands
        return cls(**bands) if isinstance(bands, Mapping) else cls(bands)

    @property
    def by_name(self) -> bool:
        """Tell whether bands are asked for by name."""
        return any(isinstance(name, str) for name in self.names or ())

    def stack_options(self) -> tuple:
        """Return what a stack depends on."""
        return self.stack, self.pixel_size, self.resampling, self.baseline

    def bands_of(self, scene: Scene) -> tuple[Band, ...]:
        """Return all bands of a scene with what is known of them."""
        return bands_of(scene, self.sensor)

    def find(self, scene: Scene) -> tuple[Band, ...]:
        """Return the chosen bands of a scene.

        Raises:
            UserError: If it lacks one, or does not tell which it is.
        """
        bands = self.bands_of(scene)
        if self.names is None:
            return tuple(bands[number - 1] for number in scene.data_bands)
        return tuple(self.pick(bands, name, scene.path) for name in self.names)

    def pick(self, bands: Sequence[Band], name: int | str, path: str) -> Band:
        """Return the band of a file that a number or a name of the choice means.

        Args:
            bands: Of the file, see `name_bands`.
            name: Number from 1, or name.
            path: Of the file, for messages.

        Raises:
            UserError: If no band or more than one is called so.
        """
        if not isinstance(name, str):
            return bands[int(name) - 1]
        matching = matching_bands(bands, name)
        if len(matching) == 1:
            return matching[0]
        if len(matching) > 1:
            numbers = ' and '.join(str(band.number) for band in matching)
            raise UserError(
                f"expected one band '{name}' in '{path}', bands {numbers} are "
                "called so; choose by number in 'bands'."
            )
        told = [band.label for band in bands if band.label is not None]
        if not told:
            raise UserError(
                f"expected a band '{name}' in '{path}', the file does not say "
                f"what its {len(bands)} bands are; name them by numbers in 'bands', by "
                "bands=dict(names=[...], sensor='...') if the order is the sensor's, "
                'or in the file by rasterio (dataset.descriptions).'
            )
        raise UserError(
            f"expected a band '{name}' in '{path}', it has {', '.join(told)}; "
            'choose other bands, or move the file away.'
        )


def choose_bands(scenes: Sequence[Scene], choice: BandChoice) -> list[tuple[Band, ...]]:
    """Return the chosen bands of each scene.

    Raises:
        UserError: If the scenes have different numbers of bands and all are wanted, or
            a scene lacks a band or does not tell which it is.
    """
    names = choice.names
    if names is None:
        _refuse_other_counts(scenes)
    numbers = [int(name) for name in names or () if not isinstance(name, str)]
    if numbers and min(numbers) < 1:
        raise UserError(
            f"expected band numbers from 1 in 'bands', as GDAL counts, got {names}."
        )
    short = [scene.path for scene in scenes if scene.bands < max(numbers, default=0)]
    if short:
        raise UserError(
            f"expected at least {max(numbers)} bands in every scene, for 'bands' "
            f'{list(names or ())}; {len(short)} have fewer: {shorten(short)}; '
            'choose other bands, or move these away.'
        )
    return [choice.find(scene) for scene in scenes]


def differing_orders(chosen: Sequence[Sequence[Band]]) -> list[str]:
    """Describe bands that scenes call differently, where they tell, by channel."""
    found = []
    for channel in range(len(chosen[0])):
        labels = {b[channel].color or '' for b in chosen} - {''}
        if len(labels) > 1:
            number = chosen[0][channel].number
            found.append(f'band {number} is {" or ".join(sorted(labels))}')
    return found


def agreed(chosen: Sequence[Sequence[Band]], fact: str) -> tuple:
    """Return a fact of each channel's band, None where scenes do not agree on it."""
    return tuple(
        values.pop() if len(values) == 1 else None
        for bands in zip(*chosen, strict=True)
        for values in [{getattr(band, fact) for band in bands}]
    )


def _refuse_other_counts(scenes: Sequence[Scene]) -> None:
    counts = Counter(len(scene.data_bands) for scene in scenes)
    if len(counts) > 1:
        rare = min(counts, key=lambda count: counts[count])
        example = next(s.path for s in scenes if len(s.data_bands) == rare)
        got = ', '.join(f'{n} with {k}' for k, n in sorted(counts.items()))
        raise UserError(
            f'expected as many bands in every scene, got {got} (e.g. '
            f"'{example}' with {rare}); choose some by 'bands', e.g. bands=[1, 2, "
            '3].'
        )


def bands_of(scene: Scene, sensor: str | None = None) -> tuple[Band, ...]:
    """Return the bands of a scene with what is known of them, see `name_bands`."""
    colors = list(scene.colors)
    if scene.translucent is not None:
        colors[scene.translucent - 1] = 'undefined'
    return name_bands(
        scene.descriptions,
        colors,
        find_sensor(scene.path, scene.tags) or sensor,
        scene.scales,
        scene.offsets,
    )


def matching_bands(bands: Sequence[Band], name: str) -> list[Band]:
    """Return the bands that a name means: by official name, else by color."""
    code, plain = band_code(name), name.strip().casefold()
    for same in (
        lambda band: (band.name or '').casefold() == plain,
        lambda band: code is not None and band_code(band.name) == code,
        lambda band: band.color is not None and band.color == word_of(name),
    ):
        found = [band for band in bands if same(band)]
        if found:
            return found
    return []
