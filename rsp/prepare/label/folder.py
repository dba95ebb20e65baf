"""Land-cover labels of a folder of georeferenced images."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rsp.errors import MissingData, UserError
from rsp.geo.land_cover.class_maps import load_class_map
from rsp.geo.land_cover.label_file import NAME, write_labels
from rsp.geo.land_cover.rasters import list_rasters
from rsp.geo.rasters import open_raster
from rsp.io.files import make_folder, outside
from rsp.prepare.jobs import run_jobs
from rsp.prepare.label.job import Plan, label_files, windows_of
from rsp.prepare.progress_log import ProgressLog

# Small enough to share work evenly and lose little, large enough to be worth a message.
FILES_PER_JOB = 32
WINDOWS_PER_JOB = 512


def label_folder(
    plan: Plan,
    out: Path,
    scheduler: str | None = None,
    workers: int | None = None,
) -> list[dict]:
    """Label all windows of a folder of scenes and write ``out/labels.jsonl``.

    Interrupted, the same call goes on where it stopped.

    Args:
        plan: What to label by what.
        out: Folder of the result.
        scheduler: Of a dask cluster, see `rsp.prepare.jobs.run_jobs`.
        workers: Processes on this machine.

    Returns:
        What each job found, see `rsp.prepare.label.job.label_files`.

    Raises:
        FileNotFoundError: If there are no scenes.
        ValueError: If the land cover cannot be used, ``out`` cannot be written or holds
            labels of another plan, of a class map or of rasters that have changed
            since, or workers died again and again.
    """
    scenes = list_scenes(Path(plan.scenes), plan.rasters, out)
    make_folder(out)
    class_map = load_class_map(plan.class_map)
    settings = asdict(plan) | dict(
        stamp=_stamp(map(Path, plan.rasters)),
        # A file of codes is mended under its name.
        class_map_content=_digest(
            [sorted(class_map.codes.items()), sorted(class_map.nodata)]
        ),
    )
    plan_file = (out / f'plan-{_digest(settings)}.json').resolve()
    plan_file.write_text(json.dumps(asdict(plan)), encoding='utf-8')
    jobs = [dict(job, plan=str(plan_file)) for job in plan_jobs(plan, scenes)]
    results = run_jobs(
        label_files, jobs, ProgressLog(out / 'journal.jsonl', settings),
        scheduler=scheduler, workers=workers, description='labelling',
    )  # fmt: skip
    failed = [result for result in results if 'error' in result]
    if failed:
        raise UserError(
            f'{len(failed)} of {len(results)} parts of the work failed (the first: '
            f'{failed[0]["error"]}); run the same command again, finished parts are '
            'kept.'
        )
    header = dict(scenes=plan.scenes, class_map=class_map.name, rasters=plan.rasters)
    lines = (line for result in results for line in result['labels'])
    write_labels(out / NAME, header, lines)
    plan_file.unlink()
    return results


def list_scenes(folder: Path, rasters: list[str], out: Path) -> list[str]:
    """Georeferenced images below a folder, as sorted relative paths.

    The land cover and the result may lie in the same folder; they are no scenes.

    Raises:
        FileNotFoundError: If there is none.
    """
    files = list_rasters(folder) if folder.is_dir() else []
    scenes = outside(files, out, *map(Path, rasters))
    names = sorted(file.relative_to(folder).as_posix() for file in scenes)
    if not names:
        raise MissingData(
            f"expected a folder with georeferenced images at '{folder}', found none."
        )
    return names


def plan_jobs(plan: Plan, scenes: list[str]) -> Iterator[dict]:
    """Parts of the work: some whole files, or some windows of one file."""
    folder = Path(plan.scenes)
    if plan.crop_size is None:
        for start in range(0, len(scenes), FILES_PER_JOB):
            files = scenes[start : start + FILES_PER_JOB]
            stamp = _stamp(folder / name for name in files)
            yield dict(key=f'{files[0]} {stamp}', files=files, part=[0, 1])
        return
    for name in scenes:
        try:
            with open_raster(folder / name) as data:
                number = len(windows_of(data.height, data.width, plan))
        except ValueError:
            number = 0  # The job will say why.
        for start in range(0, max(number, 1), WINDOWS_PER_JOB):
            part = [start, start + WINDOWS_PER_JOB]
            key = f'{name} {start} {_stamp([folder / name])}'
            yield dict(key=key, files=[name], part=part)


def _stamp(files: Iterable[Path]) -> str:
    """Tells whether files changed."""
    stats = ((str(file), file.stat()) for file in files)
    return _digest([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])


def _digest(facts: Any) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=6).hexdigest()
