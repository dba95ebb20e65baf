r"""Make a COCO json with upright boxes from images or tiles in DOTA's format.

    python tools/dataset_tools/dota_to_coco.py data/dota_800_640/train \
        data/dota_800_640/train.json
    python tools/dataset_tools/dota_to_coco.py data/dota_800_640/val \
        data/dota_800_640/val.json --ignore-difficult

FOLDER holds images/ and annfiles/ (tiles) or labelTxt/ (the original). Malformed lines
are an error, with file and line; the counts are printed.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import report_user_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', help='of one split')
    parser.add_argument('out', help='json to write')
    parser.add_argument(
        '--ignore-difficult',
        action='store_true',
        help='mark difficult objects as iscrowd: no mistake if found, none if not',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    # Here, so that --help works without mmdet.
    from rsp.prepare.convert import dota_to_coco as dota_json

    with report_user_errors():
        made = dota_json.convert(args.folder, args.ignore_difficult)
    dota_json.write(made, args.out)
    print(f"'{args.out}': {made}")


if __name__ == '__main__':
    main()
