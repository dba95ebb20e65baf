"""Make views on the device: as on the CPU, and how many a second."""

from typing import Any

import numpy as np
import torch
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from gpu_parts.pictures import make_picture
from gpu_parts.settings import Settings, load, temporary
from gpu_parts.speed import clock
from rsp.ops.views.kernels.frames import Frame

# Whose views; those of MoCo v2 are blurred.
RECIPES = {'GeRSP': 'gersp/r50.py', 'MoCo v2': 'moco/v2_r50_maid.py'}
STATISTICS = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)
# Largest mean error in levels of 255, by the precision of the arithmetic.
BOUNDS = {'float32': 0.05, 'float16': 1.0}


def views(settings: Settings, seconds: float) -> dict[str, Any]:
    """Compare views of the same seeds with the CPU's, and time them.

    The share is that of the three views of a pair (two of a scene, one of a photo) in
    the time of a fast GeRSP step with them, if that was timed before.
    """
    count, edge = (settings.batch, 64) if settings.tiny else (settings.batch, 400)
    found = {
        name: recipe_views(settings, transforms_of(config), count, edge, seconds / 4)
        for name, config in RECIPES.items()
    }
    step = settings.notes.get('gersp fast', {}).get('step')
    if step:
        pair = 3 * settings.batch / found['GeRSP']['views_per_second']
        found['GeRSP']['share'] = pair / (pair + step)
    return found


def recipe_views(
    settings: Settings, transforms: list[dict], count: int, edge: int, seconds: float
) -> dict[str, Any]:
    """Return the errors and the rate of a recipe."""
    batch = batch_of(count, edge)
    expected = make(build(transforms, 'float32'), batch, 'cpu')
    found: dict[str, Any] = {}
    scale = torch.tensor(STATISTICS['std'])[:, None, None]
    for precision, bound in BOUNDS.items():
        made = make(build(transforms, precision), batch, settings.device)
        error = ((made - expected).abs() * scale).double()
        mean, largest = float(error.mean()), float(error.max())
        found[precision] = dict(mean=mean, largest=largest, bound=bound)
    fits = all(found[p]['mean'] <= bound for p, bound in BOUNDS.items())
    module = build(transforms, None).to(settings.device)
    if settings.device == 'cuda':
        batch = dict(batch, inputs=batch['inputs'].pin_memory())

    def job() -> None:
        module(batch, True)

    clock(settings, job, 2)
    once = clock(settings, job, 1)
    number = max(min(int(seconds / once), 200), 1)
    passed = clock(settings, job, number) / number
    return found | dict(fits=fits, views_per_second=2 * count / passed)


def transforms_of(config: str) -> list[dict]:
    """Return the transforms of the (first) views of a config."""
    with temporary() as folder:
        dataset = load(config, folder).train_dataloader.dataset
    source = dataset.sources.remote if 'sources' in dataset else dataset
    return next(
        [dict(one) for one in step.transforms[0]]
        for step in source.pipeline
        if 'transforms' in step
    )


def build(transforms: list[dict], precision: str | None) -> nn.Module:
    """Build the preprocessor of two views."""
    cfg = dict(
        type='rsp.DeviceViews', transforms=[transforms], num_views=2, **STATISTICS
    )
    return MODELS.build(cfg | dict(precision=precision, _scope_='mmpretrain'))


def make(module: nn.Module, batch: dict[str, Any], device: str) -> Tensor:
    """Return the views of a batch as one tensor on the CPU."""
    made = module.to(device)(batch, True)['inputs']
    return torch.cat([view.float().cpu() for view in made])


def batch_of(count: int, edge: int) -> dict[str, Any]:
    """Return images and the seeds of their views."""
    rng = np.random.default_rng(0)
    pictures = [make_picture(rng, edge) for _ in range(min(count, 8))]
    images = np.stack([pictures[i % len(pictures)] for i in range(count)])
    frames = [Frame(i, edge, edge, 1, 0, 0, edge, edge) for i in range(count)]
    samples = DataSample()
    samples.set_field(torch.tensor(frames, dtype=torch.int64), 'frame')
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    return dict(inputs=inputs, data_samples=samples)
