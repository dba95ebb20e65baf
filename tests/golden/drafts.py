"""Drafted configs, by tools/dataset_tools/prepare.py."""

from collections import Counter
from pathlib import Path
from typing import Any

import scenes
from digests import numbers_in
from mmengine.config import Config
from scripts import run_script


def measure(folder: Path) -> dict[str, Any]:
    """Draft for scenes of two kinds; give all numbers of the resolved configs.

    Returns:
        How often each number is there, by name of the draft.
    """
    made = scenes.make(folder)
    cover = ('--land-cover', made.globeland30[0].parent)
    found = {}
    for recipe in ('small', 'full'):
        for kind in ('s2', 'aerial'):
            for method, options in (('cmid', ()), ('geokr', cover)):
                name = f'{method}_{recipe}_{kind}'
                config = _draft(
                    made.scenes / kind,
                    folder / name,
                    method,
                    '--recipe',
                    recipe,
                    *options,
                )
                found[name] = numbers_of(config)
    return found


def numbers_of(config: Path) -> dict[str, int]:
    """Count each number in a config, whatever the keys are called."""
    cfg = Config.fromfile(config)
    return dict(sorted(Counter(numbers_in(cfg.to_dict())).items()))


def _draft(source: Path, out: Path, method: str, *options: object) -> Path:
    run_script(
        'dataset_tools/prepare.py',
        source,
        '--out',
        out,
        '--method',
        method,
        '--workers',
        0,
        *options,
    )
    return out / f'{method}.py'
