"""Measure the share of masks, patch matching and spectra in a step of CMID.

    python tools/benchmarks/bench_cmid_parts.py configs/cmid/r50.py --batch 8

Times those parts alone, forward and backward where there is one, and the method's
forward and backward, in turn in one process; a share is the median over the rounds.
Prints one JSON object.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from mmengine.config import Config
from mmpretrain.structures import DataSample

import rsp
from rsp.engine.compile import set_memory_format
from rsp.ops import patches
from rsp.ops.masking import mask_fill, upsample_mask
from rsp.registry import MODELS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of CMID')
    parser.add_argument('--batch', type=int, default=8, help='scenes per step')
    parser.add_argument('--rounds', type=int, default=5, help='timed rounds')
    return parser.parse_args()


def make_batch(cfg: Config, scenes: int) -> dict[str, Any]:
    """Draw views, masks and crops of the config's sizes."""
    views = next(node for node in cfg.pipeline if node['type'] == 'rsp.MaskedTwoCrop')
    size, patch, stride = (views[k] for k in ('size', 'mask_patch_size', 'stride'))
    hidden = torch.rand(scenes, 2, size // patch, size // patch) < views['mask_ratio']
    edge = size // stride
    centers = stride * (torch.arange(edge) + 0.5)
    grid = torch.stack(torch.meshgrid(centers, centers, indexing='ij'), -1)
    corners = torch.randint(0, size // 2, (scenes, 2, 1, 1, 2))
    return dict(
        views=[torch.randn(scenes, 3, size, size) for _ in range(2)],
        masks=hidden.to(torch.uint8).unbind(1),
        positions=(grid / 2 + corners).unbind(1),
        edge=edge,
    )


def parts(model: Any, batch: dict[str, Any], channels: int) -> dict[str, Callable]:
    """Return the parts by name, each doing both directions of a step."""
    views, masks, positions = batch['views'], batch['masks'], batch['positions']
    maps = torch.randn(len(views[0]), channels, batch['edge'], batch['edge'])
    frequency = model.reconstruction.frequency

    def hide() -> None:
        for view, mask in zip(views, masks, strict=True):
            mask_fill(view, mask)
            upsample_mask(mask, view.shape[-2:])

    def match() -> None:
        for here, there in (positions, positions[::-1]):
            found = patches.match(
                here.flatten(1, 2), there.flatten(1, 2), model.num_matches
            )
            for indices in found:
                patches.gather(maps, indices)

    def compare_spectra() -> None:
        for view, mask in zip(views, masks, strict=True):
            pred = torch.randn_like(view, requires_grad=True)
            frequency(pred, view, upsample_mask(mask, view.shape[-2:])).backward()

    return dict(masks=hide, matching=match, spectra=compare_spectra)


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    model: Any = MODELS.build(dict(cfg.model, _scope_='mmpretrain')).train()
    set_memory_format(model, cfg.get('memory_format', 'contiguous'))
    batch = make_batch(cfg, args.batch)
    sample = DataSample(
        metainfo=dict(
            masks=torch.stack(batch['masks'], 1),
            positions=torch.stack(batch['positions'], 1),
        )
    )
    with torch.no_grad():
        channels = model.backbone(batch['views'][0])[-1].shape[1]

    def step() -> None:
        losses = model.loss(batch['views'], sample)
        sum(loss for name, loss in losses.items() if 'loss' in name).backward()

    timed = parts(model, batch, channels) | dict(step=step)
    clock(timed)  # warm up
    rounds = [clock(timed) for _ in range(args.rounds)]
    seconds = {name: statistics.median(r[name] for r in rounds) for name in timed}
    shares = {
        name: round(statistics.median(r[name] / r['step'] for r in rounds), 5)
        for name in timed
        if name != 'step'
    }
    report = dict(
        config=args.config,
        batch=args.batch,
        threads=torch.get_num_threads(),
        seconds={name: round(value, 5) for name, value in seconds.items()},
        shares=shares | dict(together=round(sum(shares.values()), 5)),
        torch=torch.__version__,
        rsp=rsp.__version__,
    )
    print(json.dumps(report, indent=2))


def clock(timed: dict[str, Callable]) -> dict[str, float]:
    seconds = {}
    for name, run in timed.items():
        start = time.perf_counter()
        run()
        seconds[name] = time.perf_counter() - start
    return seconds


if __name__ == '__main__':
    main()
