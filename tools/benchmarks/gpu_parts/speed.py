"""Time the recipes, beside a bare loop, and find the largest batch."""

import inspect
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from bare_loops import BARE_LOOPS
from torch.utils.data._utils.pin_memory import pin_memory

from gpu_parts.settings import (
    CONFIGS,
    Settings,
    allow_tf32,
    first_batch,
    load,
    on_one_batch,
    ready,
    step,
    temporary,
)
from gpu_parts.utilization import Utilization
from rsp.engine.pilot.largest_batch import Steps, bisect
from rsp.engine.pilot.measuring.stopwatch import Stopwatch, instrument

# Published config, and the quick start that stands for it in a test.
RECIPES = dict(
    gersp=('GeRSP R50', 'gersp/r50.py', 'gersp/r18_quickstart.py'),
    vit=('two-view ViT-S/16', 'moco/v2_r50_maid.py', 'moco/r18_quickstart.py'),
    cmid=('CMID R50', 'cmid/r50.py', 'cmid/r18_quickstart.py'),
    moco=('MoCo v2 R50', 'moco/v2_r50_maid.py', 'moco/r18_quickstart.py'),
    cmid_swin=('CMID Swin-B', 'cmid/swin_b.py', 'cmid/swin_mini_quickstart.py'),
)
# Loops that were written out for comparison use a method of this project.
WITH_BARE_LOOP = ('gersp',)
WARMUP = 4


def methods(settings: Settings) -> dict[str, str]:
    """Return the titles of the recipes by name."""
    return {name: title for name, (title, *_) in RECIPES.items()}


def run(settings: Settings, name: str, variant: str, seconds: float) -> dict[str, Any]:
    """Time a recipe on one batch that the host holds, preprocessing included.

    Args:
        settings: Of the report.
        name: Of the recipe.
        variant: ``'fp32'`` (the published recipe, TF32 off), ``'tf32'`` or ``'fast'``.
        seconds: For all, compilation included. A batch without room is halved.
    """
    allow_tf32(variant != 'fp32')
    seconds = min(seconds, 4) if settings.tiny else seconds
    end, batch = time.monotonic() + seconds, settings.batch
    while True:
        found: dict[str, Any] = {}
        try:
            with temporary() as folder:
                cfg, source = config_of(settings, name, variant, folder)
                on_one_batch(cfg, batch)
                ready(
                    cfg,
                    lambda runner, found=found: found.update(
                        timed(settings, runner, name, variant, end)
                    ),
                )
            settings.notes[f'{name} {variant}'] = found
            return found | dict(batch=batch, config=source)
        except torch.OutOfMemoryError:
            if batch < 8:
                raise
            batch //= 2
        torch.cuda.empty_cache()


def config_of(
    settings: Settings, name: str, variant: str, folder: str
) -> tuple[Any, str]:
    """Return the config of a variant, and its name with what was changed."""
    _, published, small = RECIPES[name]
    source = small if settings.tiny else published
    fast = source.replace('.py', '_fast.py')
    has_fast = variant == 'fast' and (CONFIGS / fast).is_file()
    cfg = load(fast if has_fast else source, folder)
    text = fast if has_fast else source
    if name == 'vit':
        to_vit(cfg, settings.tiny)
        text += ' with ViT-S/16'
    if variant == 'fast' and not has_fast:
        cfg.memory_format = 'channels_last'
        cfg.compile_backbone = True
        cfg.optim_wrapper.type = 'rsp.MixedPrecisionOptimWrapper'
        if cfg.optim_wrapper.optimizer.type in ('SGD', 'Adam', 'AdamW'):
            cfg.optim_wrapper.optimizer.fused = True
        text += ', bfloat16, channels_last, compiled backbone, fused optimizer'
    if variant == 'fast' and settings.tiny:
        # Traced, not compiled: that takes minutes on a CPU.
        cfg.compile_backbone = dict(backend='eager')
    return cfg, text


def to_vit(cfg: Any, tiny: bool) -> None:
    """Give MoCo a ViT-S/16 (12 layers of 384), whose patches are pooled."""
    arch = dict(embed_dims=384, num_layers=12, num_heads=6, feedforward_channels=1536)
    small = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)
    cfg.model.backbone = dict(
        type='VisionTransformer',
        arch=small if tiny else arch,
        img_size=32 if tiny else 224,
        patch_size=8 if tiny else 16,
        out_type='featmap',
    )
    cfg.model.neck.in_channels = 32 if tiny else 384


