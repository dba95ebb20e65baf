"""Choose what a generated config trains."""

from dataclasses import dataclass
from pathlib import Path

from rsp.errors import UserError
from rsp.ops import check
from rsp.prepare.generate.methods import METHODS, Method


@dataclass(frozen=True)
class Options:
    """Store the choices of a generated config.

    Attributes:
        method: A key of `METHODS`.
        small: Minutes on a CPU instead of the published recipe.
        bands: Band numbers from 1; None for red, green and blue, or for all if the
            method takes any number.
        window: Edge in pixels; None for one that suits the recipe and the scenes.
        photos: Folder of photos by class, for GeRSP; None for the project's few.
        land_cover: Raster of classes or folder of them, for GeoKR.
        class_map: Of ``land_cover``; None if its files tell.
        labels: Label file instead of ``land_cover``.

    Raises:
        UserError: If the method is unknown or the others do not fit it.
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
        check.one_of('method', self.method, METHODS)
        if self.window is not None:
            check.at_least('--window', self.window, 1)
        facts = self.facts
        if facts.land_cover and (self.land_cover is None) == (self.labels is None):
            raise UserError(
                f'{self.method} expects a map or labels of it; give one of '
                '--land-cover and --labels.'
            )
        if not facts.any_bands and self.bands and len(self.bands) != 3:
            others = ', '.join(name for name, m in METHODS.items() if m.any_bands)
            raise UserError(
                f'{self.method} expects three bands, got --bands '
                f'{" ".join(map(str, self.bands))}; any number is taken by {others}.'
            )

    @property
    def facts(self) -> Method:
        """Return the description of the method."""
        return METHODS[self.method]
