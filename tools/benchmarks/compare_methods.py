"""Compare pre-trainings on small real images at equal processor time.

    python tools/benchmarks/compare_methods.py --seconds 240 --out comparison.md

Every method trains a ResNet-18 on data/quickstart for the same processor time: a pilot
measures its steps, and its schedule is stretched to as many epochs as that buys. Then a
kNN and a linear probe of the frozen backbone, with all labels and with 5 % of them
(four images per class), on scenes that no training saw. Prints a table; numbers stay in
--work-dir, from which an interrupted comparison goes on.
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
    'CMID, scenes': Method('configs/cmid/r18_quickstart.py', CMID, CMID_PROBE),
}
SCORES = ('knn', 'linear', 'knn, 5 %', 'linear, 5 %')


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
    options += [f'randomness.seed={seed}', 'default_hooks.checkpoint.max_keep_ckpts=1']
    words = ['tools/train.py', method.config, '--work-dir', folder, '--no-validate']
    resumed = ['--resume'] if (folder / 'last_checkpoint').is_file() else []
    run(folder / 'train.log', *words, *resumed, '--cfg-options', *options)
    return (folder / 'last_checkpoint').read_text().strip()


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


def compared(args: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Train and probe what was not yet; return the scores of every seed."""
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(args.seeds):
        for name in args.methods:
            place = '-'.join(name.replace(',', '').lower().split())
            folder = args.work_dir / place / f'seed_{seed}'
            kept = folder / 'scores.json'
            if not kept.is_file():
                checkpoint = train(METHODS[name], seed, folder, args)
                scores = probe(METHODS[name], checkpoint, seed, folder)
                kept.write_text(json.dumps(scores, indent=1))
            found.setdefault(name, []).append(json.loads(kept.read_text()))
            print(f'seed {seed}, {name}: {found[name][-1]}', flush=True)
    return found


def table(found: dict[str, list[dict[str, float]]], work_dir: Path) -> str:
    """Describe means and sample deviations as Markdown."""
    from rsp.evaluation.comparison import mean_and_deviation

    lines = [f'| pre-training | epochs | {" | ".join(SCORES)} |']
    lines.append('|---|---:|' + '---:|' * len(SCORES))
    for name, seeds in found.items():
        place = '-'.join(name.replace(',', '').lower().split())
        kept = work_dir / place / 'epochs.json'
        epochs: Any = json.loads(kept.read_text())['epochs'] if kept.is_file() else ''
        cells = [name, str(epochs)]
        for score in SCORES:
            mean, deviation = mean_and_deviation([seed[score] for seed in seeds])
            cells.append(f'{mean:.1f}' + (f' ± {deviation:.1f}' if deviation else ''))
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    args.work_dir = args.work_dir.resolve()
    text = table(compared(args), args.work_dir)
    print(f'\n{text}')
    if args.out:
        args.out.write_text(f'{text}\n')


if __name__ == '__main__':
    main()
