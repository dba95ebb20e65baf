"""Prepare and check the data of change detection.

    python tools/dataset_tools/prepare_change.py cut levir-cd LEVIR-CD data/levir-cd_256
    python tools/dataset_tools/prepare_change.py check levir-cd_256 data/levir-cd_256
    python tools/dataset_tools/prepare_change.py check cdd data/cdd

`cut` makes 7,120 / 1,024 / 2,048 pairs of 256 pixels from LEVIR-CD's 445 / 64 / 128 of
1024, then checks them. `check` decodes every file, compares the counts with the
published ones, and names files without a partner, of another size, or that are no mask;
the exit code is 1 if there is any. Layout: <split>/A, <split>/B and <split>/label (CDD:
OUT).
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import report_user_errors
from rsp.prepare.convert import change_pairs as preparation


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)
    check = commands.add_parser('check', help='look for what is missing or wrong')
    check.add_argument('name', choices=sorted(preparation.LAYOUTS))
    check.add_argument('folder', type=Path)
    cut = commands.add_parser('cut', help='cut large pairs into small ones')
    cut.add_argument('name', choices=['levir-cd'])
    cut.add_argument('source', type=Path, help='folder of the original data')
    cut.add_argument('folder', type=Path, help='folder to write to')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    name = args.name
    with report_user_errors():
        if args.command == 'cut':
            preparation.cut(name, args.source, args.folder)
            name = f'{name}_256'
        reports = preparation.check(name, args.folder)
    print('\n'.join(map(str, reports)))
    if any(report.problems for report in reports):
        sys.exit(1)


if __name__ == '__main__':
    main()
