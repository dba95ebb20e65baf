"""Draw a part of the images of a training, and show it as often as the whole."""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from mmengine.utils import import_modules_from_strings

from rsp.errors import UserError
from rsp.io.configs import find_config
from rsp.io.files import write_atomically
from rsp.ops import check

# Of a data set of pairs, the one that is made smaller.
SOURCE = 'remote'


def find_dataset(cfg: Config) -> tuple[list[str], Any]:
    """Return the place of the data set that lists the images, and its config.

    Of pairs it is that of the scenes.

    Raises:
        UserError: If there is none that takes ``indices``.
    """
    place, found = ['train_dataloader', 'dataset'], cfg.train_dataloader.dataset
    while 'dataset' in found or 'sources' in found:
        steps = ['dataset'] if 'dataset' in found else ['sources', SOURCE]
        for step in steps:
            found = found.get(step) or {}
        place += steps
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        with DATASETS.switch_scope_and_registry(None) as registry:
            kind = registry.get(found.get('type', ''))
    if not hasattr(kind, 'get_subset_'):
        raise UserError(
            f"expected a data set of files that takes 'indices' at {'.'.join(place)}, "
            f'such as rsp.ImageFolder, got {found.get("type")}; cut scenes into tiles '
            'first (rsp prepare tile).'
        )
    return place, found


def count_images(cfg: Config, dataset: Any) -> int:
    """Count the images of a data set, as configured."""
    config = dict(dataset) | dict(pipeline=[], lazy_init=False)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        return len(DATASETS.build(config))


def draw_indices(count: int, percent: float, seed: int) -> list[int]:
    """Draw images, repeated until there are as many as in the whole.

    An epoch then has the same steps and the same schedule, whatever the share. Smaller
    shares of one seed are parts of larger ones.

    Args:
        count: Images of the whole.
        percent: Above 0, up to 100.
        seed: Of the draw.

    Returns:
        `count` numbers below it; each that was drawn is there as often as any other,
        but for one.

    Raises:
        UserError: If the share is of less than one image.
    """
    check.between('share of the images, per cent,', percent, 0, 100)
    kept = round(count * percent / 100)
    if kept < 1:
        raise UserError(
            f'expected a share of at least one of {count} images, got {percent:g} %; '
            'ask for more.'
        )
    drawn = np.random.default_rng(seed).permutation(count)[:kept]
    return sorted(np.resize(drawn, count).tolist())


def write_subset(config: str, percent: float, seed: int, cfg: Config, out: Path) -> str:
    """Write a config that inherits another and trains on a share of its images.

    Args:
        config: Path, see `find_config`.
        percent: See `draw_indices`.
        seed: See `draw_indices`.
        cfg: The config, with overrides.
        out: Folder of the file, which has the config's name.

    Returns:
        Its path.
    """
    place, dataset = find_dataset(cfg)
    path = find_config(config).resolve()
    inner: Any = dict(indices=draw_indices(count_images(cfg, dataset), percent, seed))
    for key in reversed(place[1:]):
        inner = {key: inner}
    file = out / path.name
    out.mkdir(parents=True, exist_ok=True)
    with write_atomically(file) as unfinished:
        unfinished.write_text(
            f'# {percent:g} % of the images, as often as all, drawn by seed {seed}.\n'
            f'_base_ = {str(path)!r}\n\n{place[0]} = {inner}\n',
            encoding='utf-8',
        )
    return str(file)
