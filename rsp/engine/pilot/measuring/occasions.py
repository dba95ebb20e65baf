"""Count and time what does not happen in every step."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from rsp.engine.pilot.bill import Schedule, count_events
from rsp.engine.pilot.measuring import resources


def schedule_of(runner: Runner) -> Schedule:
    """Count what the schedule of a run consists of, its loops being built."""
    loop: Any = runner.train_loop
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    rounds = loop.max_epochs if by_epoch else loop.max_iters
    validations = 0
    if runner.val_loop is not None:
        validations = count_events(rounds, loop.val_interval, loop.val_begin)
    checkpoints = 0
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            units = loop.max_epochs if hook.by_epoch else loop.max_iters
            checkpoints += count_events(
                units, hook.interval, hook.save_begin, hook.save_last
            )
            if hook.save_best is not None:
                checkpoints += validations
    return Schedule(
        iterations=loop.max_iters,
        epochs=loop.max_epochs if by_epoch else 1,
        validations=validations,
        checkpoints=checkpoints,
    )


def time_checkpoint(runner: Runner) -> dict[str, float]:
    """Save one checkpoint as the run's hook does; tell seconds and MiB.

    The hook's own method is asked for: that of the object may be held back.
    """
    hook = next((h for h in runner.hooks if isinstance(h, CheckpointHook)), None)
    if hook is None:
        return dict(wall=0.0, cpu=0.0, mib=0.0)
    begin, cpu = time.perf_counter(), resources.cpu_seconds()
    type(hook)._save_checkpoint(hook, runner)
    wall = time.perf_counter() - begin
    cpu = resources.cpu_seconds() - cpu
    if hasattr(hook, '_join'):  # a file that is written in the background
        hook._join()
    file = Path(str(hook.last_ckpt))
    size = file.stat().st_size / resources.MIB if file.is_file() else 0.0
    return dict(wall=wall, cpu=cpu, mib=size)


def rare_hooks(
    runner: Runner, seen: int, last: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Time hooks that act at intervals too long for a sample to hold one.

    Args:
        runner: In training.
        seen: Iterations of the sample.
        last: Arguments of the last call of ``after_train_iter``.

    Returns:
        ``wall`` and ``cpu`` seconds of a call that acts, and its ``interval``, for each
        such hook.
    """
    found = []
    for hook in runner.hooks:
        interval: Any = getattr(hook, 'interval', None)
        acts = type(hook).after_train_iter is not Hook.after_train_iter
        if not isinstance(interval, int) or isinstance(hook, CheckpointHook):
            continue
        if acts and interval > seen:
            hook.interval = 1
            begin, cpu = time.perf_counter(), time.process_time()
            hook.after_train_iter(runner, **last)
            wall = time.perf_counter() - begin
            cpu = time.process_time() - cpu
            found.append(dict(wall=wall, cpu=cpu, interval=interval))
            hook.interval = interval
    return found
