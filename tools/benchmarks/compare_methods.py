r"""Compare pre-trainings on small real images at equal processor time.

    python tools/benchmarks/compare_methods.py --seconds 180 --out comparison.md \
        --picture comparison.png

Every method trains a ResNet-18 on data/quickstart for the same processor time: a pilot
measures its steps, and its schedule is stretched to as many epochs as that buys. Then a
kNN and a linear probe of the frozen backbone, with all labels and with 5 % of them
(four images per class), on scenes that no training saw. The first seed's kNN is also
scored at each quarter of its training. Prints a table; numbers stay in --work-dir, from
which an interrupted comparison goes on.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

PROBE = 'configs/downstream/classification/r18_eurosat-quickstart_probe.py'
# As many numbers for one size of network; its views are of 64 pixels, and its
# statistics of its own.
CMID = [
    'model.backbone.stem_channels=64',
    'model.backbone.base_channels=64',
    'model.reconstruction.decoder.in_channels=512',
    'model.neck.widths=[512,512,128]',
    'model.local_neck.in_channels=512',
]
CMID_PROBE = [
    'model.backbone.strides=(1,2,2,1)',
    'model.data_preprocessor.mean=[86.18,91.93,85.37]',
    'model.data_preprocessor.std=[34.65,34.48,35.88]',
]


class Method(NamedTuple):
    """Store what a row trains and how its backbone is probed."""

    config: str | None
    options: list[str] = []
    probe: list[str] = []


METHODS = {
    'random': Method(None, probe=['test_cfg.reestimate_batch_norm=True']),
    'supervised, photos': Method('configs/supervised/r18_quickstart.py'),
    'MoCo v2, scenes': Method('configs/moco/r18_quickstart.py'),
    'MoCo v2, scenes and photos': Method('configs/moco/r18_quickstart_mixture.py'),
    'SimCLR, scenes': Method('configs/baselines/simclr_r18_quickstart.py'),
    'BYOL, scenes': Method('configs/baselines/byol_r18_quickstart.py'),
    'GeRSP, scenes and photos': Method('configs/gersp/r18_quickstart.py'),
    'GeRSP, 4 scenes per photo': Method('configs/gersp/r18_quickstart_4to1.py'),
    'CMID, scenes': Method('configs/cmid/r18_quickstart.py', CMID, CMID_PROBE),
}
SCORES = ('knn', 'linear', 'knn, 5 %', 'linear, 5 %')
QUARTERS = 4


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--seconds', type=float, default=240, help='processor time of a training'
    )
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument(
        '--methods', nargs='+', choices=METHODS, default=[*METHODS], metavar='NAME'
    )
    parser.add_argument('--pilot-seconds', type=float, default=20)
    parser.add_argument(
        '--work-dir', type=Path, default=ROOT / 'work_dirs' / 'comparison'
    )
    parser.add_argument('--out', type=Path, help='file for the table, too')
    parser.add_argument('--picture', type=Path, help='file for the curves')
    return parser.parse_args()


def run(log: Path, *words: object) -> None:
    """Run a tool; exit with the end of its log if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w') as file:
        done = subprocess.run(
            [sys.executable, *map(str, words)], cwd=ROOT, stdout=file, stderr=file
        )
    if done.returncode:
        tail = ''.join(log.read_text().splitlines(keepends=True)[-15:])
        sys.exit(f'{tail}\n{words[0]} failed; the whole output is in {log}')


def stretched(method: Method, folder: Path, args: argparse.Namespace) -> list[str]:
    """Return the options that give a training its processor time.

    The bill of a pilot tells seconds per epoch.
    """
    from rsp.engine.cfg_options import parse_options
    from rsp.engine.train import training_config
    from rsp.evaluation.analysis.trainings.schedule import stretch_schedule

    kept = folder / 'epochs.json'
    cfg = training_config(
        str(ROOT / str(method.config)), cfg_options=parse_options(method.options)
    )
    old = cfg.train_cfg.max_epochs
    if kept.is_file():
        epochs = json.loads(kept.read_text())['epochs']
    else:
        bill = folder / 'pilot.log'
        words = ['tools/pilot.py', method.config, '--json', '--no-trials']
        words += ['--seconds', str(args.pilot_seconds), '--no-validate']
        words += ['--cfg-options', *method.options] if method.options else []
        run(bill, *words)
        text = bill.read_text()
        measured = json.loads(text[text.index('{\n') : text.rindex('}') + 1])
        epoch = measured['cpu_bill']['total'] / old
        epochs = max(round(args.seconds / epoch), 1)
        kept.write_text(json.dumps(dict(epochs=epochs, seconds_per_epoch=epoch)))
    return [*method.options, *stretch_schedule(cfg, epochs)]


def train(method: Method, seed: int, folder: Path, args: argparse.Namespace) -> str:
    """Train one seed; return the checkpoint."""
    if method.config is None:
        return 'random'
    options = stretched(method, folder.parent, args)
    options += [f'randomness.seed={seed}']
    options += [f'default_hooks.checkpoint.{option}' for option in kept(folder, seed)]
    words = ['tools/train.py', method.config, '--work-dir', folder, '--no-validate']
    resumed = ['--resume'] if (folder / 'last_checkpoint').is_file() else []
    run(folder / 'train.log', *words, *resumed, '--cfg-options', *options)
    return (folder / 'last_checkpoint').read_text().strip()


