"""Vary one setting of a method: the questions that the papers ask, and any other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from rsp.engine.cfg_options import parse_options
from rsp.engine.train import load_config
from rsp.errors import UserError, print_once, shorten
from rsp.evaluation.analysis.trainings.table import write_table
from rsp.evaluation.analysis.trainings.trials import (
    Setting,
    baseline,
    check_settings,
    common_options,
    run_trials,
)
from rsp.ops import check

GERSP = 'configs/gersp/r18_quickstart.py'
CMID = 'configs/cmid/r18_quickstart.py'
GEOKR = 'configs/geokr/r18_cpu.py'


@dataclass(frozen=True)
class Sweep:
    """Hold what is varied.

    Attributes:
        name: On the command line, and of files.
        title: In words.
        config: To train.
        settings: Overrides by label.
        shipped: Label of the config as it is; empty if it is not among them.
    """

    name: str
    title: str
    config: str
    settings: Mapping[str, tuple[str, ...]]
    shipped: str = ''


def vary(
    name: str,
    title: str,
    config: str,
    key: str,
    values: Sequence[Any],
    shipped: Any = '',
) -> Sweep:
    """Vary one key of a config; values as Python writes them."""
    # Without spaces, as words of a command line.
    words = {str(value): (f'{key}={value}'.replace(' ', ''),) for value in values}
    return Sweep(name, title, config, words, str(shipped))


def _without(*losses: str) -> tuple[str, ...]:
    """Return the overrides that leave losses of CMID out: a weight of 0 moves nothing.

    A branch that is not built would need other hooks, too.
    """
    return tuple(f'model.loss_weights.loss_{name}=0.0' for name in losses)


SWEEPS = {
    sweep.name: sweep
    for sweep in (
        vary(
            'gersp-alpha',
            'weight of the supervised loss, alpha',
            GERSP,
            'model.alpha',
            (0.0, 0.25, 0.5, 1.0, 2.0, 4.0),
            shipped=1.0,
        ),
        vary(
            'gersp-momentum',
            "teacher's share of new weights per step, 1 - m",
            GERSP,
            'model.teacher.momentum',
            (0.001, 0.003, 0.01, 0.03, 0.1, 1.0),
            shipped=0.01,
        ),
        vary(
            'gersp-temperature',
            'temperature of the contrast',
            GERSP,
            'model.head.temperature',
            (0.05, 0.1, 0.2, 0.4, 1.0),
            shipped=0.2,
        ),
        vary(
            'gersp-queue',
            'keys in the queue',
            GERSP,
            'model.queue.length',
            (64, 256, 1024, 2048, 4096),
            shipped=1024,
        ),
        Sweep(
            'cmid-branches',
            'branches',
            CMID,
            {
                'all': (),
                'no contrast': _without('global'),
                'no distillation': _without('local'),
                'no reconstruction': _without('spatial', 'frequency'),
                'no frequencies': _without('frequency'),
                'reconstruction alone': _without('global', 'local'),
            },
            shipped='all',
        ),
        vary(
            'cmid-mask-ratio',
            'share of patches masked',
            CMID,
            'train_dataloader.dataset.dataset.pipeline.1.mask_ratio',
            (0.1, 0.3, 0.45, 0.6, 0.75, 0.9),
            shipped=0.6,
        ),
        vary(
            'geokr-consistency',
            'weight of the consistency with the teacher',
            GEOKR,
            'model.head.consistency_weight',
            (0.0, 0.5, 1.0, 2.0),
            shipped=1.0,
        ),
    )
}


def find_sweeps(name: str, varied: str | None) -> list[Sweep]:
    """Return the sweep of a name, all of a method, or one of any config.

    Args:
        name: E.g. ``'gersp-alpha'``, ``'gersp'``, or a config.
        varied: ``KEY=VALUE,VALUE,...``, of a config alone.

    Raises:
        UserError: If there is none, with those there are.
    """
    if varied is not None:
        if name in SWEEPS or not name.endswith('.py'):
            raise UserError(
                f"expected a config with --vary, got '{name}'; leave --vary out, or "
                'give the config.'
            )
        key, _, values = varied.partition('=')
        parsed = parse_options([varied])[key] if values else None
        if not isinstance(parsed, list | tuple) or len({*map(str, parsed)}) < 2:
            raise UserError(
                f"expected --vary KEY=VALUE,VALUE,... with two values or more, got '"
                f"{varied}'."
            )
        shipped: Any = load_config(name, None, 'none', None)
        for step in key.split('.'):
            inside = isinstance(shipped, Mapping | Config)
            shipped = shipped.get(step, '') if inside else ''
        return [vary(f'{Path(name).stem}-{key}', key, name, key, parsed, shipped)]
    found = [
        s for key, s in SWEEPS.items() if key == name or key.startswith(f'{name}-')
    ]
    if not found:
        hint = 'a config needs --vary KEY=VALUE,VALUE' if name.endswith('.py') else ''
        raise UserError(
            f'expected a sweep among {", ".join(SWEEPS)}, or a method, got '
            f"'{shorten([name])}'" + (f'; {hint}.' if hint else '.')
        )
    return found


def run_sweeps(
    names: Sequence[str],
    out: Path,
    data: str,
    varied: str | None = None,
    seeds: int = 3,
    seed: int = 0,
    epochs: int | None = None,
    cfg_options: Sequence[str] = (),
    tell: Callable[[str], None] = print_once,
) -> list[str]:
    """Train each setting of sweeps, go on where an earlier call ended, write tables.

    Args:
        names: See `find_sweeps`.
        out: Folder; each sweep gets one below it.
        data: Labeled images to score by, see `open_images`.
        varied: See `find_sweeps`.
        seeds: Number of them.
        seed: The first one.
        epochs: In place of the config's.
        cfg_options: Overrides of all trainings.
        tell: Prints progress.

    Returns:
        The tables, as Markdown.

    Raises:
        UserError: If a config, an override or the data are wrong, or a run fails.
    """
    check.at_least('--seeds', seeds, 1)
    sweeps = [sweep for name in names for sweep in find_sweeps(name, varied)]
    planned = [(sweep, _plan(sweep, epochs, cfg_options)) for sweep in sweeps]
    for _, settings in planned:
        check_settings(settings)
    texts = []
    for sweep, settings in planned:
        folder, text = out / sweep.name, ''

        def write(found: Any, sweep: Sweep = sweep) -> None:
            nonlocal text
            facts = dict(config=sweep.config, data=data, epochs=epochs, seed=seed,
                         options=[*cfg_options])  # fmt: skip
            text = write_table(
                sweep.name, sweep.title, found, out / sweep.name, facts, sweep.shipped
            )

        run_trials(settings, range(seed, seed + seeds), data, folder, tell, write)
        texts.append(text)
    return texts


def _plan(
    sweep: Sweep, epochs: int | None, cfg_options: Sequence[str]
) -> list[Setting]:
    """Return the settings, the untrained one first."""
    common = common_options(sweep.config, epochs, cfg_options)
    return baseline(sweep.config, common) + [
        Setting(label, sweep.config, (*common, *own))
        for label, own in sweep.settings.items()
    ]
