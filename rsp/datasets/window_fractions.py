"""Compute class fractions of a window's own ground from rasters of land cover."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rsp.errors import UserError, shorten
from rsp.geo.windows.window import Window
from rsp.ops.fractions import class_fractions


class WindowFractions:
    """Compute the class fractions below windows.

    Args:
        scenes: Georeferenced.
        classes: Of the fractions, see `rsp.ops.fractions.class_fractions`.
        land_cover: Arguments of `rsp.geo.land_cover.zonal.LandCover`.

    Raises:
        UserError: If a scene has no reference system or transform, or one that leads
            nowhere, or the land cover cannot be used.
    """

    def __init__(
        self, scenes: Sequence[Any], classes: Sequence, **land_cover: Any
    ) -> None:
        from rsp.geo.geometry import transformer
        from rsp.geo.land_cover.zonal import LandCover
        from rsp.geo.rasters import WGS84

        self.scenes, self.classes = scenes, classes
        self.land_cover = LandCover(**land_cover)
        lost = [s.path for s in scenes if s.crs is None or s.transform is None]
        if lost:
            raise UserError(
                'expected a reference system and a transform in every scene for '
                f"'land_cover', {len(lost)} have none: {shorten(lost)}; add them "
                'with gdal_edit.py, or move these scenes away.'
            )
        for scene in {scene.crs: scene for scene in scenes}.values():
            try:
                transformer(scene.reference_system, WGS84)
            except UserError as error:
                raise UserError(f"'{scene.path}': {error}") from None

    def __call__(self, scene: int, window: Window) -> tuple[np.ndarray, float]:
        """Return fractions (C,), float32, and the share of the ground that is known."""
        from rsp.geo.footprint import Footprint

        facts = self.scenes[scene]
        ground = Footprint.from_window(facts.affine, facts.reference_system, window)
        cover = self.land_cover.count(ground)
        fractions = class_fractions(cover.counts, self.classes)
        return fractions.astype(np.float32), cover.coverage
