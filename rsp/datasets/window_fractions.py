"""Compute class fractions of a window's own ground from rasters of land cover."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.logging import print_log

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
            nowhere, the land cover cannot be used, or its class map does not list the
            codes below the scenes.
    """

    def __init__(
        self, scenes: Sequence[Any], classes: Sequence, **land_cover: Any
    ) -> None:
        from rsp.geo.geometry import transformer
        from rsp.geo.land_cover.zonal import LandCover
        from rsp.geo.rasters import WGS84, refuse_place

        self.scenes, self.classes = scenes, classes
        self.land_cover = LandCover(**land_cover)
        for note in self.land_cover.notes if is_main_process() else ():
            print_log(f'land_cover: {note}', logger='current', level=logging.WARNING)
        lost = [s for s in scenes if s.crs is None or s.transform is None]
        if lost:
            first = lost[0]
            cause = refuse_place(first.path, first.crs, first.transform, first.tied_by)
            raise UserError(
                'expected a place on the ground of every scene for '
                f"'land_cover', {len(lost)} have none: "
                f'{shorten([s.path for s in lost])}; the first: {cause} Or move these '
                'scenes away.'
            )
        for scene in {scene.crs: scene for scene in scenes}.values():
            try:
                transformer(scene.reference_system, WGS84)
            except UserError as error:
                raise UserError(f"'{scene.path}': {error}") from None
        self._refuse_misfit()

    def __call__(self, scene: int, window: Window) -> tuple[np.ndarray, float]:
        """Return fractions (C,), float32, and the share of the ground that is known."""
        from rsp.geo.footprint import Footprint

        facts = self.scenes[scene]
        ground = Footprint.from_window(facts.affine, facts.reference_system, window)
        cover = self.land_cover.count(ground)
        fractions = class_fractions(cover.counts, self.classes)
        return fractions.astype(np.float32), cover.coverage

    def _refuse_misfit(self) -> None:
        """Refuse a class map that does not list the codes below the scenes."""
        from rsp.geo.land_cover.class_map_fit import evenly, middle, refuse_misfit

        unknown = refuse_misfit(
            self.land_cover,
            (
                middle(s.affine, s.reference_system, s.height, s.width)
                for s in evenly(self.scenes)
            ),
        )
        if unknown:
            listed = ', '.join(f'{code} ({n:g} cells)' for code, n in unknown.items())
            print_log(
                f"codes that the class map '{self.land_cover.class_map.name}' does not "
                f'know, in the middle of scenes: {listed}; no class gets them. Name '
                'them in a class map of your own.',
                logger='current',
                level=logging.WARNING,
            )
