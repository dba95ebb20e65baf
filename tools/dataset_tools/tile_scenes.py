r"""Cut georeferenced scenes into tiles of one size: GeoKR's offline cropper.

    python tools/dataset_tools/tile_scenes.py data/scenes data/tiles

writes data/tiles/<sub-folder>/<stem>_<x>_<y>.tif: 8-bit cloud-optimised GeoTIFFs of 256
pixels every 200, each georeferenced where its pixels were read. Values are stretched
from the scene's 1st and 99th percentile, of all bands jointly; dark, flat and cloudy
tiles are left out, and counted by reason. A second call finishes what was interrupted.
Training can also draw windows from the scenes themselves: rsp.SceneDataset.
"""

import argparse
import json
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import report_user_errors
from rsp.prepare.cli import add_cluster_arguments
from rsp.prepare.tile import scenes as tiling


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
        '--no-stretch', action='store_true', help='write the values as they are'
    )
    parser.add_argument(
        '--keep-all', action='store_true', help='dark, flat and cloudy tiles, too'
    )
    add_cluster_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with report_user_errors():
        settings = tiling.TileSettings(
            crop_size=args.crop_size,
            stride=args.stride,
            percentiles=None if args.no_stretch else tuple(args.percentiles),
            keep_all=args.keep_all,
        )
        summary = tiling.tile_scenes(
            args.scenes, args.out, settings, args.scheduler, args.workers
        )
        file = args.out / 'summary.json'
        file.write_text(json.dumps(summary, indent=1), encoding='utf-8')
        print(tiling.describe(summary))
        print(f'written to {file}')


if __name__ == '__main__':
    main()
