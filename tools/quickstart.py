"""Pre-train GeRSP on small real images and compare it with a random backbone.

    bash tools/quickstart.sh            # sets up the environment first if there is none
    python tools/quickstart.py --seeds 1

Per seed: tools/train.py with configs/gersp/r18_quickstart.py, tools/export_backbone.py,
and tools/test.py with the kNN and linear probe of configs/downstream/classification.
The baseline is the same network, not trained, with batch-norm statistics taken from the
images the probes are fitted to. Writes result.json and result.png to the work dir.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The checkout this script lies in need not be installed.
sys.path.insert(0, str(ROOT))

CONFIG = 'configs/gersp/r18_quickstart.py'
PROBE = 'configs/downstream/classification/r18_eurosat-quickstart_probe.py'
NUM_CLASSES = 10
RANDOM_SEEDS = 3
# For the estimate before the first stage of a type is done: two quiet cores.
SECONDS = dict(pretrain=90, export=6, probe=15)
PACKAGES = ('torch', 'onedl-mmengine', 'onedl-mmcv', 'onedl-mmpretrain', 'numpy')
# Parts of a training log line that are shown on the screen.
PROGRESS = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\]')
SHOWN = re.compile(
    r'\b(eta|loss_contrast|loss_supervised|contrast_top1|supervised_top1): ([\d.:]+)'
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--seeds', type=int, default=3, metavar='N', help='pre-training runs'
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=ROOT / 'work_dirs' / 'quickstart',
        help='default: work_dirs/quickstart of the checkout',
    )
    parser.add_argument(
        '--epochs', type=int, help='train for another number of epochs than the config'
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], help='forwarded to tools/train.py'
    )
    parser.add_argument(
        '--probe-options', nargs='+', default=[], help='forwarded to tools/test.py'
    )
    args = parser.parse_args()
    if args.seeds < 1:
        parser.error(f'--seeds expects at least 1, got {args.seeds}')
    if args.epochs:
        args.cfg_options.append(f'train_cfg.max_epochs={args.epochs}')
    args.work_dir = args.work_dir.resolve()
    return args


class Stages:
    """Run the stages one after the other, report progress and keep the time."""

    def __init__(self, plan: list[str]) -> None:
        self.plan = plan
        self.seconds: dict[str, list[float]] = {stage: [] for stage in SECONDS}

    def run(self, what: str, log: Path, script: str, *arguments: object) -> None:
        """Run a tool of this project, its output in a log, a summary on the screen.

        Raises:
            SystemExit: If it fails, with the end of its log.
        """
        done = sum(len(times) for times in self.seconds.values())
        stage = self.plan[done]
        words = [script, *map(str, arguments)]
        print(
            f'\n[{done + 1}/{len(self.plan)}] {what}: '
            f'about {duration(self.expected(stage))}, '
            f'{duration(self.remaining(done))} left in all\n'
            f'$ python {shlex.join(words)}',
            flush=True,
        )
        log.parent.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        with (
            log.open('w') as file,
            subprocess.Popen(
                [sys.executable, '-u', *words],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
                if 'Epoch(train)' in line:
                    print('   ', shorten_log_line(line), flush=True)
        if process.returncode != 0:
            tail = ''.join(log.read_text().splitlines(keepends=True)[-15:])
            sys.exit(f'{tail}\n{what} failed; the whole output is in {log}')
        self.seconds[stage].append(time.monotonic() - start)
        print(f'    done in {duration(self.seconds[stage][-1])}', flush=True)

    def expected(self, stage: str) -> float:
        """Estimate the seconds of one more stage of this type, from the last one."""
        return (self.seconds[stage] or [SECONDS[stage]])[-1]

    def remaining(self, done: int) -> float:
        """Estimate the seconds of all stages from this one on."""
        return sum(self.expected(stage) for stage in self.plan[done:])


def shorten_log_line(line: str) -> str:
    """Shorten a training log line to what is worth a glance."""
    place = PROGRESS.search(line)
    if place is None:
        return line.strip()
    epoch, step, steps = place.groups()
    values = [
        f'{name} {value if ":" in value else format(float(value), ".2f")}'
        for name, value in SHOWN.findall(line)
    ]
    return '  '.join([f'epoch {epoch}, step {step}/{steps}', *values])


def duration(seconds: float) -> str:
    """Format a duration, e.g. 45 s, 3 min 05 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f'{minutes} min {rest:02d} s' if minutes else f'{rest} s'


