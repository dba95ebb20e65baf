"""Compare the bill of `rsp pilot` with what trainings then take.

    python tools/benchmarks/check_pilot.py --data /path/to/sets --out pilot.json

Ten configs of different kinds, each with half a minute or a minute to train. The sets
are folders: seg_building_oam, det_dior_free, eurosat (EuroSAT's classes in train and
val) and scenes (GeoTIFFs); a config whose set is missing is told and left out. Per
config a pilot, then `rsp train`, as often as told. Wall clock depends on what else the
machine does, so processor time is compared, too. Prints a table.
"""

import argparse
import datetime
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Case(NamedTuple):
    """Name a config, the options of its schedule, and the set it needs."""

    kind: str
    config: str
    options: list[str]
    needs: str = ''


# In place of a folder of small images: windows that are cut while training.
WINDOWS = """
_base_ = '{base}'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='rsp.SceneDataset',
        data_root='',
        bands=[1, 2, 3],
        windows=dict(type='rsp.RandomWindowSampler', size=64, max_per_scene=400),
        pipeline=[
            dict(type='rsp.MultiView', num_views=2, transforms=[_base_.view]),
            dict(type='PackInputs'),
        ],
    )
)
train_cfg = dict(max_epochs=3)
"""


def cases(data: Path) -> list[Case]:
    """Return the ten configs."""
    train, val = 'train_dataloader', 'val_dataloader'
    downstream = 'configs/downstream'
    eurosat = [
        f'{train}.dataset.data_root={data}/eurosat',
        f'{train}.dataset.data_prefix=train',
    ]
    return [
        Case(
            'GeRSP, ResNet-18',
            'configs/gersp/r18_quickstart.py',
            ['train_cfg.max_epochs=2'],
        ),
        Case(
            'CMID, ResNet-18',
            'configs/cmid/r18_quickstart.py',
            ['train_cfg.max_epochs=1'],
        ),
        Case(
            'CMID, Swin',
            'configs/cmid/swin_mini_quickstart.py',
            ['train_cfg.max_epochs=1'],
        ),
        Case(
            'CMID, ViT-T',
            'configs/cmid/vit_t_quickstart.py',
            ['train_cfg.max_epochs=1'],
        ),
        Case(
            'MoCo v2, ResNet-18',
            'configs/moco/r18_quickstart.py',
            ['train_cfg.max_epochs=3'],
        ),
        Case(
            'MoCo v2, GeoTIFF windows',
            '',
            [f'{train}.dataset.data_root={data}/scenes'],
            'scenes',
        ),
        Case(
            'classification, fine-tuning',
            f'{downstream}/classification/r18_eurosat_finetune_mini.py',
            ['train_cfg.max_iters=200', 'train_cfg.val_interval=100'],
        ),
        Case(
            'supervised, many files',
            f'{downstream}/classification/r18_eurosat_finetune_mini.py',
            [
                *eurosat,
                f'{val}.dataset.data_root={data}/eurosat',
                'train_cfg.max_iters=150',
                'train_cfg.val_interval=75',
                f'{train}.num_workers=0',
            ],
            'eurosat',
        ),
        Case(
            'segmentation, UPerNet',
            f'{downstream}/segmentation/upernet_r18_building-oam_mini.py',
            [
                'train_cfg.max_iters=24',
                'train_cfg.val_interval=12',
                f'{train}.dataset.data_root={data}/seg_building_oam',
                f'{val}.dataset.data_root={data}/seg_building_oam',
            ],
            'seg_building_oam',
        ),
        Case(
            'detection, ATSS',
            f'{downstream}/detection/atss_r18_vehicle_mini.py',
            [
                'train_cfg.max_iters=16',
                'train_cfg.val_interval=16',
                'default_hooks.checkpoint.interval=16',
                f'{train}.dataset.data_root={data}/det_dior_free',
                f'{val}.dataset.data_root={data}/det_dior_free',
            ],
            'det_dior_free',
        ),
    ]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, required=True, help='folder of the sets')
    parser.add_argument('--out', type=Path, help='file for all numbers, as JSON')
    parser.add_argument('--seconds', type=float, default=20, help='of each pilot')
    parser.add_argument('--rounds', type=int, default=1, help='pilots and trainings')
    parser.add_argument('--only', nargs='+', help='kinds that contain one of these')
    return parser.parse_args()


