"""Cut the scenes of a folder into tiles of one size, as GeoKR's authors do.

Source: the official cropper. Differences: a tile at the border is georeferenced where
its pixels were read (there up to a tile's width away), every file below the folder is
cut (there none is found, or whole folders are left out), and failures are reported.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rsp.errors import UserError
from rsp.geo.files.listing import list_files
from rsp.geo.files.signature import Signatures
from rsp.geo.rasters import ENDINGS
from rsp.io.files import outside
from rsp.prepare.jobs import run_jobs
from rsp.prepare.progress_log import ProgressLog
from rsp.prepare.tile.scene import TileSettings, cut_scene

LOG = 'tiles.jsonl'


def tile_scenes(
    scenes: Path, out: Path, settings: TileSettings, **cluster: Any
) -> dict[str, Any]:
    """Cut all scenes of a folder; a second call resumes.

    Tiles are called ``<stem>_<x>_<y>.tif``, x and y being the pixels of the scene where
    they begin, in the same sub-folder as the scene.

    Args:
        scenes: Folder, searched with its sub-folders.
        out: Folder for tiles; empty, or one that a call with these settings began.
        settings: Size, stride and values of the tiles.
        cluster: ``scheduler`` and ``workers`` of `run_jobs`.

    Returns:
        ``scenes``, ``tiles``: counts; ``rejected``: tiles by reason; ``skipped``:
        reason by scene; ``per_scene``: one dict each.

    Raises:
        MissingData: If there is no folder of scenes.
        UserError: If there is no scene that can be cut, if two would write the same
            tiles, if the folder for tiles cannot be written or holds something else, or
            if a scene has changed since it was cut.
    """
    _, files = list_files(scenes, ENDINGS)
    # Tiles below the scenes are none of them: a second call would cut them again.
    files = outside(files, out)
    if not files:
        raise UserError(f"expected scenes in '{scenes}' besides tiles, found none.")
    _refuse_same_names(files)
    log = ProgressLog(out / LOG, asdict(settings), new_folder=True)
    shared = dict(scenes=str(scenes), out=str(out), settings=asdict(settings))
    jobs = [dict(shared, key=file.relative_to(scenes).as_posix()) for file in files]
    results = run_jobs(cut_scene, jobs, log, description='cutting', **cluster)
    skipped = {r['key']: r['error'] for r in results if 'error' in r}
    cut = [result for result in results if 'error' not in result]
    if not cut:
        name, error = next(iter(skipped.items()))
        raise UserError(
            f"expected scenes to cut in '{scenes}', got no tile of any of "
            f"{len(results)}; of '{name}': {error}"
        )
    # The log may hold results of an earlier call.
    signatures = Signatures()
    for result in cut:
        if result['stamp'] != signatures(scenes / result['key']):
            raise UserError(
                f"'{scenes / result['key']}' is not the file whose tiles lie in "
                f"'{out}': it has changed since; write to another folder."
            )
    rejected = sum((Counter(result['rejected']) for result in cut), Counter())
    return dict(
        settings=asdict(settings),
        scenes=len(results),
        tiles=sum(result['tiles'] for result in cut),
        rejected=dict(rejected.most_common()),
        skipped=skipped,
        per_scene=cut,
    )


def _refuse_same_names(files: Sequence[Path]) -> None:
    seen: dict[Path, Path] = {}
    for file in files:
        other = seen.setdefault(file.with_suffix(''), file)
        if other != file:
            raise UserError(
                f"expected scenes whose names differ before the ending, got '{other}' "
                f"and '{file}', whose tiles would have the same names; rename one."
            )


def describe(summary: Mapping[str, Any]) -> str:
    """Return a summary of `tile_scenes` as lines to print."""
    lines = [f'{summary["tiles"]} tiles of {summary["scenes"]} scenes']
    lines += [f'  {n} left out: {why}' for why, n in summary['rejected'].items()]
    skipped = list(summary['skipped'].items())
    lines += [f"  skipped '{name}': {why}" for name, why in skipped[:20]]
    if skipped[20:]:
        lines.append(f'  and {len(skipped) - 20} more')
    return '\n'.join(lines)
