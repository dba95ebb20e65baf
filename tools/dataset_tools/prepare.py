r"""Scan a folder of scenes or images, write a report and a config: training is next.

    python tools/dataset_tools/prepare.py FOLDER
    python tools/dataset_tools/prepare.py FOLDER --method geokr --land-cover MAPS

reads every pixel of FOLDER once (GeoTIFF, COG, JPEG 2000, JPEG, PNG, BMP, also in
sub-folders) and writes, to work_dirs/prepare/<name of FOLDER> or --out:

    report.html    pictures, places, histograms, warnings
    scan.json      the same in numbers: statistics, copies, unreadable files
    <method>.py    a config that inherits the project's and runs as it is

and prints the command that trains with it. Unreadable files are left out, by name. An
interrupted scan resumes.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from rsp.errors import report_user_errors
from rsp.prepare.cli import add_cluster_arguments
from rsp.prepare.folder import prepare
from rsp.prepare.generate.methods import METHODS
from rsp.prepare.generate.options import Options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', type=Path, help='scenes or images')
    parser.add_argument('--out', type=Path, help='folder for the results')
    parser.add_argument(
        '--method',
        choices=METHODS,
        help='default: geokr with a land cover or labels, else cmid',
    )
    parser.add_argument(
        '--recipe',
        choices=('small', 'full'),
        default='full' if torch.cuda.is_available() else 'small',
        help='small: minutes on a CPU; full: as published (default: by the device)',
    )
    parser.add_argument(
        '--bands', nargs='+', type=int, help='numbers from 1; three: red, green, blue'
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
    add_cluster_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with report_user_errors():
        has_map = args.land_cover is not None or args.labels is not None
        options = Options(
            method=args.method or ('geokr' if has_map else 'cmid'),
            small=args.recipe == 'small',
            bands=None if args.bands is None else tuple(args.bands),
            window=args.window,
            photos=args.photos,
            land_cover=args.land_cover,
            class_map=args.class_map,
            labels=args.labels,
        )
        out = args.out or Path('work_dirs', 'prepare', args.folder.resolve().name)
        print(prepare(args.folder, out, options, args.scheduler, args.workers))


if __name__ == '__main__':
    main()
