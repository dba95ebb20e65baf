"""Scan a folder of scenes or images: read every pixel of every file once."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import UserError
from rsp.geo.bands.vrt import SceneFiles, scene_files
from rsp.geo.files.listing import list_files
from rsp.geo.files.signature import Signatures
from rsp.geo.rasters import ENDINGS as SCENES
from rsp.geo.rasters import IMAGE_ENDINGS
from rsp.io.files import outside
from rsp.prepare.jobs import run_jobs
from rsp.prepare.progress_log import ProgressLog
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.file_info import STATISTICS, FileInfo, merge_bands, scan_files
from rsp.prepare.scan.perceptual_hash import COPY, near_groups

EXTENSIONS = (*SCENES, *IMAGE_ENDINGS)
LOG = 'scan.jsonl'
# Version of the results of `scan_files`; results of another version are not reused.
VERSION = 7
# Most files and bytes of a job: enough that sending it is a small part of its time.
MOST_FILES, MOST_BYTES = 200, 200 * 2**20
# Files of a folder that get a thumbnail.
PICTURES = 60
PERCENTILES = (1, 2, 25, 50, 75, 98, 99)


@dataclass(frozen=True)
class Scan:
    """Store the results of a scan.

    Attributes:
        root: The folder.
        files: Readable files, sorted by path.
        unreadable: Errors of the other files, by path.
        copies: Paths of each set of pictures that look the same.
        stored: By pixel format, statistics of each band's valid pixels.
        rgb: The same of red, green and blue in 8 bits, as in training on three bands.
        named: The same as ``stored`` of bands that have names, see `named_key`.
        parts: Files of each scene that is a stack of files of one band each.
        others: Files of such scenes' products that are no bands, and were left out.
        previews: Images beside rasters of the same name, which were left out.
    """

    root: Path
    files: list[FileInfo]
    unreadable: dict[str, str]
    copies: list[list[str]]
    stored: dict[str, list[BandStatistics]]
    rgb: dict[str, list[BandStatistics]]
    named: dict[str, list[BandStatistics]] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    previews: tuple[str, ...] = ()

    @property
    def pixel_formats(self) -> Counter[str]:
        """Count files by pixel format, images first, and the most common of these."""
        counts = Counter(file.pixel_format for file in self.files)
        maps = {file.pixel_format: file.is_map for file in self.files}
        order = sorted(counts, key=lambda name: (maps[name], -counts[name]))
        return Counter({name: counts[name] for name in order})

    def with_format(self, pixel_format: str) -> list[FileInfo]:
        """Return the files of a pixel format."""
        return [file for file in self.files if file.pixel_format == pixel_format]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, without pictures and histograms."""
        return dict(
            folder=str(self.root),
            files=len(self.files),
            pixel_formats=dict(self.pixel_formats),
            unreadable=self.unreadable,
            copies=self.copies,
            statistics={
                key: {
                    pixel_format: [_describe(band) for band in bands if band.count]
                    for pixel_format, bands in statistics.items()
                }
                for key, statistics in (
                    ('stored', self.stored),
                    ('red_green_blue_8_bit', self.rgb),
                )
            },
        )


def _describe(band: BandStatistics) -> dict[str, Any]:
    values = band.percentiles([*PERCENTILES])
    return dict(
        mean=band.mean,
        std=band.std,
        range=[band.low, band.high],
        percentiles=dict(zip(PERCENTILES, values, strict=True)),
    )


