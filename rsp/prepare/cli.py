"""Parse and run the commands below `rsp prepare`; see `rsp.cli`."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsp.errors import UserError
from rsp.io.configs import add_cfg_options


def check(parser: ArgumentParser) -> None:
    r"""Look through all data of a downstream config before a training does.

        %(prog)s configs/downstream/detection/faster-rcnn_r50_dior.py

    Decodes every image and reads every annotation; prints files, sizes and labels per
    class for each split. The exit code is 1 if anything is wrong.
    """
    parser.add_argument('config', help='a config below configs/downstream')
    parser.add_argument('--workers', type=int, default=4, help='threads that decode')
    add_cfg_options(parser, 'train_dataloader.dataset.data_root=DIR')
    parser.set_defaults(run=_check)


def _check(config: str, workers: int, cfg_options: Sequence[str]) -> int:
    from rich.progress import track

    from rsp.engine.cfg_options import parse_options
    from rsp.engine.train import training_config
    from rsp.prepare.check import take_census

    cfg = training_config(config, cfg_options=parse_options(cfg_options))
    hidden = not sys.stdout.isatty()
    splits = take_census(
        cfg, workers, lambda items, n: track(items, 'looking', n, disable=hidden)
    )
    print(*splits, sep='\n')
    problems = sum(len(split.problems) for split in splits)
    print(f'{problems} problems' if problems else 'no problems')
    return int(problems > 0)


def label(parser: ArgumentParser) -> None:
    r"""Label georeferenced images by a land-cover map, for GeoKR.

        %(prog)s data/scenes data/landcover data/scenes_land_cover \
            --class-map worldcover --crop-size 256 --stride 200

    Writes labels.jsonl, report.md, report.json and map.png; one label per window, or
    per file without --crop-size. The class map is taken from official file names or
    colors where that is certain; otherwise name one (globeland30, worldcover, nlcd,
    corine, corine-level3, cdl, dynamic-world, esri) or a .json file of
    {"code": "class"}. An interrupted run goes on where it stopped. What gets no label
    is listed with its reason in the report.
    """
    parser.add_argument(
        'scenes', type=Path, help='folder of georeferenced images, with its sub-folders'
    )
    parser.add_argument(
        'land_cover',
        type=Path,
        help='raster of classes, or folder of rasters in any reference system',
    )
    parser.add_argument('out', type=Path, help='folder for the result')
    parser.add_argument('--class-map', help='name of a class map or a .json file')
    parser.add_argument('--crop-size', type=int, help='edge of a window, pixels')
    parser.add_argument('--stride', type=int, help='pixels; default: the crop size')
    parser.add_argument(
        '--low-coverage',
        type=float,
        default=0.5,
        help='list windows of which a smaller share is known (default: 0.5)',
    )
    parser.add_argument(
        '--no-map', dest='with_map', action='store_false', help='leave the picture out'
    )
    add_cluster_arguments(parser)
    parser.set_defaults(run=_label)


def _label(scenes: Path, out: Path, **options: Any) -> None:
    from rsp.prepare.label.folder import make_labels
    from rsp.prepare.label.report import REPORT, summary_lines

    summary = make_labels(scenes, out=out, **options)
    print(*summary_lines(summary), f"see '{out / REPORT}'.", sep='\n')
    if not summary['labeled']:
        raise UserError(
            f"expected land cover under '{scenes}', found none under any window; see "
            f"'{out / REPORT}' for the reasons."
        )


def add_cluster_arguments(parser: ArgumentParser) -> None:
    """Add ``--scheduler`` and ``--workers``, see `rsp.prepare.jobs.run_jobs`."""
    parser.add_argument(
        '--scheduler',
        metavar='ADDRESS',
        help='of a running dask scheduler, e.g. tcp://node1:8786, whose workers see '
        'the same files and have rsp installed; default: processes on this machine',
    )
    parser.add_argument(
        '--workers',
        type=int,
        help='processes on this machine (default: one per core; 0: none but this one)',
    )


COMMANDS = {
    'check': check,
    'label': label,
}
