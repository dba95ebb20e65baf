"""Label the windows of some files, the work of one process at a time."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from shapely.errors import GEOSException

from rsp.errors import UserError
from rsp.geo.files.acquisition_date import acquisition_date
from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.label_file import format_label
from rsp.geo.land_cover.zonal import LandCover, ZonalCounts
from rsp.geo.rasters import WGS84, georeference, open_raster
from rsp.geo.windows.valid_share import ValidShares
from rsp.geo.windows.window import Window
from rsp.ops.fractions import LAND_COVER_CLASSES
from rsp.prepare.label.globeland30 import tile_name
from rsp.prepare.label.job import LabelJob

NUM_CLASSES = len(LAND_COVER_CLASSES)
SEA = LAND_COVER_CLASSES.index('sea')


def label_files(part: dict) -> dict:
    """Label the windows of one part of a job.

    Args:
        part: ``files`` and ``windows``, see `LabelJob.split`, and the path of the
            ``job``.

    Returns:
        ``labels``: lines of the label file; ``images``: files with at least one;
        ``counts``: their sum by class; ``nodata``: cells; ``unknown_codes``: cells by
        code, also of windows without a label; ``low``: image, window and coverage of
        windows of which little is known; ``skipped``: reason, image, window or None,
        and message.
    """
    job, land_cover = _open_job(part['job'])
    labels = LabelAccumulator(job.low_coverage)
    for name in part['files']:
        try:
            with open_raster(Path(job.scenes) / name) as data:
                windows = job.windows(data.height, data.width)[slice(*part['windows'])]
                _label_windows(job, name, data, windows, land_cover, labels)
        except UserError as error:
            labels.skip('unreadable', name, None, str(error))
    return labels.result()


@dataclass
class LabelAccumulator:
    """Collect labels and the numbers of the report.

    Args:
        low_coverage: Share of known land cover, 0 to 1, below which a window is listed.
    """

    low_coverage: float
    labels: list[str] = field(default_factory=list)
    images: dict[str, None] = field(default_factory=dict)
    counts: np.ndarray = field(default_factory=lambda: np.zeros(NUM_CLASSES))
    nodata: float = 0.0
    unknown_codes: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    low: list[list] = field(default_factory=list)
    skipped: list[list] = field(default_factory=list)

    def add(
        self, name: str, window: Window, cover: ZonalCounts, facts: dict[str, Any]
    ) -> None:
        """Add the label of a window, with further ``facts`` for its line."""
        known = dict(
            nodata=cover.nodata, unknown=cover.unknown, coverage=cover.coverage
        )
        line = format_label(name, window, cover.counts, **known, **facts)
        self.labels.append(line)
        self.images[name] = None
        self.counts += cover.counts
        self.nodata += cover.nodata
        if cover.coverage < self.low_coverage:
            self.low.append([name, window, cover.coverage])

    def skip(
        self, reason: str, name: str, window: Window | None, message: str = ''
    ) -> None:
        """Add a file or window without a label."""
        self.skipped.append([reason, name, window, message])

    def result(self) -> dict:
        """Return what `label_files` returns."""
        results = vars(self) | dict(images=[*self.images], counts=self.counts.tolist())
        del results['low_coverage']
        return results


def _label_windows(
    job: LabelJob,
    name: str,
    data: rasterio.DatasetReader,
    windows: list[Window],
    land_cover: LandCover,
    labels: LabelAccumulator,
) -> None:
    """Label windows of an open scene."""
    try:
        transform, crs = georeference(data)
    except UserError as error:
        return labels.skip('without georeference', name, None, str(error))
    if not windows:
        size = f'{data.width} x {data.height} pixels'
        return labels.skip('smaller than the crop', name, None, size)
    edges = (transform.a, transform.d), (transform.b, transform.e)
    facts = dict(
        crs=crs.to_string(),
        pixel_size=[float(np.hypot(*edge)) for edge in edges],
        date=acquisition_date(Path(name).name, data.tags()),
    )
    valid_shares = ValidShares(data, Path(job.scenes, name))
    for window in windows:
        footprint = Footprint.from_window(transform, crs, window)
        try:
            counts = land_cover.count(footprint)
        except (UserError, GEOSException) as error:
            labels.skip('failed', name, window, str(error))
            continue
        for code, cells in counts.unknown_codes.items():
            labels.unknown_codes[str(code)] += cells
        reason = _reason_without_label(counts)
        if reason is not None:
            hint = _missing_tile(land_cover, footprint) if reason == 'no match' else ''
            labels.skip(reason, name, window, hint)
            continue
        valid = valid_shares(window)
        if 1 - valid > job.max_nodata or not valid:
            labels.skip('no pixels', name, window, f'{1 - valid:.0%} without data')
            continue
        # Of windows with data everywhere, the usual ones, nothing is said.
        share = {} if valid == 1 else dict(valid=round(valid, 6))
        labels.add(name, window, counts, facts | share)
    return None


def _reason_without_label(counts: ZonalCounts) -> str | None:
    """Return why a footprint gets no label, None if it gets one."""
    if not counts.area:
        return 'no match'
    if counts.counts.sum() > counts.counts[SEA]:
        return None
    if counts.unknown:
        return 'unknown codes only'
    return 'all sea' if counts.counts[SEA] else 'no data'


def _missing_tile(land_cover: LandCover, footprint: Footprint) -> str:
    """Name the tile of GlobeLand30 that would match, for a message."""
    if land_cover.class_map.name != 'globeland30':
        return ''
    try:
        center = footprint.to_crs(WGS84).representative_point()
    except UserError:
        return ''  # Over a pole.
    return f'needs the tile {tile_name(center.x, center.y)}'


@lru_cache(maxsize=4)
def _open_job(file: str) -> tuple[LabelJob, LandCover]:
    """Open the land cover of a job, once per process: a job's file never changes."""
    job = LabelJob(**json.loads(Path(file).read_text(encoding='utf-8')))
    return job, LandCover(job.rasters, job.class_map)