def scan_folder(
    folder: Path,
    out: Path,
    display: Sequence[int | str] | None = None,
    land_cover: Path | None = None,
    **cluster: Any,
) -> Scan:
    """Read every pixel of every file below a folder, once.

    An interrupted scan resumes; files that have changed are scanned again.

    Args:
        folder: Of GeoTIFF, COG, JPEG 2000, JPEG, PNG or BMP.
        out: Folder of the progress log.
        display: Numbers or names of the red, green and blue band; None to detect them
            by file.
        land_cover: Raster of classes or folder of them; left out of the scan if it
            lies in the same folder.
        cluster: ``scheduler`` and ``workers`` of `run_jobs`.

    Raises:
        MissingData: If there is no folder.
        UserError: If no file in it can be read, or ``out`` cannot be written.
    """
    _, files = list_files(folder, EXTENSIONS)
    # Results beside the scenes are no images; those in a folder of their own may be.
    beside = folder.resolve().is_relative_to(out.resolve())
    places = (None if beside else out, land_cover)
    files = outside(files, *(place for place in places if place is not None))
    if not files:
        raise UserError(
            f"expected images in '{folder}' besides '{out}' and the land cover, found "
            'none.'
        )
    rasters = {f.with_suffix('') for f in files if f.suffix.lower() in SCENES}
    previews = [
        file
        for file in files
        if file.suffix.lower() not in SCENES and file.with_suffix('') in rasters
    ]
    files = [file for file in files if file not in set(previews)]
    located = scene_files(folder, files)
    jobs = _plan_jobs(folder, located, display)
    if len(jobs) == 1 and cluster.get('scheduler') is None:
        cluster['workers'] = 0  # Done before other processes have started.
    results = run_jobs(
        scan_files,
        jobs,
        ProgressLog(out / LOG, dict(folder=str(folder.resolve()))),
        description='scanning',
        **cluster,
    )
    for result in results:
        if 'error' in result:
            raise UserError(f"cannot scan '{folder}': {result['error']}.")
    return replace(
        _merge(folder, results, located),
        previews=tuple(file.relative_to(folder).as_posix() for file in previews),
    )


def _plan_jobs(
    folder: Path, located: SceneFiles, display: Sequence[int | str] | None
) -> list[dict[str, Any]]:
    """Distribute files among jobs whose keys change with the files."""
    signatures = Signatures()
    portions: list[list[tuple[str, int, str]]] = [[]]
    for name, file in located.paths.items():
        size = sum(entry[1] for entry in portions[-1])
        if len(portions[-1]) >= MOST_FILES or size >= MOST_BYTES:
            portions.append([])
        portions[-1].append(
            (
                name,
                sum(Path(p).stat().st_size for p in located.parts.get(name, [file])),
                signatures(file),
            )
        )
    every = [*located.paths]
    pictured = {every[n * len(every) // PICTURES] for n in range(PICTURES)}
    jobs = []
    for portion in portions:
        names = [name for name, *_ in portion]
        job = dict(
            root=str(folder),
            names=names,
            pictured=[name for name in names if name in pictured],
            stacks={n: str(located.paths[n]) for n in names if n in located.parts},
            display=None if display is None else list(display),
        )
        digest = hashlib.sha256(repr((VERSION, portion, job)).encode()).hexdigest()
        jobs.append(job | dict(key=digest[:16]))
    return jobs


def _merge(
    folder: Path, results: Sequence[dict[str, Any]], located: SceneFiles
) -> Scan:
    files = sorted(
        (FileInfo.from_json(file) for result in results for file in result['files']),
        key=lambda file: file.path,
    )
    unreadable = {
        path: reason for result in results for path, reason in result['unreadable']
    } | located.broken
    if not files:
        path, reason = next(iter(unreadable.items()))
        raise UserError(
            f"expected images in '{folder}', got {len(unreadable)} files that cannot "
            f"be read; of '{path}': {reason}"
        )
    totals: dict[str, dict[str, list[BandStatistics]]] = {n: {} for n in STATISTICS}
    for result in results:
        for key, total in totals.items():
            for pixel_format, bands in result[key].items():
                merge_bands(
                    total, pixel_format, [BandStatistics.from_json(b) for b in bands]
                )
    parts = {
        name: [part.relative_to(folder).as_posix() for part in stacked]
        for name, stacked in located.parts.items()
    }
    return Scan(
        folder,
        files,
        unreadable,
        _find_copies(files),
        totals['stored'],
        totals['rgb'],
        totals['named'],
        parts=parts,
        others=located.others,
    )


def _find_copies(files: Sequence[FileInfo]) -> list[list[str]]:
    hashes = {file.path: file.hash for file in files if file.hash is not None}
    paths = [*hashes]
    rows = np.array([[*bytes.fromhex(text)] for text in hashes.values()], np.uint8)
    return [[paths[row] for row in group] for group in near_groups(rows, COPY)]
