"""Time a training iteration of a config against a bare loop of the same arithmetic.

    python tools/benchmarks/bench_step.py configs/gersp/r50.py --batch 8

Everything the runner does counts (preprocessor, step, optimizer, hooks, logs), except
loading data: one synthetic batch, made by the config's own pipelines, is used again
and again. Both run in turn in one process; the ratio is the median over the pairs.
Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rsp.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
FORMATS = dict(contiguous='contiguous_format', channels_last='channels_last')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of a method with a bare loop')
    parser.add_argument('--batch', type=int, help='items per step; as configured')
    parser.add_argument('--device', choices=('cpu', 'cuda'), help='cuda if there is')
    parser.add_argument('--amp', action='store_true', help='bfloat16 autocast for both')
    parser.add_argument('--pairs', type=int, default=10, help='timed pairs of steps')
    parser.add_argument('--warmup', type=int, default=2, help='steps not timed, each')
    parser.add_argument('--threads', type=int, help='CPU threads; all cores')
    parser.add_argument('--cfg-options', nargs='+', help='config changes, key=value')
    return parser.parse_args()


def synthetic(dataset: Any, length: int) -> Any:
    """Replace every source of images in a data-set config by random ones in memory."""
    from images import SyntheticImages

    name = dataset.get('type') if isinstance(dataset, dict) else None
    if name in ('rsp.ImageFolder', 'rsp.LandCoverImages', 'rsp.SceneDataset'):
        images = dict(
            type=SyntheticImages,
            length=length,
            labeled=name == 'rsp.ImageFolder' and dataset.get('with_label', True),
            pipeline=[t for t in dataset['pipeline'] if 'Load' not in str(t['type'])],
            classes=len(dataset.get('classes') or ()),
        )
        # Scenes are drawn by the sampler itself, images in memory are not.
        scenes = name == 'rsp.SceneDataset'
        return dict(type='rsp.SeededDataset', dataset=images) if scenes else images
    if isinstance(dataset, dict):
        return {key: synthetic(value, length) for key, value in dataset.items()}
    if isinstance(dataset, list):
        return [synthetic(value, length) for value in dataset]
    return dataset


def prepare(args: argparse.Namespace, work_dir: str) -> Any:
    """Read the config and put it on one synthetic batch."""
    from mmengine.config import Config, DictAction

    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        pairs = argparse.ArgumentParser()
        pairs.add_argument('--cfg-options', nargs='+', action=DictAction)
        cfg.merge_from_dict(
            pairs.parse_args(['--cfg-options', *args.cfg_options]).cfg_options
        )
    cfg.work_dir, cfg.log_level = work_dir, 'WARNING'
    cfg.load_from = cfg.checkpoint = None
    loader = cfg.train_dataloader
    loader.batch_size = args.batch or loader.batch_size
    loader.dataset = synthetic(loader.dataset.to_dict(), loader.batch_size)
    loader.update(num_workers=0, persistent_workers=False)
    for key in ('prefetch_factor', 'pin_memory'):
        loader.pop(key, None)
    if args.amp:
        cfg.optim_wrapper.type = 'rsp.Bf16OptimWrapper'
    cfg.train_cfg = dict(type=make_loop(args), max_epochs=1)
    return cfg


def make_loop(args: argparse.Namespace) -> type:
    """Make a training loop that times its iterations against the bare ones."""
    import torch
    from mmengine.model import is_model_wrapper
    from mmengine.runner import EpochBasedTrainLoop

    class PairedTimingLoop(EpochBasedTrainLoop):
        report: dict = {}

        def run(self) -> None:
            self.runner.call_hook('before_train')
            self.runner.call_hook('before_train_epoch')
            self.runner.model.train()
            batch = next(iter(self.dataloader))

            def ours() -> None:
                self.run_iter(self._iter, batch)

            clock(ours, args.warmup)
            self.report['peak_memory_mb'] = peak_memory_mb()
            bare, formats = self.fastest_bare_loop(batch)
            pairs = [(clock(ours, 1), clock(bare, 1)) for _ in range(args.pairs)]
            mine, plain = zip(*pairs, strict=True)
            self.report.update(
                ratio=round(statistics.median(a / b for a, b in pairs), 4),
                ours_s=round(statistics.median(mine), 4),
                bare_s=round(statistics.median(plain), 4),
                bare_first_s=formats,
                items_per_second=round(
                    self.dataloader.batch_sampler.batch_size / statistics.median(mine),
                    2,
                ),
            )
            self.runner.call_hook('after_train_epoch')

        def fastest_bare_loop(self, batch: dict) -> tuple[Callable, dict]:
            from bare_loops import BARE_LOOPS

            runner = self.runner
            model = runner.model
            model = model.module if is_model_wrapper(model) else model
            name = type(model).__name__
            if name not in BARE_LOOPS:
                raise UserError(
                    f'expected a method with a bare loop ({", ".join(BARE_LOOPS)}), '
                    f'got {name}; write one in tools/benchmarks/bare_loops.py.'
                )
            optimizer = runner.optim_wrapper.optimizer
            settings = {
                key: value
                for key, value in optimizer.param_groups[0].items()
                if key in optimizer.defaults
            }
            steps, times = {}, {}
            for layout, torch_name in FORMATS.items():
                loop = BARE_LOOPS[name](
                    model,
                    lambda parameters: type(optimizer)(parameters, **settings),
                    getattr(torch, torch_name),
                    torch.bfloat16 if args.amp else None,
                )
                steps[layout] = lambda loop=loop: loop.step(batch)
                clock(steps[layout], args.warmup)
                times[layout] = round(clock(steps[layout], 1), 4)
            return steps[min(times, key=times.get)], times

    def clock(step: Callable, count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return PairedTimingLoop


def peak_memory_mb() -> int:
    """Return the peak so far of the device's tensors, on a CPU of the process."""
    import resource

    import torch

    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    args = parse_args()
    if args.device == 'cpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    import torch
    from mmengine.registry import RUNNERS

    import rsp

    if args.device == 'cuda' and not torch.cuda.is_available():
        raise SystemExit('expected a CUDA device for --device cuda, found none.')
    if args.threads:
        torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as work_dir:
        cfg = prepare(args, work_dir)
        runner = RUNNERS.build(cfg)
        runner.train()
    report = dict(
        config=args.config,
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu',
        batch=cfg.train_dataloader.batch_size,
        amp=args.amp,
        memory_format=cfg.get('memory_format', 'contiguous'),
        threads=torch.get_num_threads(),
        pairs=args.pairs,
        **runner.train_loop.report,
        torch=torch.__version__,
        rsp=rsp.__version__,
    )
    print(json.dumps(report, indent=2))


if __name__ == '__main__':
    main()
