r"""Write the list files that split a scene data set into training and test images.

The lists of the splits that the configs use; with --folder the images are first
compared with the published data set, and what is missing is named:

    python tools/dataset_tools/make_splits.py eurosat resisc45 ucm aid --out lists
    python tools/dataset_tools/make_splits.py ucm --out lists \
        --folder data/ucm/UCMerced_LandUse/Images

Another split of a published data set, for a mean over repeats, and a split of class
folders of your own:

    python tools/dataset_tools/make_splits.py aid --seed 1 --out data/aid
    python tools/dataset_tools/make_splits.py mine --folder data/mine/images \
        --train-share 0.5 --out data/mine
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import report_user_errors
from rsp.prepare.splits.class_folders import make


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'names',
        nargs='+',
        metavar='NAME',
        help='eurosat, resisc45, ucm, aid, or a name of your own with --folder',
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
    return parser.parse_args()


def main() -> None:
    args = vars(parse_args())
    with report_user_errors():
        for file, counts in make(**args).items():
            print(f'{file}: {sum(counts.values())} images, {len(counts)} classes')


if __name__ == '__main__':
    main()
