"""Read chosen bands of whole image files, by the rules for windows of scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rsp.errors import UserError
from rsp.geo.bands.choice import BandChoice
from rsp.geo.bands.names import find_sensor, name_bands
from rsp.geo.bands.sensors import Band
from rsp.geo.bands.true_colors import true_colors
from rsp.geo.nodata import nodata_mask, valid_pixels
from rsp.geo.radiometry import Reflectance, declared_scaling
from rsp.io.images import ImageInfo
from rsp.io.images.color_rule import MOST_PIXELS, is_real
from rsp.io.images.masking import declared_valid, is_mask
from rsp.io.images.rasters import info_of, open_raster

if TYPE_CHECKING:
    from rasterio import DatasetReader


@dataclass(frozen=True)
class WholeImages:
    """Read files that hold one image each, such as a class folder's, as floats.

    Attributes:
        choice: Bands by number or name.
        reflectance: What becomes of the stored values; without mean and std, which the
            data preprocessor has.
    """

    choice: BandChoice
    reflectance: Reflectance

    @classmethod
    def of(cls, bands: Any, reflectance: Mapping[str, Any] | None) -> WholeImages:
        """Return one from options as `rsp.SceneDataset` has them.

        Args:
            bands: List of numbers and names, or arguments of `BandChoice`.
            reflectance: Arguments of `Reflectance`; None for none.

        Raises:
            UserError: If it normalizes, which is the data preprocessor's.
        """
        chosen = Reflectance(**(reflectance or {}))
        if chosen.mean is not None:
            raise UserError(
                "expected 'reflectance' of rsp.LoadImageFromFile without mean and std, "
                "got them; set 'mean' and 'std' of model.data_preprocessor."
            )
        return cls(BandChoice.of(bands), chosen)

    def numbers(self, path: str, content: bytes | None = None) -> tuple[int, ...]:
        """Return the numbers from 1 of the chosen bands of a file.

        Raises:
            UserError: If it lacks one, or does not tell which it is.
        """
        with open_raster(path, content) as dataset:
            return self._numbers(dataset, info_of(dataset, path))

    def colors(
        self, path: str, content: bytes | None = None
    ) -> tuple[tuple[int, int, int] | None, tuple[str, ...]]:
        """Return where red, green and blue are among the chosen bands of a file.

        Returns:
            Positions from 1 in the order chosen, None where the file does not tell; and
            the names of all chosen bands, their numbers where they have none.
        """
        with open_raster(path, content) as dataset:
            info = info_of(dataset, path)
            numbers = self._numbers(dataset, info)
            bands = self._named(dataset, info)
            sensor = find_sensor(path, dataset.tags()) or self.choice.sensor
        chosen = [bands[number - 1] for number in numbers]
        in_order = numbers == tuple(range(1, len(bands) + 1))
        found = true_colors(chosen, sensor if in_order else None)
        return found, tuple(b.name or b.color or str(b.number) for b in chosen)

    def judge(self, path: str, content: bytes | None = None) -> None:
        """Refuse by its header what `read` refuses."""
        with open_raster(path, content) as dataset:
            info = info_of(dataset, path)
            self._require(info, self._numbers(dataset, info))

    def read(self, path: str, content: bytes | None = None) -> np.ndarray:
        """Read the chosen bands of a file.

        Args:
            path: Of the file; with ``content`` only its name.
            content: Of the file, where it comes from elsewhere.

        Returns:
            Shape (H, W, C), float32, in the order chosen; black, or 0 where black is
            not known, where there is no data.

        Raises:
            MissingData: If there is no such file.
            BrokenFile: If rasterio cannot read it.
            UserError: If it has not these bands, or declares no scale that is asked
                for.
        """
        with open_raster(path, content) as dataset:
            info = info_of(dataset, path)
            numbers = self._numbers(dataset, info)
            self._require(info, numbers)
            stored = dataset.read(list(numbers))
            masks = self._masks(dataset, info, numbers)
            declared = declared_valid(dataset, masks)
        image = self.reflectance(stored.transpose(1, 2, 0), info, numbers)
        nodata = [info.nodata[number - 1] for number in numbers]
        fill = self.reflectance.fill
        valid = valid_pixels(stored, nodata, declared)
        if not valid.all():
            np.copyto(image, fill, where=~valid[..., None])
        absent = nodata_mask(stored, nodata)
        if absent is not None:
            np.copyto(image, fill, where=absent.transpose(1, 2, 0))
        return np.ascontiguousarray(image)

    def _numbers(self, dataset: DatasetReader, info: ImageInfo) -> tuple[int, ...]:
        names = self.choice.names
        if names is None:
            masks = self._masks(dataset, info, ())
            return tuple(n for n in dataset.indexes if n not in masks)
        count = max((int(n) for n in names if not isinstance(n, str)), default=0)
        if count > info.bands:
            raise UserError(
                f"expected the bands {[*names]} in '{info.path}', got {info.bands}; "
                "change 'bands'."
            )
        if not self.choice.by_name:
            return tuple(int(name) for name in names)
        bands = self._named(dataset, info)
        return tuple(self.choice.pick(bands, name, info.path).number for name in names)

    def _named(self, dataset: DatasetReader, info: ImageInfo) -> tuple[Band, ...]:
        """Return all bands of a file with what is known of them."""
        sensor = find_sensor(info.path, dataset.tags()) or self.choice.sensor
        return name_bands(info.descriptions, info.colors, sensor)

    @staticmethod
    def _masks(
        dataset: DatasetReader, info: ImageInfo, chosen: Sequence[int]
    ) -> tuple[int, ...]:
        """Return the bands that are masks and not chosen as data."""
        named = [band for band in info.alpha_bands if band not in chosen]
        if not named:
            return ()
        colors = dataset.read(list(info.data_bands)).transpose(1, 2, 0)
        return tuple(band for band in named if is_mask(dataset.read(band), colors))

    def _require(self, info: ImageInfo, numbers: Sequence[int]) -> None:
        kinds = {info.dtypes[number - 1] for number in numbers}
        if len(kinds) != 1 or not is_real(kinds) or info.palette is not None:
            got = 'a palette' if info.palette else ', '.join(info.dtypes)
            raise UserError(
                f"expected bands of one real type in '{info.path}', got {got}; convert "
                "it by gdal_translate -ot, or choose others by 'bands'."
            )
        if info.height * info.width > MOST_PIXELS:
            raise UserError(
                f"expected at most {MOST_PIXELS:,} pixels in '{info.path}', got "
                f'{info.height:,} x {info.width:,}; read windows of it by '
                'rsp.SceneDataset.'
            )
        self.reflectance.check_bands(len(numbers))
        if self.reflectance.radiometry == 'physical':
            declared_scaling(info, numbers)
