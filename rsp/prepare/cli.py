"""Parse and run the commands below `rsp prepare`; see `rsp.cli`."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsp.errors import UserError, visible
from rsp.io.configs import add_cfg_options
from rsp.prepare.arguments import add_cluster_arguments
from rsp.prepare.convert.cli import CHANGE, CONVERT, check_dior, tile_images
from rsp.prepare.leaks.cli import leaks
from rsp.prepare.pack.cli import pack


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
    from rsp.prepare.check import check_datasets

    cfg = training_config(config, cfg_options=parse_options(cfg_options))
    hidden = not sys.stdout.isatty()
    splits = check_datasets(
        cfg, workers, lambda items, n: track(items, 'looking', n, disable=hidden)
    )
    print(*(visible(str(split)) for split in splits), sep='\n')
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
    {"code": "class"}. An interrupted run resumes. Windows without a label are listed
    with the reason in the report.
    """
    parser.add_argument(
        'scenes', help='folder of georeferenced images, with its sub-folders'
    )
    parser.add_argument(
        'land_cover',
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
        '--max-nodata',
        type=float,
        default=0.1,
        help='leave out windows of which more pixels have no data (default: 0.1)',
    )
    parser.add_argument(
        '--no-map', dest='with_map', action='store_false', help='leave the picture out'
    )
    add_cluster_arguments(parser)
    parser.set_defaults(run=_label)


def _label(
    scenes: str,
    land_cover: str,
    out: Path,
    with_map: bool,
    scheduler: str | None,
    workers: int | None,
    **options: Any,
) -> None:
    from rsp.prepare.label.folder import make_labels
    from rsp.prepare.label.job import LabelJob
    from rsp.prepare.label.report import REPORT, summary_lines

    job = LabelJob(scenes, [land_cover], **options)
    summary = make_labels(job, out, with_map, scheduler=scheduler, workers=workers)
    print(*map(visible, summary_lines(summary)), f"see '{out / REPORT}'.", sep='\n')
    if not summary['labeled']:
        raise UserError(
            f"expected land cover under '{scenes}', found none under any window; see "
            f"'{out / REPORT}' for the reasons."
        )


def scan(parser: ArgumentParser) -> None:
    r"""Scan a folder of scenes or images; write a report and a config that trains.

        %(prog)s data/scenes
        %(prog)s data/scenes --method geokr --land-cover data/landcover

    Reads every pixel of FOLDER once (GeoTIFF, COG, JPEG 2000, JPEG, PNG, BMP, also in
    sub-folders) and writes, to work_dirs/prepare/<name of FOLDER> or --out:

        report.html    pictures, places, histograms, warnings
        scan.json      the same in numbers: statistics, copies, unreadable files
        <method>.py    a config that inherits the project's and runs as it is

    and prints the command that trains with it. Unreadable files are left out, by name.
    An interrupted scan resumes.
    """
    parser.add_argument('folder', type=Path, help='scenes or images')
    parser.add_argument('--out', type=Path, help='folder for the results')
    parser.add_argument(
        '--method',
        help='gersp, cmid, geokr or moco; default: geokr with a land cover or labels, '
        'else cmid',
    )
    add_data_arguments(parser)
    add_cluster_arguments(parser)
    parser.set_defaults(run=_scan)


def add_data_arguments(parser: ArgumentParser) -> None:
    """Add what a drafted config depends on, besides the method."""
    parser.add_argument(
        '--recipe',
        choices=('small', 'full'),
        help='small: minutes on a CPU; full: as published (default: by the device)',
    )
    parser.add_argument(
        '--bands',
        nargs='+',
        type=_band,
        help='any number of them, from 1 as GDAL counts, or names such as nir or B8A; '
        'three: red, green, blue',
    )
    parser.add_argument('--window', type=int, help='edge of windows, pixels')
    parser.add_argument(
        '--photos', type=Path, help='for gersp: a folder of photos per class'
    )
    parser.add_argument(
        '--land-cover', type=Path, help='for geokr: raster of classes, or a folder'
    )
    parser.add_argument('--class-map', help='of the land cover, e.g. worldcover')
    parser.add_argument(
        '--labels', type=Path, help='for geokr: labels.jsonl instead of a land cover'
    )


def _band(text: str) -> int | str:
    return int(text) if text.lstrip('-').isdigit() else text


