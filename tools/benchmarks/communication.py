"""Count the bytes that a step of a config sends, and predict its efficiency.

    python tools/benchmarks/communication.py configs/gersp/r50.py --step-ms 30

Nothing is run: the sizes are those of the model that the config builds, the formulas
those of docs/scaling.md, which a test holds against the collectives of a real step of
two processes. Prints a table, for GPUs in nodes of eight.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmengine.config import Config
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import rsp  # noqa: F401  registers the methods
from rsp.registry import MODELS

FLOAT, DOUBLE, LONG = 4, 8, 8
# Of a step, that is backward and can hide the exchange of gradients: a teacher's pass
# and the student's forward cannot.
BACKWARD = 0.5


@dataclass
class Collective:
    """Describe what a rank hands to collectives of one kind, and for what.

    Attributes:
        purpose: What is sent.
        kind: ``'reduce'``, ``'gather'`` or ``'broadcast'``.
        size: Bytes of a rank in one step, of all calls together.
        calls: Number of them.
    """

    purpose: str
    kind: str
    size: int
    calls: int = 1

    def traffic(self, gpus: int) -> float:
        """Return the bytes that a rank sends, by rings as NCCL does for large ones."""
        if self.kind == 'gather':
            return (gpus - 1) * self.size
        if self.kind == 'reduce':
            return 2 * (gpus - 1) / gpus * self.size
        return self.size


def collectives(
    model: Any,
    batch: int,
    image: int,
    gpus: int,
    logged: int,
    half: bool = False,
    statistic: int = FLOAT,
) -> Iterator[Collective]:
    """Yield what a rank sends in a step of the optimizer.

    Args:
        model: Of one of the methods.
        batch: N, items of a rank.
        image: Values of a view, B * H * W.
        gpus: W, number of ranks.
        logged: Numbers that a step logs.
        half: Whether it computes in 16 bits.
        statistic: Bytes of a statistic of synchronized batch norm; on CPUs 8.
    """
    name, pixel = type(model).__name__, FLOAT // 2 if half else FLOAT
    trained = [p for p in model.parameters() if p.requires_grad]
    yield Collective('gradients', 'reduce', sum(FLOAT * p.numel() for p in trained))
    yield Collective('logged values', 'reduce', DOUBLE * logged)
    if name in ('GeRSP', 'MoCo'):
        dim = model.queue.shape[0] if name == 'MoCo' else model.queue.feats.shape[0]
        keys = FLOAT * batch * dim
        yield Collective('key views', 'gather', pixel * batch * image)
        yield Collective('order of key views', 'broadcast', LONG * batch * gpus)
        yield Collective('keys, back to their ranks', 'gather', keys)
        yield Collective('keys for the queue', 'gather', keys)
    if name == 'CMID':
        if model.queue is not None:
            keys = FLOAT * batch * model.queue.feats.shape[0]
            yield Collective('keys for the queue', 'gather', 2 * keys, 2)
        if model.local_neck is not None:
            center = FLOAT * model.local_head.center.numel()
            yield Collective('center', 'reduce', 2 * center, 2)
    yield from _statistics(model, statistic)


def _statistics(model: Any, size: int) -> Iterator[Collective]:
    """Yield those of synchronized batch norm."""
    if hasattr(model, 'student'):
        student, teacher = _channels(model.student), _channels(model.teacher)
    else:
        student = _channels(model.backbone) + _channels(model.neck)
        teacher = _channels(model.encoder_k)
    if not student:
        return
    # CMID's views pass one after the other.
    passes = 2 if type(model).__name__ == 'CMID' else 1
    forward = [2 * channels + 1 for channels in (*student, *teacher)]
    yield Collective(
        'statistics of batch norm',
        'gather',
        passes * size * sum(forward),
        passes * len(forward),
    )
    yield Collective(
        'gradients of the statistics',
        'reduce' if size == FLOAT else 'gather',  # On CPUs in the order of the ranks.
        passes * size * sum(2 * channels for channels in student),
        passes * len(student),
    )


def _channels(module: nn.Module | None) -> list[int]:
    """Return the widths of layers of synchronized batch norm."""
    return [
        layer.num_features
        for layer in ([] if module is None else module.modules())
        if isinstance(layer, _BatchNorm) and 'SyncBatchNorm' in type(layer).__name__
    ]


def build(cfg: Config) -> Any:
    """Build the model of a config, as several GPUs train it."""
    model: Any = MODELS.build(dict(cfg.model, _scope_='mmpretrain'))
    if cfg.get('sync_bn'):
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return model


def predict(
    sent: list[Collective], gpus: int, step: float, between: float, within: float
) -> tuple[float, float]:
    """Predict the efficiency of a step on several GPUs.

    Args:
        sent: See `collectives`.
        gpus: W; up to 8 are one node.
        step: Seconds of a step on one GPU.
        between: Bytes a second that a GPU sends to another node.
        within: To the same node.

    Returns:
        That step over the one of W GPUs, if nothing is sent while a GPU computes, and
        if gradients are while it computes others.
    """
    rate, latency = (within, 1e-5) if gpus <= 8 else (between, 3e-5)
    gradients = sent[0].traffic(gpus) / rate
    others = sum(c.traffic(gpus) / rate + c.calls * latency for c in sent[1:])
    hidden = max(0.0, gradients - BACKWARD * step)
    return step / (step + others + gradients), step / (step + others + hidden)


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    model, batch = build(cfg), cfg.train_dataloader.batch_size
    print('| GPUs | MB sent per GPU and step | of them gradients | efficiency |')
    print('|---:|---:|---:|---|')
    for gpus in args.gpus:
        image, half = 3 * args.size**2, cfg.optim_wrapper.type != 'OptimWrapper'
        sent = [*collectives(model, batch, image, gpus, args.logged, half)]
        low, high = predict(
            sent, gpus, args.step_ms / 1e3, args.between * 1e9, args.within * 1e9
        )
        total, gradients = (
            sum(c.traffic(gpus) for c in part) / 1e6 for part in (sent, sent[:1])
        )
        print(f'| {gpus} | {total:.0f} | {gradients:.0f} | {low:.2f} to {high:.2f} |')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of GeRSP, CMID, GeoKR or MoCo')
    parser.add_argument('--gpus', type=int, nargs='+', default=[8, 16, 32, 64])
    parser.add_argument('--size', type=int, default=224, help='pixels of a view')
    parser.add_argument('--step-ms', type=float, required=True, help='on one GPU')
    parser.add_argument('--logged', type=int, default=9, help='numbers of a step')
    parser.add_argument('--between', type=float, default=25, help='GB/s of a GPU')
    parser.add_argument('--within', type=float, default=200, help='GB/s of a GPU')
    return parser.parse_args()


if __name__ == '__main__':
    main()
