"""Write the backbone of a pre-training checkpoint as a file of its own.

    python tools/export_backbone.py work_dirs/gersp/r50/epoch_100.pth gersp_r50.pth

Use it as init_cfg=dict(type='Pretrained', checkpoint='gersp_r50.pth',
prefix='backbone.') in any mm-project. The same as `tools/checkpoint.py convert`, which
also writes the names of other libraries.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp import checkpoints
from rsp.errors import report_user_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='of any format tools/checkpoint.py knows')
    parser.add_argument('out', help='file to write')
    parser.add_argument(
        '--branch',
        choices=['student', 'teacher'],
        help='whose backbone; default: the one its method hands on, mostly the student',
    )
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open a file that can run code; only for files of your own',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with report_user_errors():
        meta = checkpoints.export_backbone(
            args.checkpoint, args.out, args.branch, trust=args.trust
        )
    print(checkpoints.describe_export(args.out, meta))


if __name__ == '__main__':
    main()