def _scan(
    folder: Path,
    out: Path | None,
    method: str | None,
    recipe: str | None,
    bands: Sequence[int | str] | None,
    scheduler: str | None,
    workers: int | None,
    **options: Any,
) -> None:
    from rsp.prepare.folder import prepare
    from rsp.prepare.generate.choices import choose_options

    chosen, _ = choose_options(method, recipe, bands, **options)
    out = out or Path('work_dirs', 'prepare', folder.resolve().name)
    prepared = prepare(folder, out, chosen, scheduler=scheduler, workers=workers)
    print(visible(f'{prepared}\nnext: {prepared.command}'))


def tile(parser: ArgumentParser) -> None:
    r"""Cut georeferenced scenes into tiles of one size: GeoKR's offline cropper.

        %(prog)s data/scenes data/tiles

    Writes data/tiles/<sub-folder>/<stem>_<x>_<y>.tif: 8-bit cloud-optimized GeoTIFFs of
    256 pixels every 200, each georeferenced where its pixels were read. Values are
    stretched from the scene's 1st and 99th percentile, of all bands jointly; dark, flat
    and cloudy tiles are left out, and counted by reason. A second call resumes an
    interrupted one. Training can also draw windows from the scenes themselves:
    rsp.SceneDataset.
    """
    parser.add_argument('scenes', type=Path, help='folder of GeoTIFF, COG or JP2')
    parser.add_argument('out', type=Path, help='folder for the tiles')
    parser.add_argument('--crop-size', type=int, default=256, help='edge, pixels')
    parser.add_argument('--stride', type=int, default=200, help='pixels')
    values = parser.add_mutually_exclusive_group()
    values.add_argument(
        '--percentiles',
        nargs=2,
        type=float,
        default=(1, 99),
        metavar=('LOW', 'HIGH'),
        help='what becomes 0 and 255',
    )
    values.add_argument(
        '--no-stretch',
        dest='percentiles',
        action='store_const',
        const=None,
        help='write the values as they are',
    )
    parser.add_argument(
        '--keep-all', action='store_true', help='dark, flat and cloudy tiles, too'
    )
    add_cluster_arguments(parser)
    parser.set_defaults(run=_tile)


def _tile(
    scenes: Path,
    out: Path,
    percentiles: Sequence[float] | None,
    scheduler: str | None,
    workers: int | None,
    **settings: Any,
) -> None:
    from rsp.prepare.tile.scene import TileSettings
    from rsp.prepare.tile.scenes import describe, tile_scenes

    settings['percentiles'] = None if percentiles is None else tuple(percentiles)
    summary = tile_scenes(
        scenes, out, TileSettings(**settings), scheduler=scheduler, workers=workers
    )
    file = out / 'summary.json'
    file.write_text(json.dumps(summary, indent=1), encoding='utf-8')
    print(visible(describe(summary)))
    print(f'written to {file}')


def split(parser: ArgumentParser) -> None:
    r"""Write the lists that split a scene data set into training and test images.

        %(prog)s eurosat resisc45 ucm aid --out lists
        %(prog)s ucm --out lists --folder data/ucm/UCMerced_LandUse/Images

    These are the splits that the configs use; with --folder the images are first
    compared with the published data set, and what is missing is named. Another split of
    a published data set, for a mean over repeats, and one of class folders of your own:

        %(prog)s aid --seed 1 --out data/aid
        %(prog)s mine --folder data/mine/images --train-share 0.5 --out data/mine
    """
    parser.add_argument(
        'names',
        nargs='+',
        metavar='NAME',
        help='eurosat, eurosat-13bands, resisc45, ucm, aid, or a name of your own with '
        '--folder',
    )
    parser.add_argument('--folder', type=Path, help='where the class folders lie')
    parser.add_argument('--out', type=Path, required=True, help='folder of the lists')
    parser.add_argument('--seed', type=int, default=0, help='draws another split')
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        '--train-share',
        type=float,
        help='of every class, 0 to 1; default: the protocol of the data set',
    )
    size.add_argument('--per-class', type=int, help='training images of every class')
    parser.set_defaults(run=_split)


def _split(**options: Any) -> None:
    from rsp.prepare.splits.class_folders import make_splits

    for file, counts in make_splits(**options).items():
        print(f'{file}: {sum(counts.values())} images, {len(counts)} classes')


COMMANDS = {
    'scan': scan,
    'label': label,
    'tile': tile,
    'tile-images': tile_images,
    'pack': pack,
    'split': split,
    'check': check,
    'leaks': leaks,
    'convert': CONVERT,
    'change': CHANGE,
    'check-dior': check_dior,
}
