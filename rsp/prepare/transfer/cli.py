"""Parse and run `rsp transfer`."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsp.io.configs import add_cfg_options


def transfer(parser: ArgumentParser) -> None:
    r"""Compare checkpoints on downstream tasks, over seeds, in one table.

        %(prog)s gersp.pth moco.pth random --tasks eurosat,dior,dota,loveda,levir-cd
        %(prog)s work_dirs/gersp/r18_quickstart/epoch_10.pth random --mini --seeds 1

    First checks that all data are there and whole, that every checkpoint fills the
    backbone, and, with --pretraining, how many test images it has seen. Then trains
    each, one after the other; the same command goes on after an interruption. Writes
    transfer.md, .csv, .json and .html with mean, deviation, 95 %% interval, what is
    within noise, and the papers' results. docs/transfer.md lists tasks and protocols.
    """
    parser.add_argument(
        'checkpoints', nargs='+', metavar='CHECKPOINT', help="file, or 'random'"
    )
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument('--tasks', type=lambda text: text.split(','), help='a,b,c')
    chosen.add_argument(
        '--mini',
        action='store_true',
        help='five small tasks for a ResNet-18, minutes on a CPU; those whose data are '
        'not there are left out',
    )
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument(
        '--shares',
        nargs='+',
        type=float,
        default=[100],
        metavar='PERCENT',
        help='of the training images, e.g. 1 5 10 25 100: a row each, by equal steps',
    )
    parser.add_argument(
        '--protocol', choices=('frozen', 'linear', 'finetune'), default='finetune'
    )
    parser.add_argument('--backbone', default='r50', help='of the configs: r50, swin-b')
    parser.add_argument('--data', help="folder in place of the configs' data")
    parser.add_argument(
        '--pretraining', help='folder or config of the images seen in pre-training'
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs', 'transfer'))
    parser.add_argument(
        '--no-check',
        dest='look',
        action='store_false',
        help='do not read through all data first',
    )
    parser.add_argument(
        '--slurm',
        metavar='PARTITION',
        help='print the commands of Slurm jobs; the same line later collects them',
    )
    add_cfg_options(parser, 'train_dataloader.num_workers=2')
    parser.set_defaults(run=_transfer)


def _transfer(
    checkpoints: Sequence[str],
    tasks: Sequence[str] | None,
    mini: bool,
    backbone: str,
    shares: Sequence[float],
    cfg_options: Sequence[str],
    **options: Any,
) -> None:
    from rsp.errors import UserError
    from rsp.prepare.transfer.compare import compare
    from rsp.prepare.transfer.tasks import MINI, find_tasks, with_shares

    if options['seeds'] < 1:
        raise UserError(f'--seeds expects at least 1, got {options["seeds"]}.')
    written = compare(
        with_shares(MINI if mini else find_tasks(tasks or ()), shares),
        checkpoints,
        backbone='r18' if mini else backbone,
        keep_going=mini,
        options=cfg_options,
        tell=lambda line: print(line, flush=True),
        **options,
    )
    print(*written, sep='\n')