def run(words: list[str]) -> tuple[str, float, float]:
    """Run a command; return what it says, its seconds and its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | dict(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
    )
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f'{" ".join(words)} failed:\n{done.stderr[-2000:]}')
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return done.stdout, wall, spent


def compare(case: Case, seconds: float) -> dict[str, Any]:
    """Measure a config, then train it."""
    if not case.config:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, 'windows.py')
            base = ROOT / 'configs' / 'moco' / 'r18_quickstart.py'
            file.write_text(WINDOWS.format(base=base))
            return compare(case._replace(config=str(file)), seconds)
    options = ['--cfg-options', *case.options]
    words = ['tools/pilot.py', case.config, '--no-trials', '--json']
    said = run([*words, '--seconds', str(seconds), *options])[0]
    bill = json.loads(said[said.index('{') :])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        _, wall, spent = run(
            ['tools/train.py', case.config, '--work-dir', folder, *options]
        )
    return dict(
        kind=case.kind,
        config=case.config,
        options=case.options,
        predicted=bill['bill']['total'],
        took=wall,
        predicted_cpu=bill['cpu_bill']['total'],
        took_cpu=spent,
        load=os.getloadavg()[0],
        pilot=bill,
    )


def error(found: dict[str, Any], key: str) -> float:
    """Return how much too high a prediction was, relative to what it took."""
    own = 'predicted' + key.removeprefix('took')
    return found[own] / found[key] - 1


def table(results: list[dict[str, Any]]) -> str:
    """Return a Markdown table, a line per config, medians over its rounds."""
    lines = [
        '| config | predicted | took | error | processor s, predicted | took | error |',
        '|---|---:|---:|---:|---:|---:|---:|',
    ]
    close = dict(took=0, took_cpu=0)
    kinds = list(dict.fromkeys(found['kind'] for found in results))
    for kind in kinds:
        rounds = [found for found in results if found['kind'] == kind]
        middle = {
            key: statistics.median(found[key] for found in rounds)
            for key in ('predicted', 'took', 'predicted_cpu', 'took_cpu')
        }
        errors = {key: error(middle, key) for key in close}
        for key, value in errors.items():
            close[key] += abs(value) <= 0.1
        lines.append(
            f'| {kind} | {middle["predicted"]:.0f} s | {middle["took"]:.0f} s | '
            f'{100 * errors["took"]:+.0f} % | {middle["predicted_cpu"]:.0f} | '
            f'{middle["took_cpu"]:.0f} | {100 * errors["took_cpu"]:+.0f} % |'
        )
    of = len(kinds)
    lines += [
        '',
        f'Within 10 %: {close["took"]} of {of} by the clock, {close["took_cpu"]} of '
        f'{of} by processor time. {os.cpu_count()} cores, '
        f'{datetime.date.today().isoformat()}.',
    ]
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    results: list[dict[str, Any]] = []
    for case in cases(args.data.resolve()):
        if args.only and not any(word in case.kind for word in args.only):
            continue
        if case.needs and not (args.data / case.needs).is_dir():
            print(
                f'{case.kind}: no {args.data / case.needs}, left out', file=sys.stderr
            )
            continue
        for _ in range(args.rounds):
            try:
                results.append(compare(case, args.seconds))
            except RuntimeError as failure:
                print(f'{case.kind}: {failure}', file=sys.stderr)
                break
            last = results[-1]
            print(
                f'{case.kind}: predicted {last["predicted"]:.1f} s, took '
                f'{last["took"]:.1f} s; processor {last["predicted_cpu"]:.1f}, '
                f'{last["took_cpu"]:.1f}; load {last["load"]:.1f}',
                file=sys.stderr,
                flush=True,
            )
            if args.out:
                args.out.write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == '__main__':
    main()
