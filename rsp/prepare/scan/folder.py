"""What lies in a folder of scenes or images."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import UserError
from rsp.geo.rasters import ENDINGS as SCENES
from rsp.geo.scene import stamp
from rsp.geo.scene_index import list_files
from rsp.io.files import outside
from rsp.prepare.jobs import run_jobs
from rsp.prepare.progress_log import ProgressLog
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.file_info import MEASURED, Found, add_bands, from_json, look
from rsp.prepare.scan.perceptual_hash import COPY, near_groups

EXTENSIONS = (*SCENES, '.jpg', '.jpeg', '.png', '.bmp')
LOG = 'census.jsonl'
# Of what `look` notes: results of another version are not reused.
VERSION = 2
# Files and bytes of a job: enough that telling about it is little of the work.
MOST_FILES, MOST_BYTES = 200, 200 * 2**20
PICTURES = 60


@dataclass(frozen=True)
class Census:
    """What was found.

    Attributes:
        root: The folder.
        found: Readable files, sorted by path.
        unreadable: Reason by path of the others.
        copies: Sets of paths of pictures that look the same.
        stored: By kind (see `Found`), statistics of each band's valid pixels.
        coloured: The same of red, green and blue in 8 bits, as for training on these.
    """

    root: Path
    found: list[Found]
    unreadable: dict[str, str]
    copies: list[list[str]]
    stored: dict[str, list[BandStatistics]]
    coloured: dict[str, list[BandStatistics]]

    @property
    def kinds(self) -> Counter[str]:
        """Files by kind, the most common first."""
        return Counter(dict(Counter(file.kind for file in self.found).most_common()))

    def of_kind(self, kind: str) -> list[Found]:
        """Files that are alike in bands and type."""
        return [file for file in self.found if file.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """The numbers, without pictures and histograms."""
        return dict(
            folder=str(self.root),
            files=len(self.found),
            kinds=dict(self.kinds),
            unreadable=self.unreadable,
            copies=self.copies,
            statistics={
                what: {
                    kind: [_describe(band) for band in bands if band.count]
                    for kind, bands in kinds.items()
                }
                for what, kinds in (
                    ('stored', self.stored),
                    ('red_green_blue_8_bit', self.coloured),
                )
            },
        )


def _describe(band: BandStatistics) -> dict[str, Any]:
    return dict(
        mean=band.mean,
        std=band.deviation,
        range=[band.low, band.high],
        percentiles=dict(zip(RANKS, band.percentiles(list(RANKS)), strict=True)),
    )


RANKS = (1, 2, 25, 50, 75, 98, 99)


def take_census(
    folder: Path,
    out: Path,
    display: Sequence[int] | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    land_cover: Path | None = None,
) -> Census:
    """Read every pixel of every file below a folder, once.

    An interrupted census goes on where it stopped; files that have changed are looked
    at again.

    Args:
        folder: Of GeoTIFF, COG, JPEG 2000, JPEG, PNG or BMP.
        out: Folder of the progress log.
        display: Band numbers that are red, green and blue; None if the files tell.
        scheduler: See `run_jobs`.
        workers: See `run_jobs`.
        land_cover: Raster of classes or folder of them; it may lie in the same folder,
            but is none of the scenes.

    Raises:
        FileNotFoundError: If there is no folder.
        ValueError: If there is no file in it that can be read, or ``out`` cannot be
            written.
    """
    _, files = list_files(folder, EXTENSIONS)
    files = outside(files, *(place for place in (out, land_cover) if place is not None))
    if not files:
        raise UserError(
            f"expected images in '{folder}' besides '{out}' and the land cover, found "
            'none.'
        )
    log = ProgressLog(out / LOG, dict(folder=str(folder.resolve())))
    names = [file.relative_to(folder).as_posix() for file in files]
    pictured = set(_spread(names, PICTURES))
    jobs = _jobs(folder, files, pictured, display)
    if len(jobs) == 1 and scheduler is None:
        workers = 0  # Done before other processes have started.
    results = run_jobs(
        look,
        jobs,
        log,
        scheduler=scheduler,
        workers=workers,
        description='scanning',
    )
    for result in results:
        if 'error' in result:
            raise UserError(f"cannot look at '{folder}': {result['error']}.")
    found = sorted(
        (from_json(file) for result in results for file in result['found']),
        key=lambda file: file.path,
    )
    unreadable = {
        path: reason for result in results for path, reason in result['unreadable']
    }
    if not found:
        path, reason = next(iter(unreadable.items()))
        raise UserError(
            f"expected images in '{folder}', got {len(unreadable)} files that cannot "
            f"be read; of '{path}': {reason}"
        )
    totals: dict[str, dict[str, list[BandStatistics]]] = {what: {} for what in MEASURED}
    for result in results:
        for what, kinds in totals.items():
            for kind, bands in result[what].items():
                add_bands(kinds, kind, [BandStatistics.from_json(b) for b in bands])
    return Census(folder, found, unreadable, _copies(found), **totals)


def _jobs(
    folder: Path,
    files: Sequence[Path],
    pictured: set[str],
    display: Sequence[int] | None,
) -> list[dict[str, Any]]:
    """Files in portions; the key changes with what is in them."""
    portions: list[list[tuple[str, int, int]]] = [[]]
    for file in files:
        size = sum(entry[1] for entry in portions[-1])
        if len(portions[-1]) >= MOST_FILES or size >= MOST_BYTES:
            portions.append([])
        portions[-1].append((file.relative_to(folder).as_posix(), *stamp(file)))
    jobs = []
    for portion in portions:
        names = [name for name, *_ in portion]
        job = dict(
            root=str(folder),
            names=names,
            pictured=[name for name in names if name in pictured],
            display=None if display is None else list(display),
        )
        digest = hashlib.sha256(repr((VERSION, portion, job)).encode()).hexdigest()
        jobs.append(job | dict(key=digest[:16]))
    return jobs


def _spread(names: Sequence[str], most: int) -> list[str]:
    """So many names, evenly spread."""
    if len(names) <= most:
        return list(names)
    return [names[place * len(names) // most] for place in range(most)]


def _copies(found: Sequence[Found]) -> list[list[str]]:
    hashed = [file for file in found if file.hash is not None]
    if len(hashed) < 2:
        return []
    hashes = np.array(
        [np.frombuffer(bytes.fromhex(file.hash or ''), np.uint8) for file in hashed]
    )
    groups = near_groups(hashes, COPY)
    return [[hashed[row].path for row in group] for group in groups]