def kept(folder: Path, seed: int) -> list[str]:
    """Return the options of the checkpoints: the last one, of the first seed four."""
    if seed:
        return ['max_keep_ckpts=1']
    epochs = json.loads((folder.parent / 'epochs.json').read_text())['epochs']
    return ['max_keep_ckpts=-1', f'interval={max(epochs // QUARTERS, 1)}']


def probe(method: Method, checkpoint: str, seed: int, folder: Path) -> dict[str, float]:
    """Score a backbone with all labels and with four images per class."""
    scores = {}
    few = f'[{",".join(map(str, range(seed, 800, 20)))}]'
    few_labels = [f'test_cfg.train_dataloader.dataset.indices={few}']
    few_labels.append('test_cfg.train_dataloader.batch_size=40')
    for name, labels in (('', []), (', 5 %', few_labels)):
        out = folder / f'probe{"_few" if name else ""}'
        options = [f'randomness.seed={seed}', *method.probe, *labels]
        run(
            *(out / 'test.log', 'tools/test.py', PROBE, checkpoint),
            *('--work-dir', out, '--out', out / 'metrics.json'),
            *('--cfg-options', *options),
        )
        metrics = json.loads((out / 'metrics.json').read_text())
        scores |= {f'{k}{name}': metrics[f'{k}/top1'] for k in ('knn', 'linear')}
    return scores


def curve(method: Method, folder: Path) -> dict[str, float]:
    """Score by kNN what is there of a training, by epoch."""
    out, scores = folder / 'curve', {}
    for checkpoint in sorted(folder.glob('epoch_*.pth')):
        run(
            *(out / 'test.log', 'tools/test.py', PROBE, checkpoint),
            *('--work-dir', out, '--out', out / 'metrics.json'),
            *(['--cfg-options', *method.probe] if method.probe else []),
        )
        metrics = json.loads((out / 'metrics.json').read_text())
        scores[checkpoint.stem.removeprefix('epoch_')] = metrics['knn/top1']
    return scores


def compared(args: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Train and probe what was not yet; return the scores of every seed."""
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(args.seeds):
        for name in args.methods:
            folder = args.work_dir / place_of(name) / f'seed_{seed}'
            done = folder / 'scores.json'
            if not done.is_file():
                checkpoint = train(METHODS[name], seed, folder, args)
                scores = probe(METHODS[name], checkpoint, seed, folder)
                if not seed:
                    points = curve(METHODS[name], folder)
                    (folder / 'curve.json').write_text(json.dumps(points, indent=1))
                done.write_text(json.dumps(scores, indent=1))
            found.setdefault(name, []).append(json.loads(done.read_text()))
            print(f'seed {seed}, {name}: {found[name][-1]}', flush=True)
    return found


def table(found: dict[str, list[dict[str, float]]], work_dir: Path) -> str:
    """Describe means and sample deviations as Markdown."""
    from rsp.evaluation.comparison import mean_and_deviation

    lines = [f'| pre-training | epochs | {" | ".join(SCORES)} |']
    lines.append('|---|---:|' + '---:|' * len(SCORES))
    for name, seeds in found.items():
        kept = work_dir / place_of(name) / 'epochs.json'
        epochs: Any = json.loads(kept.read_text())['epochs'] if kept.is_file() else ''
        cells = [name, str(epochs)]
        for score in SCORES:
            mean, deviation = mean_and_deviation([seed[score] for seed in seeds])
            cells.append(f'{mean:.1f}' + (f' ± {deviation:.1f}' if deviation else ''))
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def curves(names: list[str], work_dir: Path) -> dict[str, tuple[list, list]]:
    """Return the first seed's processor seconds and kNN scores, by method."""
    start = json.loads((work_dir / 'random/seed_0/scores.json').read_text())['knn']
    found = {}
    for name in names:
        if METHODS[name].config is None:
            continue
        folder = work_dir / place_of(name)
        pace = json.loads((folder / 'epochs.json').read_text())['seconds_per_epoch']
        points = json.loads((folder / 'seed_0/curve.json').read_text())
        epochs = sorted(map(int, points))
        scores = [points[str(epoch)] for epoch in epochs]
        found[name] = [0, *(epoch * pace for epoch in epochs)], [start, *scores]
    return found


def draw(curves: dict[str, tuple[list, list]], picture: Path) -> None:
    """Draw kNN scores over processor time."""
    import matplotlib

    matplotlib.use('agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4), layout='constrained')
    for name, (seconds, scores) in curves.items():
        axes.plot(seconds, scores, marker='.', label=name)
    axes.set(xlabel='processor time of the training, s', ylabel='kNN top-1, %')
    figure.legend(loc='outside right center', frameon=False, fontsize='small')
    axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=150)


def place_of(name: str) -> str:
    """Return the folder of a method."""
    return '-'.join(name.replace(',', '').lower().split())


def main() -> None:
    args = parse_args()
    args.work_dir = args.work_dir.resolve()
    text = table(compared(args), args.work_dir)
    print(f'\n{text}')
    if args.out:
        args.out.write_text(f'{text}\n')
    if args.picture:
        draw(curves(args.methods, args.work_dir), args.picture)


if __name__ == '__main__':
    main()
