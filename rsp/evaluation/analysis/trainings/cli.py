"""Parse and run the commands of `rsp analyze` that train, to compare."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rsp.evaluation.analysis.arguments import DATA, natural, per_cent, positive
from rsp.io.configs import add_cfg_options


def sweep(parser: ArgumentParser) -> None:
    r"""Vary a setting of a pre-training, and score what each has learned.

        %(prog)s gersp-alpha cmid-mask-ratio
        %(prog)s cmid --epochs 4 --seeds 1
        %(prog)s configs/moco/r18_quickstart.py --vary model.head.temperature=0.1,0.2

    Known: gersp-alpha, -momentum, -temperature, -queue; cmid-branches, -mask-ratio;
    geokr-consistency, on scenes of your own (configs/geokr/r18_cpu.py). Trains each
    setting with each seed at CPU size, then kNN and a linear probe of the frozen
    backbone. Writes a table (.md, .json) and a picture per sweep, after every training;
    the same line goes on where it was interrupted.
    """
    parser.add_argument(
        'names',
        nargs='+',
        metavar='SWEEP',
        help='one of those, all of a method (gersp, cmid, geokr), or a config',
    )
    parser.add_argument(
        '--vary',
        dest='varied',
        metavar='KEY=VALUE,VALUE,...',
        help='of a config: what is varied',
    )
    _add_training_arguments(parser, 'sweep')
    parser.set_defaults(run=_sweep)


def _sweep(**options: Any) -> None:
    from rsp.evaluation.analysis.trainings.sweeps import run_sweeps

    print(*run_sweeps(**options), sep='\n')


def scaling(parser: ArgumentParser) -> None:
    r"""Pre-train with less of the data, and score what each share has taught.

        %(prog)s configs/gersp/r18_quickstart.py
        %(prog)s configs/cmid/r18_quickstart.py --shares 1 10 100 --epochs 4

    All shares train by the same steps: fewer images are seen more often. Of GeRSP's
    pairs the scenes become fewer. Writes a table (.md, .json) and a picture after every
    training; the same line goes on where it was interrupted.
    """
    parser.add_argument('config', help='of a pre-training on files')
    parser.add_argument(
        '--shares',
        nargs='+',
        type=per_cent,
        default=[10, 25, 50, 100],
        metavar='PERCENT',
        help='of the images (default: 10 25 50 100)',
    )
    _add_training_arguments(parser, 'scaling')
    parser.set_defaults(run=_scaling)


def _scaling(**options: Any) -> None:
    from rsp.evaluation.analysis.trainings.scaling import run_scaling

    print(run_scaling(**options))


def _add_training_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        '--data',
        default=DATA,
        metavar='CONFIG_OR_FOLDER',
        help=f'labeled images to score by (default: {DATA})',
    )
    parser.add_argument('--seeds', type=positive, default=3, help='number (default: 3)')
    parser.add_argument(
        '--seed', type=natural, default=0, help='the first (default: 0)'
    )
    parser.add_argument(
        '--epochs',
        type=positive,
        help="in place of the config's; its schedule is fitted",
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/analyze') / name,
        help=f'folder of trainings and tables (default: work_dirs/analyze/{name})',
    )
    add_cfg_options(parser, 'train_dataloader.num_workers=0')


COMMANDS = {'sweep': sweep, 'scaling': scaling}
