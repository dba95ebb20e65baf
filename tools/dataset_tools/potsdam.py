"""Cut ISPRS Potsdam into tiles of 512 px with class numbers, as mmseg splits it.

    python tools/dataset_tools/potsdam.py <folder of the download> data/potsdam

The folder holds 2_Ortho_RGB.zip and 5_Labels_all_noBoundary.zip,
zipped or not. Gives 3,456 tiles to train and 2,016 to validate; borders become 0, the
classes 1 to 6. Missing files and label colors that mean no class are errors, by name.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import report_user_errors
from rsp.prepare.convert.isprs import convert
from rsp.prepare.convert.isprs_scenes import POTSDAM


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', type=Path, help='folder of the download')
    parser.add_argument('out', type=Path, help='folder for img_dir and ann_dir')
    parser.add_argument('--size', type=int, default=512, help='edge of a tile, pixels')
    parser.add_argument(
        '--stride', type=int, default=512, help='pixels between tiles, see the README'
    )
    parser.add_argument(
        '--ignore-unknown',
        action='store_true',
        help='ignore pixels whose color means no class, and say how many',
    )
    parser.add_argument(
        '--partial', action='store_true', help='convert the scenes that are there'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with report_user_errors():
        convert(POTSDAM, **vars(args))


if __name__ == '__main__':
    main()
