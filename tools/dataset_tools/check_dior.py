r"""Compare a folder with the published DIOR: files by name, images and boxes by count.

    python tools/dataset_tools/check_dior.py data/DIOR

Exit code 1 if anything differs. tools/dataset_tools/check.py on a config of DIOR reads
the files themselves: classes, boxes, images.
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
    parser.add_argument('root', nargs='?', default='data/DIOR', help='of the data set')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    # Here, so that --help works without mmdet.
    from rsp.tasks.detection import dior

    with report_user_errors():
        found = dior.differences(args.root)
    if found:
        sys.exit('\n'.join([f"'{args.root}' is not the published DIOR:", *found]))
    images = dior.PUBLISHED_IMAGES['trainval'] + dior.PUBLISHED_IMAGES['test']
    print(
        f"'{args.root}': {images} images and {dior.PUBLISHED_BOXES} boxes as published."
    )


if __name__ == '__main__':
    main()
