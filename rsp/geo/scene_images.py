"""Make images of windows of scenes: bands and radiometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from rsp.errors import UserError, shorten
from rsp.geo.bands.baselines import refuse_mixed_baselines
from rsp.geo.bands.choice import (
    BandChoice,
    agreed,
    choose_bands,
    differing_orders,
)
from rsp.geo.radiometry import (
    Reflectance,
    Stretch,
    declared_scaling,
    look_up,
    stretch,
    table,
)
from rsp.geo.scene import Scene
from rsp.geo.scene_index import SceneIndex
from rsp.geo.windows.pixels import Pixels
from rsp.geo.windows.reader import Region, WindowReader
from rsp.geo.windows.window import Window


class SceneImages:
    """Read windows of the scenes of an index as images (H, W, C).

    Three bands come in reverse, BGR as OpenCV and mmcv read files: color transforms
    then work, and ``to_rgb=True`` of a data preprocessor gives the model the order that
    ``bands`` tells. Any other number of bands comes in the order of ``bands``.

    Args:
        index: Of scenes that have windows, see `SceneIndex.select`.
        bands: Which ones, see `BandChoice`.
        stretch: To 8 bits, arguments of `Stretch`; None for 8-bit data as it is.
        reflectance: To floats instead, arguments of `Reflectance`.
        reader: Arguments of `WindowReader`.

    Attributes:
        scenes: In the order of the index.
        bands: Names or numbers as chosen; None where scenes number a band differently.
        chosen: What is known of the chosen bands, per scene.

    Raises:
        UserError: If bands or types of the scenes do not fit.
    """

    def __init__(
        self,
        index: SceneIndex,
        bands: BandChoice,
        stretch: dict[str, Any] | None,
        reflectance: dict[str, Any] | None,
        reader: dict[str, Any] | None,
    ) -> None:
        self.scenes, self.reader = index.scenes, WindowReader(**(reader or {}))
        self.stretch = None if stretch is None or reflectance else Stretch(**stretch)
        self.reflectance = None if reflectance is None else Reflectance(**reflectance)
        self._paths = [index.path_of(scene) for scene in self.scenes]
        self.choice = bands
        refuse_mixed_baselines(self.scenes, bands)
        self.chosen = choose_bands(self.scenes, bands)
        self.bands = tuple(bands.names or agreed(self.chosen, 'number'))
        _check_types(self.scenes, self.stretch is None and reflectance is None)
        # As they are read: reversed, if they are three.
        numbers = [tuple(band.number for band in chosen) for chosen in self.chosen]
        is_rgb = len(self.chosen[0]) == 3
        self._orders = [order[::-1] if is_rgb else order for order in numbers]
        if is_rgb:
            # What is given per band goes with them.
            self.stretch = self.stretch and self.stretch.reversed()
            self.reflectance = self.reflectance and self.reflectance.reversed()
        self._fill: np.ndarray | float = 0.0
        self._value_range = None
        if self.reflectance:
            self.reflectance.check_bands(len(self.chosen[0]))
            self._fill = self.reflectance.fill
            self._value_range = self.reflectance.output_range()
        self._table = lru_cache(maxsize=256)(self._make_table)
        if 'physical' in (
            getattr(r, 'radiometry', '') for r in (self.stretch, self.reflectance)
        ):
            for scene, order in zip(self.scenes, self._orders, strict=True):
                declared_scaling(scene, order)
        if self.stretch is not None:
            self.stretch.range_of(self.scenes[0], self._orders[0])

    def __getstate__(self) -> dict[str, Any]:
        return {name: v for name, v in vars(self).items() if name != '_table'}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._table = lru_cache(maxsize=256)(self._make_table)

    def band_info(self) -> dict[str, Any]:
        """Return what is known of the bands, in the order of ``bands``.

        ``bands`` as chosen, by number or name; per band, what all scenes agree on of
        ``band_names``, ``wavelengths`` (nm), ``scales`` and ``offsets``.
        """
        return dict(
            bands=self.bands,
            band_names=agreed(self.chosen, 'label'),
            wavelengths=agreed(self.chosen, 'wavelength'),
            scales=agreed(self.chosen, 'scale'),
            offsets=agreed(self.chosen, 'offset'),
        )

    def describe_differing(self) -> str:
        """Describe what is another band in other scenes, or nothing.

        Numbers may be, and codes: B4 is red of one Landsat and infrared of another.
        """
        said = differing_orders(self.chosen)
        if not said:
            return ''
        return (
            f'scenes order their bands differently, {", ".join(said)}; choose them by '
            f'name, e.g. bands={[b.label or b.number for b in self.chosen[0]]}'
        )

    @cached_property
    def resolutions(self) -> list[float]:
        """Ground sampling distances of the scenes that tell, meters."""
        found = (scene.resolution for scene in self.scenes)
        return [distance for distance in found if distance is not None]

    def region(self, scene: int, window: Window) -> Region:
        """Return what to read for a window."""
        facts, path = self.scenes[scene], self._paths[scene]
        masked = facts.mask == 'band'
        # A file that needs no decoding is read by mmap.
        mmap = facts.compression is None and not masked and self.reader.can_mmap(path)
        order = self._orders[scene]
        return Region(path, window, order, masked, facts.alphas, mmap)

    def image(
        self, scene: int, window: Window, region: Window | None = None
    ) -> tuple[np.ndarray, float]:
        """Read the image of a window.

        Args:
            scene: Number of the scene.
            window: Within the scene.
            region: What to read of a file that has to be decoded, if more than that.

        Returns:
            Shape (H, W, C), uint8 or float32, 0 where there is no data, also of a
            single band; and the share of its pixels without data in all.

        Raises:
            UserError: If the file cannot be read.
        """
        part = self.region(scene, window)
        if region is not None and not part.mmap:
            part = replace(part, window=region)
        pixels = self.reader.read(part, keep=part.window != window).cut(window)
        if self.reflectance is not None:
            facts, order = self.scenes[scene], self._orders[scene]
            image = self.reflectance(pixels.values, facts, order)
        else:
            image = self._eight_bits(scene, pixels.values)
        return image, self._empty(scene, pixels, image)

    def sample(
        self, scene: int, window: Window, region: Window | None = None
    ) -> tuple[dict[str, Any], float]:
        """Read a window as mm transforms take it, and the share of it without data."""
        image, nodata = self.image(scene, window, region)
        results = dict(
            img=image,
            img_path=self._paths[scene],
            window=window,
            ori_shape=image.shape[:2],
            img_shape=image.shape[:2],
        )
        if self._value_range is not None:
            results['value_range'] = self._value_range
        return results, nodata

    def eight_bits(self, scene: int, window: Window) -> np.ndarray:
        """Read a window stretched to 8 bits, whatever `image` gives; (H, W, C)."""
        pixels = self.reader.read(self.region(scene, window), keep=False)
        image = self._eight_bits(scene, pixels.values)
        self._empty(scene, pixels, image)
        return image

    def _empty(self, scene: int, pixels: Pixels, image: np.ndarray) -> float:
        """Fill an image where there is no data, and give the share of that."""
        all_bands = self.scenes[scene].nodata
        nodata = [all_bands[band - 1] for band in self._orders[scene]]
        if not pixels.has_nodata(nodata):
            return 0.0
        fill = self._fill if image.dtype == np.float32 else 0
        mask = pixels.nodata_mask(nodata)
        if mask is not None:
            np.copyto(image, fill, where=mask)
        valid = pixels.valid_mask(nodata)
        if valid is None:
            return 0.0
        np.copyto(image, fill, where=~valid[..., None])
        return 1 - np.count_nonzero(valid) / valid.size

    def _eight_bits(self, scene: int, values: np.ndarray) -> np.ndarray:
        if self.stretch is None and values.dtype == np.uint8:
            return values
        if values.dtype.itemsize <= 2 and values.dtype.kind in 'iu':
            return look_up(values, self._table(scene))
        return stretch(values, self._range(scene))

    def _make_table(self, scene: int) -> np.ndarray:
        return table(np.dtype(self.scenes[scene].dtype), self._range(scene))

    def _range(self, scene: int) -> np.ndarray:
        return (self.stretch or Stretch()).range_of(
            self.scenes[scene], self._orders[scene]
        )


def _check_types(scenes: Sequence[Scene], as_it_is: bool) -> None:
    mixed = [scene.path for scene in scenes if scene.dtypes_differ]
    complex_ = [scene.path for scene in scenes if np.dtype(scene.dtype).kind == 'c']
    for paths, what in ((mixed, 'one type of all bands'), (complex_, 'real numbers')):
        if paths:
            raise UserError(
                f'expected {what} in a scene, {len(paths)} have others: '
                f'{shorten(paths)}; convert them, e.g. by gdal_translate -ot.'
            )
    wide = [scene.path for scene in scenes if scene.dtype != 'uint8']
    if as_it_is and wide:
        types = sorted({scene.dtype for scene in scenes})
        raise UserError(
            f'expected 8-bit scenes, as they are taken as they are, got '
            f"{', '.join(types)}, e.g. '{wide[0]}'; set 'stretch' or 'reflectance'."
        )
