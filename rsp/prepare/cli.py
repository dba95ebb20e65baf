"""Parse and run the commands below `rsp prepare`; see `rsp.cli`."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from rsp.io.configs import add_cfg_options


def check(parser: ArgumentParser) -> None:
    r"""Look through all data of a downstream config before a training does.

        %(prog)s configs/downstream/detection/faster-rcnn_r50_dior.py

    Decodes every image and reads every annotation; prints files, sizes and labels per
    class for each split. The exit code is 1 if anything is wrong.
    """
    parser.add_argument('config', help='a config below configs/downstream')
    parser.add_argument('--workers', type=int, default=4, help='threads that decode')
    add_cfg_options(parser, 'train_dataloader.dataset.data_root=DIR')
    parser.set_defaults(run=_check)


def _check(config: str, workers: int, cfg_options: Sequence[str]) -> int:
    from rich.progress import track

    from rsp.engine.cfg_options import parse_options
    from rsp.engine.train import training_config
    from rsp.prepare.check import take_census

    cfg = training_config(config, cfg_options=parse_options(cfg_options))
    hidden = not sys.stdout.isatty()
    splits = take_census(
        cfg, workers, lambda items, n: track(items, 'looking', n, disable=hidden)
    )
    print(*splits, sep='\n')
    problems = sum(len(split.problems) for split in splits)
    print(f'{problems} problems' if problems else 'no problems')
    return int(problems > 0)


COMMANDS = {
    'check': check,
}
