"""Write the numbers and pages of an analysis, and choose images by a seed."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import print_once
from rsp.io.files import make_folder, write_atomically


def write_json(out: Path, name: str, content: dict[str, Any]) -> Path:
    """Write numbers to ``<out>/<name>.json``; what is not finite becomes null."""
    make_folder(out)
    file = out / f'{name}.json'
    with write_atomically(file) as unfinished:
        text = json.dumps(_plain(content), indent=2, allow_nan=False)
        unfinished.write_text(text + '\n', encoding='utf-8')
    print_once(f'wrote {file}')
    return file


def write_text(out: Path, name: str, text: str) -> Path:
    """Write a text, such as a page, to ``<out>/<name>``."""
    make_folder(out)
    with write_atomically(out / name) as unfinished:
        unfinished.write_text(text, encoding='utf-8')
    print_once(f'wrote {out / name}')
    return out / name


def save_figure(out: Path, name: str, figure: Any) -> Path:
    """Write a figure of matplotlib to ``<out>/<name>.png``, without a time stamp."""
    make_folder(out)
    file = out / f'{name}.png'
    with write_atomically(file) as unfinished:
        # Tight: a long class or file name must not be cut off at the border.
        figure.savefig(
            unfinished, dpi=120, bbox_inches='tight', metadata=dict(Software=None)
        )
    print_once(f'wrote {file}')
    return file


def draw_indices(count: int, wanted: int, seed: int) -> list[int]:
    """Draw some of `count` images without repetition, in ascending order."""
    if wanted >= count:
        return list(range(count))
    drawn = np.random.default_rng(seed).choice(count, wanted, replace=False)
    return sorted(drawn.tolist())


def draw_per_class(labels: Sequence[int], per_class: int, seed: int) -> list[int]:
    """Draw at most so many images of each class, in ascending order."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    values = np.asarray(labels)
    for label in np.unique(values):
        members = np.flatnonzero(values == label)
        chosen += rng.permutation(members)[:per_class].tolist()
    return sorted(chosen)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, 'tolist'):
        return _plain(value.tolist())
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
