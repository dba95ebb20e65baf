"""What a drafted config is to be."""

from dataclasses import dataclass
from pathlib import Path

from rsp.errors import UserError

METHODS = ('gersp', 'cmid', 'geokr')


@dataclass(frozen=True)
class Wishes:
    """What a config is to be.

    Attributes:
        method: ``'gersp'``, ``'cmid'`` or ``'geokr'``.
        small: For minutes on a CPU instead of the published recipe.
        bands: Band numbers from 1; None for red, green and blue, or for all in GeoKR.
        window: Edge in pixels; None for one that suits the recipe and the scenes.
        photos: Folder of photos by class, for GeRSP; None for the project's few.
        land_cover: Raster of classes or folder of them, for GeoKR.
        class_map: Of ``land_cover``; None if its files tell.
        labels: Label file instead of ``land_cover``.
    """

    method: str
    small: bool = True
    bands: tuple[int, ...] | None = None
    window: int | None = None
    photos: Path | None = None
    land_cover: Path | None = None
    class_map: str | None = None
    labels: Path | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UserError(
                f'expected one of {", ".join(METHODS)}, got {self.method!r}.'
            )
        if self.window is not None and self.window < 1:
            raise UserError(
                f'expected --window of at least one pixel, got {self.window}.'
            )
        if self.method == 'geokr' and (self.land_cover is None) == (
            self.labels is None
        ):
            raise UserError(
                'geokr expects a map or labels of it; give one of --land-cover and '
                '--labels.'
            )
        if self.method != 'geokr' and self.bands and len(self.bands) != 3:
            raise UserError(
                f'{self.method} expects three bands, got --bands '
                f'{" ".join(map(str, self.bands))}; geokr takes any number.'
            )
