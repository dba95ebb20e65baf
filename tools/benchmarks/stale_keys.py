"""Tell how much of GeRSP's contrastive top-1 is due to the age of the queue's keys.

    python tools/benchmarks/stale_keys.py --out stale_keys.json

Trains the quick start of GeRSP. Every few steps the images whose keys are in the queue
are encoded again by the teacher of that step, and the queries of the step set against
both: keys as old as they are in the queue, and fresh ones of the same images. Nothing
of the training is changed by it. Five minutes of a core.
"""

import argparse
import json
import sys
from collections import deque
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='configs/gersp/r18_quickstart.py')
    parser.add_argument('--work-dir', default='work_dirs/stale_keys')
    parser.add_argument('--interval', type=int, default=12, help='steps between')
    parser.add_argument('--out', type=Path, help='file for the numbers, JSON')
    return parser.parse_args()


@HOOKS.register_module()
class FreshKeysHook(Hook):
    """Compare the queue's keys with fresh ones of the same images.

    Args:
        interval: Steps between two comparisons.

    Attributes:
        rows: Per comparison the step, and of both kinds of keys how many per cent of
            the queries find their own key first, and the loss.
    """

    priority = 'LOWEST'

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.rows: list[dict[str, float]] = []

    def before_train(self, runner: Any) -> None:
        """Keep the views of as many batches as the queue holds."""
        queue = runner.model.queue
        batch = runner.train_dataloader.batch_sampler.batch_size
        # The batch that the queries are of counts as one of them.
        self.views: deque[Tensor] = deque(maxlen=queue.length // batch)

    @torch.no_grad()
    def after_train_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Compare after the step, and leave the model as it was."""
        from rsp.ops import contrast
        from rsp.ops.pool import pool

        model, step = runner.model, runner.iter + 1
        inputs = model.data_preprocessor(data_batch, True)['inputs']
        query_view, key_view = inputs['remote']
        self.views.append(key_view.clone())
        if step % self.interval or len(self.views) < self.views.maxlen:
            return
        buffers = {name: tensor.clone() for name, tensor in model.named_buffers()}
        with torch.random.fork_rng():
            feats = pool(model.encode_together(query_view, inputs['natural']))
            queries = model.neck((feats[: len(query_view)],))[-1]
            queries = contrast.l2_normalize(queries)
            fresh = [model.encode_keys(view) for view in self.views]
        for name, tensor in model.named_buffers():
            tensor.copy_(buffers[name])
        count = sum(map(len, fresh[:-1]))
        newest = int(model.queue.ptr) - len(key_view)
        places = (newest - 1 - torch.arange(count)) % model.queue.length
        row = dict(step=step)
        for kind, negatives in (
            ('queue', model.queue.feats[:, places]),
            ('fresh', torch.cat(fresh[:-1]).T),
        ):
            positive, negative = contrast.similarities(queries, fresh[-1], negatives)
            first = positive.flatten() > negative.max(1).values
            row[f'{kind}_top1'] = 100 * first.float().mean().item()
            row[f'{kind}_loss'] = model.head.loss(positive, negative).item()
        self.rows.append(row)


def table(rows: list[dict[str, float]], parts: int = 4) -> str:
    """Describe means over parts of the training as Markdown."""
    lines = ['| steps | top-1 in the queue, % | among fresh keys, % | losses |']
    lines.append('|---|---:|---:|---:|')
    size = -(-len(rows) // parts)
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        mean = {key: sum(row[key] for row in some) / len(some) for key in some[0]}
        lines.append(
            f'| {some[0]["step"]} to {some[-1]["step"]} | {mean["queue_top1"]:.1f} | '
            f'{mean["fresh_top1"]:.1f} | {mean["queue_loss"]:.2f}, '
            f'{mean["fresh_loss"]:.2f} |'
        )
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    from rsp.engine.train import build_runner, training_config

    cfg = training_config(args.config, work_dir=args.work_dir)
    runner = build_runner(cfg)
    hook = FreshKeysHook(args.interval)
    runner.register_hook(hook)
    runner.train()
    print(table(hook.rows))
    if args.out:
        args.out.write_text(json.dumps(hook.rows, indent=1))


if __name__ == '__main__':
    main()
