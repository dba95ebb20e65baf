"""Add the arguments that the commands below `rsp analyze` share."""

import math
import re
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from rsp.io.configs import add_cfg_options

DATA = 'data/quickstart/probe'


def add_arguments(parser: ArgumentParser, name: str, branch: bool = True) -> None:
    """Add what all analyses share."""
    parser.add_argument(
        'checkpoints',
        nargs='+',
        metavar='CHECKPOINT',
        help='a file of any format, the name of a released one, timm:MODEL, '
        'torchvision:MODEL (downloaded by these), random:MODEL (of timm, untrained); '
        'NAME=CHECKPOINT names it in pictures',
    )
    parser.add_argument(
        '--data',
        default=DATA,
        metavar='CONFIG_OR_FOLDER',
        help="a task's config, or a folder of images, of classes, or of train and val "
        f'(default: {DATA})',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/analyze') / name,
        help=f'folder for pictures and numbers (default: work_dirs/analyze/{name})',
    )
    parser.add_argument('--seed', type=natural, default=0)
    if branch:
        parser.add_argument(
            '--branch',
            choices=['student', 'teacher'],
            help='whose backbone; default: the one its method hands on',
        )
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open files that can run code; only for files of your own',
    )
    add_cfg_options(parser, 'data_root=data/eurosat', of='a config that is --data')


def add_map_arguments(parser: ArgumentParser) -> None:
    """Add what the commands that draw maps over images share."""
    parser.add_argument(
        '--num-images', type=positive, default=6, help='rows (default: 6)'
    )
    parser.add_argument(
        '--max-scored',
        type=positive,
        default=200,
        help='images to score (default: 200)',
    )
    parser.add_argument(
        '--size', type=positive, help='shorter side of the images, pixels'
    )


def natural(word: str) -> int:
    """Parse a whole number from 0."""
    return _whole(word, 0)


def positive(word: str) -> int:
    """Parse a whole number from 1."""
    return _whole(word, 1)


def per_cent(word: str) -> float:
    """Parse a share above 0 and up to 100."""
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not 0 < number <= 100:
        raise ArgumentTypeError(f"expected above 0 and up to 100, got '{word}'")
    return number


def _whole(word: str, least: int) -> int:
    if not re.fullmatch(r'[+-]?\d+', word) or int(word) < least:
        raise ArgumentTypeError(f"expected a whole number from {least}, got '{word}'")
    return int(word)