def timed(
    settings: Settings, runner: Any, name: str, variant: str, end: float
) -> dict[str, Any]:
    """Return rate, memory, utilization and parts of a step of a run."""
    batch = first_batch(runner)
    if settings.device == 'cuda':
        batch = pin_memory(batch)
        torch.cuda.reset_peak_memory_stats()
    watch = Stopwatch()
    instrument(runner, watch)

    def ours() -> None:
        step(runner, batch)

    begin = time.monotonic()
    clock(settings, ours, WARMUP)
    warm = time.monotonic() - begin
    left = max(end - time.monotonic(), 1)
    has_bare = variant == 'fast' and name in WITH_BARE_LOOP
    with Utilization(settings.device) as utilization:
        times = repeat(settings, ours, left * (0.3 if has_bare else 0.6))
    found = dict(
        samples_per_second=len(times) * samples_of(runner) / sum(times),
        step=sum(times) / len(times),
        steps=len(times),
        warmup_seconds=round(warm, 2),
        utilization=utilization.mean,
    )
    if settings.device == 'cuda':
        found['peak_memory_gib'] = torch.cuda.max_memory_allocated() / 2**30
    watch.synchronize = settings.synchronize
    watch.restart()
    clock(settings, ours, 3)
    seconds = watch.read()
    whole = sum(seconds.values())
    found['parts'] = {part: value / whole for part, value in seconds.items()}
    watch.synchronize = lambda: None
    if has_bare:
        found |= beside_bare_loop(
            settings, runner, bare_batch(settings, runner, name), ours, end
        )
    return found


def bare_batch(settings: Settings, runner: Any, name: str) -> Any:
    """Return a batch of the published recipe, whose views the loader makes.

    The fast one may make them on the device; a bare loop begins with views.
    """
    _, published, small = RECIPES[name]
    cfg = load(small if settings.tiny else published, runner.work_dir)
    on_one_batch(cfg, samples_of(runner))
    batch = next(iter(runner.build_dataloader(cfg.train_dataloader)))
    return pin_memory(batch) if settings.device == 'cuda' else batch


def beside_bare_loop(
    settings: Settings, runner: Any, batch: Any, ours: Callable[[], None], end: float
) -> dict[str, Any]:
    """Time ours and a bare bfloat16, channels_last, compiled loop in alternation.

    ``bare_ratio`` is the speed of ours relative to it, the median over the pairs. Views
    that the device makes are in the time of ours alone.
    """
    optimizer = runner.optim_wrapper.optimizer
    # Optimizers note more than what they are told.
    known = inspect.signature(type(optimizer)).parameters
    chosen = {k: v for k, v in optimizer.param_groups[0].items() if k in known}
    chosen.pop('params')
    kind = type(runner.model).__name__
    bare = BARE_LOOPS[kind](
        runner.model,
        lambda parameters: type(optimizer)(parameters, **chosen),
        torch.channels_last,
        torch.bfloat16,
    )
    compiling = runner.cfg.get('compile_backbone')
    for part in (bare.student, bare.teacher):
        part['backbone'].compile(**({} if compiling is True else dict(compiling)))
    clock(settings, lambda: bare.step(batch), WARMUP)
    pairs = []
    while len(pairs) < 3 or (time.monotonic() < end and len(pairs) < 15):
        pairs.append(
            (clock(settings, ours, 3), clock(settings, lambda: bare.step(batch), 3))
        )
    return dict(
        bare_ratio=statistics.median(plain / mine for mine, plain in pairs),
        bare_step=statistics.median(plain for _, plain in pairs) / 3,
        bare_pairs=len(pairs),
    )


def largest_batch(settings: Settings) -> dict[str, Any]:
    """Find the largest batch of the fast GeRSP R50 by bisection."""
    found: dict[str, Any] = {}
    allow_tf32(True)
    start = settings.batch
    limit = 2 * start if settings.tiny else 4096

    def job(runner: Any) -> None:
        steps = Steps(runner)
        fits = steps.fits if settings.device == 'cuda' else _fits_on_cpu(steps)
        found['batch'] = bisect(start, limit, fits, steps.allowed)

    with temporary() as folder:
        cfg, source = config_of(settings, 'gersp', 'fast', folder)
        # A new size would be compiled anew; the memory is that of eager kernels.
        cfg.compile_backbone = False
        ready(on_one_batch(cfg, start, length=limit), job)
    return found | dict(config=source, limit=limit)


def _fits_on_cpu(steps: Steps) -> Callable[[int], bool]:
    def fits(size: int) -> bool:
        steps.take(size)
        return True

    return fits


def samples_of(runner: Any) -> int:
    """Return the samples of a step."""
    loader = runner.train_dataloader
    return loader.batch_size or loader.batch_sampler.batch_size


def clock(settings: Settings, job: Callable[[], None], count: int) -> float:
    """Return the seconds of some calls, the device's work included."""
    settings.synchronize()
    begin = time.perf_counter()
    for _ in range(count):
        job()
    settings.synchronize()
    return time.perf_counter() - begin


def repeat(settings: Settings, job: Callable[[], None], seconds: float) -> list[float]:
    """Call a job for so long, at least three times; return the seconds of each call.

    The device is waited for after all, not after each, as in a training.
    """
    settings.synchronize()
    begin, count = time.perf_counter(), 0
    while count < 3 or time.perf_counter() - begin < seconds:
        job()
        count += 1
    settings.synchronize()
    return [(time.perf_counter() - begin) / count] * count
