"""Turn the scenes of Levir_CS into 8-bit color images with masks of cloud and snow.

    python tools/dataset_tools/levir_cs.py <unpacked folder> data/levir_cs

Gives 3,068 scenes to train and 1,100 to test. The expected folder names come from the
file lists of the authors; the archive itself could not be looked at.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import report_user_errors
from rsp.prepare.convert.levir_cs import convert


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', type=Path, help='folder of the download')
    parser.add_argument('out', type=Path, help='folder for img_dir and ann_dir')
    parser.add_argument('--partial', action='store_true', help='convert what is there')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with report_user_errors():
        convert(**vars(args))


if __name__ == '__main__':
    main()
