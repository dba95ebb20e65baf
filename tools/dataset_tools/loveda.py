"""Put the files of LoveDA into one folder per split.

    python tools/dataset_tools/loveda.py <folder of the download> data/loveDA

The folder holds Train.zip, Val.zip and Test.zip, or what is in them. Gives 2,522 tiles
to train, 1,669 to validate and 1,796 to test, these without masks. Missing files are
errors, by name.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import report_user_errors
from rsp.prepare.convert.loveda import convert


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
