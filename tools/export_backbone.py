"""Write the backbone of a pre-training checkpoint as a file of its own.

    python tools/export_backbone.py work_dirs/gersp/r50/epoch_100.pth gersp_r50.pth

Use it as init_cfg=dict(type='Pretrained', checkpoint='gersp_r50.pth',
prefix='backbone.') in any mm-project.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp import checkpoints, launch


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='file written by tools/train.py')
    parser.add_argument('out', help='file to write')
    parser.add_argument(
        '--part',
        choices=['student', 'teacher'],
        default='student',
        help='whose backbone (default: %(default)s)',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with launch.errors_in_one_line():
        meta = checkpoints.export_backbone(args.checkpoint, args.out, args.part)
    print(
        f'{args.out}: {meta["architecture"]} of the {meta["part"]} in '
        f'{meta["source"]}, {meta["tensors"]} tensors, '
        f'{meta["parameters"] / 1e6:.2f} M parameters'
    )


if __name__ == '__main__':
    main()
