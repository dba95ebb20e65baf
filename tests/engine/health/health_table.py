"""Stage all failures, run all healthy trainings, and print the table of docs/health.md.

python tests/engine/health/health_table.py [faults | healthy] [PATTERN OF NAMES]
"""

import copy
import json
import logging
import os
import re
import sys
import tarfile
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
warnings.filterwarnings('ignore')

# isort: off
import rsp  # noqa: E402, F401  registers everything, and mends torchvision
import failures  # noqa: E402
import healthy  # noqa: E402
import trainings  # noqa: E402
from two_ranks import heard_on_two  # noqa: E402
# isort: on

OPEN = Path(
    os.environ.get('RSP_SHARED_DATA', trainings.ROOT.parent / 'shared/data/open')
)


def hear(cfg: dict, ranks: int, work_dir: Path) -> tuple[list[str], dict]:
    """Run; return the alarms and what the hook says of itself."""
    run = heard_on_two if ranks == 2 else trainings.heard
    lines = [line for line in run(cfg, work_dir) if line.startswith('health, ')]
    (file,) = work_dir.rglob('health.json')
    return lines, json.loads(file.read_text())


def rule_of(line: str) -> str:
    (rule,) = re.findall(r"health\.ignore=\['(\w+)'\]", line)
    return rule


def stage(root: Path, words: str) -> None:
    """Stage the failures; each run ends with its first alarm."""
    named, chosen = 0, [f for f in failures.FAULTS if re.search(words, f.name)]
    for number, fault in enumerate(chosen):
        cfg = copy.deepcopy(fault.config)
        cfg['default_hooks']['health']['stop_on_alarm'] = True
        lines, _ = hear(cfg, fault.ranks, root / f'fault_{number}')
        hits = [line for line in lines if rule_of(line) == fault.rule]
        named += bool(hits)
        said = (hits or lines or [''])[0].partition('. If it is meant')[0]
        print('named ' if hits else 'MISSED', f'{fault.name}: {said}', flush=True)
    print(f'{named} of {len(chosen)} failures named within 200 steps', flush=True)


def train(root: Path, words: str) -> None:
    """Run what is healthy to the end."""
    scenes, photos = real_images(root)
    alarms, shares = 0, []
    chosen = [n for n, one in enumerate(healthy.HEALTHY) if re.search(words, one.name)]
    for number in chosen:
        one, started = healthy.HEALTHY[number], time.perf_counter()
        cfg = healthy.config_of(number, scenes, photos)
        lines, summary = hear(cfg, one.ranks, root / f'healthy_{number}')
        took = time.perf_counter() - started
        alarms += bool(lines)
        shares.append(summary['share_of_time'])
        print(
            f'{"ALARM " if lines else "silent"} {one.name}: '
            f'{summary["measurements"]} measurements, {shares[-1]:.2%}, {took:.0f} s',
            *lines,
            flush=True,
        )
    print(
        f'{alarms} alarms in {len(chosen)} healthy runs; measuring took '
        f'{max(shares):.2%} of the time at most'
    )


def real_images(root: Path) -> tuple[Path, Path]:
    """Return folders of scenes and photos that the thresholds have not seen."""
    found = []
    for name, instead in (('eurosat_subset', 'probe'), ('clothing_subset', 'natural')):
        file = OPEN / f'{name}.tar'
        if not file.is_file():
            print(f'no {file}: data/quickstart/{instead} instead', flush=True)
            found.append(trainings.QUICKSTART / instead)
            continue
        with tarfile.open(file) as tar:
            tar.extractall(root, filter='data')
        found.append(root / name / 'train')
    return found[0], found[1]


def main(what: str = '', words: str = '') -> None:
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as scratch:
        if what in ('', 'faults'):
            stage(Path(scratch), words)
        if what in ('', 'healthy'):
            train(Path(scratch), words)


if __name__ == '__main__':
    main(*sys.argv[1:])
