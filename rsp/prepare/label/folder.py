"""Label a folder of georeferenced images by a land-cover map."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rsp.errors import MissingData, UserError
from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.class_map_fit import evenly, middle, refuse_misfit
from rsp.geo.land_cover.class_maps import load_class_map
from rsp.geo.land_cover.label_file import NAME, PICTURE, write_labels
from rsp.geo.land_cover.rasters import list_rasters
from rsp.geo.land_cover.zonal import LandCover
from rsp.geo.rasters import georeference, open_raster
from rsp.io.files import make_folder, outside
from rsp.prepare.jobs import run_jobs
from rsp.prepare.label.job import LabelJob, digest, rasters_signature
from rsp.prepare.label.map_figure import draw_map
from rsp.prepare.label.report import summarize, write_report
from rsp.prepare.label.windows import label_files
from rsp.prepare.progress_log import ProgressLog

LOG = 'progress.jsonl'


def make_labels(
    job: LabelJob,
    out: Path,
    with_map: bool = True,
    **cluster: Any,
) -> dict[str, Any]:
    """Label a folder of scenes and write labels, report and map.

    Args:
        job: Scenes, map and windows; rasters may be folders, and the class map None
            where the rasters certainly have one.
        out: Folder for the result.
        with_map: Draw the scenes over the land cover.
        cluster: ``scheduler`` and ``workers`` of `rsp.prepare.jobs.run_jobs`.

    Returns:
        Summary, see `rsp.prepare.label.report.summarize`.

    Raises:
        UserError: See `LandCover` and `label_folder`.
    """
    land_cover = LandCover(job.rasters, job.class_map)
    job = replace(
        job,
        rasters=[str(raster.path) for raster in land_cover.rasters],
        class_map=job.class_map or land_cover.class_map.name,
    )
    # Before anything is written, which another class map could not go on with.
    refuse_misfit(land_cover, _grounds(job, list_scenes(job, out)))
    results = label_folder(job, out, **cluster)
    summary = summarize(results, land_cover.class_map, land_cover.notes)
    drawn = 0
    if with_map:
        names = list_scenes(job, out)
        labeled = {name for result in results for name in result['images']}
        drawn = draw_map(land_cover, Path(job.scenes), names, labeled, out / PICTURE)
    write_report(out, summary, PICTURE if drawn else None)
    return summary


def label_folder(job: LabelJob, out: Path, **cluster: Any) -> list[dict]:
    """Label all windows of a folder of scenes and write ``out/labels.jsonl``.

    An interrupted run resumes.

    Args:
        job: Scenes, map and windows; rasters are files.
        out: Folder for the result.
        cluster: ``scheduler`` and ``workers`` of `rsp.prepare.jobs.run_jobs`.

    Returns:
        Results of each part, see `rsp.prepare.label.windows.label_files`.

    Raises:
        MissingData: If there are no scenes.
        UserError: If ``out`` cannot be written or holds labels of another job, of a
            class map or of rasters that have changed since, or some scenes cannot be
            labeled.
    """
    scenes = list_scenes(job, out)
    make_folder(out)
    class_map = load_class_map(job.class_map)
    # Rasters and class maps may change under their name.
    settings = asdict(job) | dict(
        rasters_signature=rasters_signature(map(Path, job.rasters)),
        class_map_content=digest(
            [sorted(class_map.codes.items()), sorted(class_map.nodata)]
        ),
    )
    # A file, since a job may list thousands of rasters and each part needs it.
    job_file = (out / f'job-{digest(settings)}.json').resolve()
    job_file.write_text(json.dumps(asdict(job)), encoding='utf-8')
    results = run_jobs(
        label_files,
        [dict(part, job=str(job_file)) for part in job.split(scenes)],
        ProgressLog(out / LOG, settings),
        description='labeling',
        **cluster,
    )
    failed = [result['error'] for result in results if 'error' in result]
    if failed:
        raise UserError(
            f'{len(failed)} of {len(results)} parts of the work failed (the first: '
            f'{failed[0]}); run the same command again, finished parts are kept.'
        )
    header = dict(scenes=job.scenes, class_map=class_map.name, rasters=job.rasters)
    lines = (line for result in results for line in result['labels'])
    write_labels(out / NAME, header, lines)
    job_file.unlink()
    return results


def list_scenes(job: LabelJob, out: Path) -> list[str]:
    """List the rasters below the folder of scenes, as sorted relative paths.

    The land cover and the results are left out; they may lie in the same folder, and
    the scenes in that of the results.

    Raises:
        MissingData: If there is none.
    """
    folder = Path(job.scenes)
    files = list_rasters(folder) if folder.is_dir() else []
    scenes = outside(files, out / PICTURE, *map(Path, job.rasters))
    names = sorted(file.relative_to(folder).as_posix() for file in scenes)
    if not names:
        raise MissingData(
            f"expected a folder with georeferenced images at '{folder}', found none."
        )
    return names


def _grounds(job: LabelJob, names: Sequence[str]) -> Iterator[Footprint]:
    """Yield the middle of some scenes; those that cannot be used are reported later."""
    for name in evenly(names):
        with suppress(UserError), open_raster(Path(job.scenes) / name) as data:
            transform, crs = georeference(data)
            yield middle(transform, crs, data.height, data.width)
