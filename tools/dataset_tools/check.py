r"""Look through all data of a downstream config before a training does.

    python tools/dataset_tools/check.py \
        configs/downstream/detection/faster-rcnn_r50_dior.py

Decodes every image and reads every annotation; prints files, sizes and labels per
class for each split. The exit code is 1 if anything is wrong.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.progress import track

from rsp.engine.cfg_options import OptionsAction
from rsp.engine.train import training_config
from rsp.errors import report_user_errors
from rsp.prepare.check import take_census


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='a config below configs/downstream')
    parser.add_argument('--workers', type=int, default=4, help='threads that decode')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        metavar='KEY=VALUE',
        help='override config keys, e.g. train_dataloader.dataset.data_root=DIR',
    )
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with report_user_errors():
        cfg = training_config(args.config, cfg_options=args.cfg_options)
        splits = take_census(
            cfg,
            args.workers,
            watch=lambda items, count: track(
                items, 'looking', count, disable=not sys.stdout.isatty()
            ),
        )
    print(*splits, sep='\n')
    problems = sum(len(split.problems) for split in splits)
    print(f'{problems} problems' if problems else 'no problems')
    return int(problems > 0)


if __name__ == '__main__':
    sys.exit(main())
