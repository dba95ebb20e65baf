"""Find the project's configs, and take overrides of them from a command line."""

import difflib
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from rsp.errors import MissingData


def config_folder() -> Path:
    """Return the folder of configs, of the checkout or of the installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent / 'configs'
    return checkout if checkout.is_dir() else package / '.mim' / 'configs'


def find_config(name: str) -> Path:
    """Find a config by its path from here or, failing that, from the project.

    Args:
        name: E.g. ``configs/gersp/r50.py``; from the project, ``configs/`` may be left
            out.

    Raises:
        MissingData: With the nearest names.
    """
    folder = config_folder()
    for path in (Path(name).expanduser(), folder.parent / name, folder / name):
        if path.is_file():
            return path
    known = known_configs()
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    # Also by file name alone, for a wrong folder.
    names = {Path(path).name: path for path in reversed(known)}
    for match in difflib.get_close_matches(Path(name).name, names, n=2, cutoff=0.7):
        near += [names[match]] if names[match] not in near else []
    hint = f'nearest: {", ".join(near)}' if near else f'configs lie in {folder}'
    raise MissingData(f"no config '{name}'; {hint}.")


def known_configs() -> list[str]:
    """Return the names of the project's configs, ``configs/gersp/r50.py``, sorted."""
    folder = config_folder()
    return [
        path.relative_to(folder.parent).as_posix()
        for path in sorted(folder.rglob('*.py'))
        if '_base_' not in path.parts
    ]


def add_cfg_options(
    parser: ArgumentParser, example: str, of: str = 'the config'
) -> None:
    """Add ``--cfg-options KEY=VALUE ...``, whose words are checked, not yet parsed.

    Args:
        parser: Of a command.
        example: An option that suits the command, for the help.
        of: Whose keys they are, for the help.
    """
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        type=_key_value,
        metavar='KEY=VALUE',
        help=f'override keys of {of}, e.g. {example}',
    )


def _key_value(word: str) -> str:
    if '=' not in word:
        raise ArgumentTypeError(
            f"expected KEY=VALUE, got '{word}'; write no spaces in it"
        )
    return word
