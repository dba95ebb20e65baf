"""Time a training iteration of a config against a bare loop of the same arithmetic.

    python tools/benchmarks/bench_step.py configs/gersp/r50.py --batch 8

Everything the runner does counts (preprocessor, step, optimizer, hooks, logs), except
loading data: one synthetic batch, made by the config's own pipelines, is used again
and again, and looked at by the pixel guard while warming up. Both run in turn in one
process, in the order a b b a; a ratio is the median over the pairs. ``cpu_ratio`` is
that of the CPU seconds of the process, which hardly hear of its neighbors on a shared
machine. Peaks of memory are those of tensors, and count what is kept between steps.
``parts_ms`` says where the time around the arithmetic goes. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import UserError

FORMATS = dict(contiguous='contiguous_format', channels_last='channels_last')
# Steps whose parts are timed, after the pairs.
PARTS_STEPS = 3


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
            pipeline=[t for t in map(after_loading, dataset['pipeline']) if t],
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


def after_loading(step: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a transform does with an image that is there; None if it loads."""
    name = str(step['type']).rpartition('.')[2]
    of_images = dict(LoadViews='rsp.MultiView', LoadView='rsp.SingleView').get(name)
    if of_images is None:
        return None if name.startswith('Load') else step
    known = ('transforms', 'num_views', 'exact_pillow')
    return dict(type=of_images) | {key: step[key] for key in known if key in step}


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
    # It looks at the first images of a run, not at every step.
    if 'pixel_guard' in cfg.default_hooks:
        cfg.default_hooks.pixel_guard.images = 1
    if args.amp:
        cfg.optim_wrapper.type = 'rsp.Bf16OptimWrapper'
    cfg.train_cfg = dict(type=make_loop(args), max_epochs=1)
    return cfg


def make_loop(args: argparse.Namespace) -> type:
    """Make a training loop that times its iterations against the bare ones."""
    import torch
    from mmengine.model import is_model_wrapper
    from mmengine.runner import EpochBasedTrainLoop
    from step_clock import clock, held_mb, rise_mb, timed_parts

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
            held = held_mb()
            bare, formats = self.fastest_bare_loop(batch)
            clock(bare, args.warmup)
            peaks = held + rise_mb(ours), held_mb() - held + rise_mb(bare)
            mine, plain = alternate(ours, bare, args.pairs)
            with timed_parts(self.runner) as parts:
                clock(ours, PARTS_STEPS)
            self.report.update(
                **ratios(mine, plain),
                peak_memory_ratio=round(peaks[0] / peaks[1], 4),
                peak_memory_mb=[round(peak) for peak in peaks],
                bare_first_cpu_s=formats,
                parts_ms={
                    name: round(1000 * seconds / PARTS_STEPS, 2)
                    for name, seconds in parts.items()
                },
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

            def make(layout: str) -> Callable:
                loop = BARE_LOOPS[name](
                    model,
                    lambda parameters: type(optimizer)(parameters, **settings),
                    getattr(torch, FORMATS[layout]),
                    torch.bfloat16 if args.amp else None,
                )
                return lambda: loop.step(batch)

            times = {}
            for layout in FORMATS:
                step = make(layout)
                clock(step, args.warmup)
                times[layout] = min(clock(step, 1)[1] for _ in range(2))
                del step  # The loser takes no memory.
            rounded = {layout: round(time, 4) for layout, time in times.items()}
            return make(min(times, key=times.get)), rounded

    return PairedTimingLoop


def alternate(ours: Callable, bare: Callable, pairs: int) -> tuple[list, list]:
    """Time both in turn, each first as often: wall and CPU seconds of every step."""
    from step_clock import clock

    mine, plain = [], []
    for pair in range(pairs):
        both = (ours, mine), (bare, plain)
        for step, times in both if pair % 2 == 0 else reversed(both):
            times.append(clock(step, 1))
    return mine, plain


def ratios(mine: list, plain: list) -> dict[str, Any]:
    """Summarize wall and CPU seconds of pairs of steps."""
    found: dict[str, Any] = {}
    for index, kind in enumerate(('', 'cpu_')):
        a, b = [t[index] for t in mine], [t[index] for t in plain]
        found |= {
            f'{kind}ratio': round(
                statistics.median(x / y for x, y in zip(a, b, strict=True)), 4
            ),
            f'{kind}ours_s': round(statistics.median(a), 4),
            f'{kind}bare_s': round(statistics.median(b), 4),
            f'{kind}of_medians': round(statistics.median(a) / statistics.median(b), 4),
        }
    return found


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
