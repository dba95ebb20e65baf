"""Land-cover labels of the windows of some files, the work of one job."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from shapely.errors import GEOSException

from rsp.errors import UserError
from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.label_file import label_line
from rsp.geo.land_cover.zonal import LandCover, ZonalCounts
from rsp.geo.rasters import WGS84, georeference, open_raster
from rsp.geo.windows.window import Window
from rsp.ops.fractions import LAND_COVER_CLASSES
from rsp.ops.tiling import tile_offsets
from rsp.prepare.label.globeland30 import tile_name
from rsp.prepare.scan.acquisition_date import acquisition_date

SEA = LAND_COVER_CLASSES.index('sea')


@dataclass(frozen=True)
class Plan:
    """What is to be labelled, by what; every worker reads it.

    Args:
        scenes: Folder of georeferenced images.
        rasters: Files of the land cover.
        class_map: See `rsp.geo.land_cover.class_maps.load_class_map`; not None.
        crop_size: Edge of the windows in pixels; None labels whole files.
        stride: Pixels between windows.
        low_coverage: Windows of which a smaller share is known are listed.

    Raises:
        ValueError: If sizes are below one pixel, or there is a stride without windows.
    """

    scenes: str
    rasters: list[str]
    class_map: Any
    crop_size: int | None
    stride: int | None
    low_coverage: float

    def __post_init__(self) -> None:
        sizes = [size for size in (self.crop_size, self.stride) if size is not None]
        if min(sizes, default=1) < 1 or (self.stride and self.crop_size is None):
            raise UserError(
                "expected 'crop_size' (--crop-size) of at least one pixel, and with it "
                f"'stride' (--stride), got {self.crop_size} and {self.stride}; without "
                'both, whole files are labelled.'
            )


def windows_of(height: int, width: int, plan: Plan) -> list[Window]:
    """Windows of a scene in the official order, columns outside, rows inside.

    Edge windows are shifted inside, so all have one size; a scene that is smaller has
    none.
    """
    size = plan.crop_size
    if size is None:
        return [Window(0, 0, height, width)]
    if min(width, height) < size:
        return []
    stride = size if plan.stride is None else plan.stride
    rows = tile_offsets(height, size, stride)
    return [
        Window(top, left, size, size)
        for left in tile_offsets(width, size, stride)
        for top in rows
    ]


def label_files(job: dict) -> dict:
    """Label the windows of one job.

    Args:
        job: ``files`` relative to the scenes, ``part`` of each one's windows, and the
            path of the ``plan``.

    Returns:
        ``labels``: lines of the label file; ``images``: files with at least one;
        ``counts``: their sum by class;
        ``no_data``; ``unknown_codes``: cells by code, also of windows without a label;
        ``low``: image, window and coverage of windows of which little is known;
        ``skipped``: reason, image, window or None, and message.
    """
    plan, land_cover = _open_plan(job['plan'])
    tally = Tally(plan, land_cover)
    for name in job['files']:
        try:
            with open_raster(Path(plan.scenes) / name) as data:
                tally.label_file(name, data, job['part'])
        except (ValueError, FileNotFoundError) as error:
            tally.skip('unreadable', name, None, str(error))
    return tally.result()


class Tally:
    """Labels and what is to be reported of one job."""

    def __init__(self, plan: Plan, land_cover: LandCover) -> None:
        self.plan = plan
        self.land_cover = land_cover
        self.labels: list[str] = []
        self.images: dict[str, None] = {}
        self.counts = np.zeros(len(LAND_COVER_CLASSES))
        self.no_data = 0.0
        self.unknown_codes: dict[str, float] = {}
        self.low: list[list] = []
        self.skipped: list[list] = []

    def skip(
        self, reason: str, name: str, window: Window | None, message: str = ''
    ) -> None:
        """Note a file or window without a label."""
        place = None if window is None else list(window)
        self.skipped.append([reason, name, place, message])

    def label_file(
        self, name: str, data: rasterio.DatasetReader, part: list[int]
    ) -> None:
        """Label a part of the windows of an open scene."""
        try:
            transform, crs = georeference(data)
        except ValueError as error:
            return self.skip('without georeference', name, None, str(error))
        windows = windows_of(data.height, data.width, self.plan)
        if not windows:
            size = f'{data.width} x {data.height} pixels'
            return self.skip('smaller than the crop', name, None, size)
        facts = dict(
            crs=crs.to_string(),
            pixel_size=[
                float(np.hypot(transform.a, transform.d)),
                float(np.hypot(transform.b, transform.e)),
            ],
            date=acquisition_date(Path(name).name, data.tags()),
        )
        for window in windows[slice(*part)]:
            footprint = Footprint.from_window(transform, crs, window)
            try:
                cover = self.land_cover.count(footprint)
            except (ValueError, GEOSException) as error:
                self.skip('failed', name, window, str(error))
                continue
            self._note_codes(cover)
            reason = why_not(cover)
            if reason:
                self.skip(reason, name, window, self._hint(reason, footprint))
            else:
                self._keep(name, window, cover, facts)
        return None

    def _keep(
        self, name: str, window: Window, cover: ZonalCounts, facts: dict[str, Any]
    ) -> None:
        self.labels.append(
            label_line(
                name,
                window,
                cover.counts,
                no_data=cover.nodata,
                unknown=cover.unknown,
                coverage=cover.coverage,
                **facts,
            )
        )
        self.images[name] = None
        self.counts += cover.counts
        self.no_data += cover.nodata
        if cover.coverage < self.plan.low_coverage:
            self.low.append([name, list(window), cover.coverage])

    def _note_codes(self, cover: ZonalCounts) -> None:
        for code, cells in cover.unknown_codes.items():
            before = self.unknown_codes.get(str(code), 0.0)
            self.unknown_codes[str(code)] = before + cells

    def _hint(self, reason: str, footprint: Footprint) -> str:
        if reason != 'no match' or self.land_cover.class_map.name != 'globeland30':
            return ''
        try:
            centre = footprint.to_crs(WGS84).representative_point()
        except ValueError:
            return ''  # Over a pole.
        return f'needs the tile {tile_name(centre.x, centre.y)}'

    def result(self) -> dict:
        """What `label_files` returns."""
        return dict(
            labels=self.labels,
            images=[*self.images],
            counts=self.counts.tolist(),
            no_data=self.no_data,
            unknown_codes=self.unknown_codes,
            low=self.low,
            skipped=self.skipped,
        )


def why_not(cover: ZonalCounts) -> str | None:
    """Why a footprint gets no label, None if it does."""
    if not cover.area:
        return 'no match'
    if cover.counts.sum() > cover.counts[SEA]:
        return None
    if cover.unknown:
        return 'unknown codes only'
    return 'all sea' if cover.counts[SEA] else 'no data'


@lru_cache(maxsize=4)
def _open_plan(plan_file: str) -> tuple[Plan, LandCover]:
    """A worker's own land cover, read once: a plan's name changes with its content."""
    plan = Plan(**json.loads(Path(plan_file).read_text(encoding='utf-8')))
    return plan, LandCover(plan.rasters, plan.class_map)
