r"""Cut DOTA's images into patches for detectors.

    python tools/dataset_tools/split_dota.py data/DOTA data/split_ss_dota

reads data/DOTA/{train,val,test}/images and .../labelTxt (test has no labels) and writes
data/split_ss_dota/{train,val,test}/images and .../annfiles: patches of 1024 pixels that
overlap by 200. Multi-scale, as mmrotate's `ms` sets: --gap 500 --rates 0.5 1.0 1.5.
Tiles of 800 pixels that overlap by 160: --size 800 --gap 160.

Labels are checked first: malformed lines, unknown classes and images without label file
stop the run with their names. An object stays in each patch that shows at least 70 % of
it, with difficulty 2 if a border cuts it; the others are counted and named. A second
call finishes what was interrupted, and verifies what is there.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import report_user_errors
from rsp.prepare.cli import add_cluster_arguments
from rsp.prepare.tile.dota_settings import Settings
from rsp.prepare.tile.split_dota import split_dota


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', type=Path, help='folder of DOTA with train, val, test')
    parser.add_argument('out', type=Path, help='folder for the patches')
    parser.add_argument('--splits', nargs='+', default=['train', 'val', 'test'])
    parser.add_argument('--size', type=int, default=1024, help='side, pixels')
    parser.add_argument('--gap', type=int, default=200, help='overlap, pixels')
    parser.add_argument(
        '--rates', nargs='+', type=float, default=[1.0], help='scales of the image'
    )
    parser.add_argument(
        '--least-share',
        type=float,
        default=0.7,
        help='share of an object that a patch has to show to keep it',
    )
    parser.add_argument(
        '--padding',
        nargs=3,
        type=int,
        default=[104, 116, 124],
        metavar=('BLUE', 'GREEN', 'RED'),
        help='color beyond images smaller than a patch',
    )
    add_cluster_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with report_user_errors():
        settings = Settings(
            size=args.size,
            gap=args.gap,
            rates=tuple(args.rates),
            least_share=args.least_share,
            padding=tuple(args.padding),
        )
        split_dota(
            args.root, args.out, args.splits, settings, args.scheduler, args.workers
        )


if __name__ == '__main__':
    main()