def probe(
    stages: Stages, what: str, backbone: object, out: Path, *options: str
) -> dict:
    """Score a backbone by tools/test.py; return top-1 in per cent by probe."""
    metrics = out / 'metrics.json'
    options = ('--cfg-options', *options) if options else ()
    stages.run(
        what,
        out / 'test.log',
        'tools/test.py',
        PROBE,
        backbone,
        '--work-dir',
        out,
        '--out',
        metrics,
        *options,
    )
    scores = json.loads(metrics.read_text())
    return {name: round(scores[f'{name}/top1'], 3) for name in ('knn', 'linear')}


def pretrain(stages: Stages, seed: int, folder: Path, options: list[str]) -> Path:
    """Train and export; return the file of the backbone."""
    stages.run(
        f'pre-training, seed {seed}',
        folder / 'train.log',
        'tools/train.py',
        CONFIG,
        '--work-dir',
        folder,
        '--cfg-options',
        f'randomness.seed={seed}',
        *options,
    )
    backbone = folder / 'backbone.pth'
    checkpoint = (folder / 'last_checkpoint').read_text().strip()
    stages.run(
        f'exporting the backbone of seed {seed}',
        folder / 'export.log',
        'tools/export_backbone.py',
        checkpoint,
        backbone,
    )
    return backbone


def main() -> None:
    args = parse_args()
    start = time.monotonic()
    stages = Stages(
        ['pretrain', 'export', 'probe'] * args.seeds + ['probe'] * RANDOM_SEEDS
    )
    print(
        'Quick start: GeRSP pre-trains a ResNet-18 on 2,400 satellite scenes and 1,000 '
        f'photos, {args.seeds} times.\nThen simple classifiers are fitted to what the '
        'frozen backbones make of 800 labeled scenes, and scored on 800 others.\n'
        f'About {duration(stages.remaining(0))} on two CPU cores; '
        f'results: {args.work_dir}'
    )
    runs: dict[str, list[dict]] = dict(random=[], pretrained=[])
    folders = [args.work_dir / f'seed_{seed}' for seed in range(args.seeds)]
    for seed, folder in enumerate(folders):
        backbone = pretrain(stages, seed, folder, args.cfg_options)
        scores = probe(
            stages,
            f'probing the backbone of seed {seed}',
            backbone,
            folder / 'probe',
            *args.probe_options,
        )
        runs['pretrained'].append(scores)
    for seed in range(RANDOM_SEEDS):
        scores = probe(
            stages,
            f'probing a random backbone, seed {seed}',
            'random',
            args.work_dir / f'random_{seed}',
            f'randomness.seed={seed}',
            'test_cfg.reestimate_batch_norm=True',
            *args.probe_options,
        )
        runs['random'].append(scores)
    report(args, runs, folders, stages.seconds, time.monotonic() - start)


def report(
    args: argparse.Namespace,
    runs: dict[str, list[dict]],
    folders: list[Path],
    seconds: dict[str, list[float]],
    total: float,
) -> None:
    """Print the table, write result.json and result.png."""
    # The libraries below announce what they lack for other purposes.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter('ignore')
        from rsp import __version__
        from rsp.evaluation.comparison import format_table, summarize
        from rsp.visualization.figures.curves import plot_comparison
        from rsp.visualization.scalars import read_scalars

    summary = summarize(runs)
    result = summary | dict(
        gain={
            name: summary['pretrained'][name] - summary['random'][name]
            for name in ('knn', 'linear')
        },
        unit='top-1 accuracy, per cent; deviations are sample standard deviations',
        config=CONFIG,
        probe=PROBE,
        options=args.cfg_options + args.probe_options,
        seconds=seconds | dict(total=total),
        versions=dict(rsp=__version__, python=platform.python_version())
        | {name: package_version(name) for name in PACKAGES},
        machine=f'{platform.machine()}, {os.cpu_count()} CPU cores',
    )
    table = format_table(summary, 'random', 'pretrained', ('knn', 'linear'))
    (args.work_dir / 'result.json').write_text(json.dumps(result, indent=2) + '\n')
    curves = [read_scalars(folder) for folder in folders]
    plot_comparison(args.work_dir / 'result.png', curves, summary, NUM_CLASSES)
    print(
        f'\n{table}\n\nFinished in {duration(total)}.\n'
        f'  numbers   {args.work_dir / "result.json"}\n'
        f'  figure    {args.work_dir / "result.png"}\n'
        f'  backbone  {folders[0] / "backbone.pth"}'
    )


def package_version(package: str) -> str | None:
    """Return the version of a package, None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


if __name__ == '__main__':
    main()
