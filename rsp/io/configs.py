"""Find the project's configs."""

import difflib
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
        FileNotFoundError: With the nearest names.
    """
    folder = config_folder()
    for path in (Path(name).expanduser(), folder.parent / name, folder / name):
        if path.is_file():
            return path
    known = [
        str(path.relative_to(folder.parent))
        for path in sorted(folder.rglob('*.py'))
        if '_base_' not in path.parts
    ]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    # Also by file name alone, for a wrong folder.
    names = {Path(path).name: path for path in reversed(known)}
    for match in difflib.get_close_matches(Path(name).name, names, n=2, cutoff=0.7):
        near += [names[match]] if names[match] not in near else []
    hint = f'nearest: {", ".join(near)}' if near else f'configs lie in {folder}'
    raise MissingData(f"no config '{name}'; {hint}.")
