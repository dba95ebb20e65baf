"""Measure what less pre-training data costs, at equal steps."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rsp.engine.cfg_options import parse_options
from rsp.engine.train import load_config
from rsp.errors import print_once
from rsp.evaluation.analysis.trainings.subset import (
    count_images,
    find_dataset,
    write_subset,
)
from rsp.evaluation.analysis.trainings.table import write_table
from rsp.evaluation.analysis.trainings.trials import (
    Setting,
    baseline,
    common_options,
    run_trials,
)
from rsp.ops import check

SHARES = (10.0, 25.0, 50.0, 100.0)


def run_scaling(
    config: str,
    out: Path,
    data: str,
    shares: Sequence[float] = SHARES,
    seeds: int = 3,
    seed: int = 0,
    epochs: int | None = None,
    cfg_options: Sequence[str] = (),
    tell: Callable[[str], None] = print_once,
) -> str:
    """Pre-train with shares of the images, by the same number of steps each.

    Of pairs the scenes become fewer, the photos stay.

    Args:
        config: To train.
        out: Folder.
        data: Labeled images to score by, see `open_images`.
        shares: Per cent.
        seeds: Number of them; every one draws other images.
        seed: The first one.
        epochs: In place of the config's.
        cfg_options: Overrides of all trainings.
        tell: Prints progress.

    Returns:
        The table, as Markdown.

    Raises:
        UserError: If config, overrides or data are wrong, or a run fails.
    """
    check.at_least('--seeds', seeds, 1)
    common = common_options(config, epochs, cfg_options)
    cfg = load_config(config, None, 'none', parse_options(common))
    _, dataset = find_dataset(cfg)
    count = count_images(cfg, dataset)
    name = f'scaling-{Path(config).parent.name}-{Path(config).stem}'
    out = out / name
    facts: dict[str, Any] = dict(config=config, data=data, images=count, epochs=epochs,
                                 seed=seed, options=[*cfg_options])  # fmt: skip
    notes = [
        f'Of {count:,} images, at equal steps: fewer images are seen more often.',
        *_about_queue(cfg, count, shares),
    ]
    found: dict[str, list[Any]] = {}
    text = ''

    def write(one: Any) -> None:
        nonlocal text
        for label, scores in one.items():
            known = found.setdefault(label, [])
            known[len(known) :] = scores
        text = write_table(
            name, 'share of the images', found, out, facts, '100 %', notes
        )

    for number in range(seed, seed + seeds):
        settings = baseline(config, common)
        for share in sorted({*shares}):
            folder = out / 'configs' / f'{share:g}_percent_seed_{number}'
            drawn = write_subset(config, share, number, cfg, folder)
            settings.append(Setting(f'{share:g} %', drawn, common))
        for setting in settings:
            run_trials([setting], [number], data, out, tell, write)
    return text


def _about_queue(cfg: Any, count: int, shares: Sequence[float]) -> list[str]:
    """Say where the queue holds old keys of an image as its own negatives."""
    length = (cfg.model.get('queue') or {}).get('length') or cfg.model.get('queue_len')
    small = [s for s in sorted(shares) if length and length > count * s / 100]
    if not small:
        return []
    named = ', '.join(f'{s:g} %' for s in small)
    return [
        f'Of {named} of the images the queue of {length:,} keys holds old keys of an '
        'image as its own negatives: a shorter queue (model.queue.length) tells that '
        'from the want of data.'
    ]
