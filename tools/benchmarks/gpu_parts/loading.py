"""Train from files with many workers, and see who waits for whom."""

import os
import time
from pathlib import Path
from typing import Any

from gpu_parts.pictures import write_pictures
from gpu_parts.settings import Settings, temporary
from gpu_parts.speed import config_of
from rsp.engine.pilot.measuring.hook import PilotHook
from rsp.engine.pilot.measuring.stopwatch import WAIT
from rsp.engine.train import build_runner

WORKERS = 16
# Beyond it the device waits for files.
FED = 0.05


def feed(settings: Settings, seconds: float) -> dict[str, Any]:
    """Train the fast GeRSP R50 from JPEG files; tell its rate and its wait for data.

    Files of 400 x 400 pixels, which the system holds in memory, 16 workers or as many
    as there are cores.
    """
    workers = 1 if settings.tiny else min(WORKERS, os.cpu_count() or 1)
    count = max(8 * settings.batch, 2 * settings.batch * workers)
    with temporary() as name:
        folder = Path(name)
        size = 64 if settings.tiny else 400
        write_pictures(folder / 'data' / 'remote', count, size)
        write_pictures(folder / 'data' / 'natural' / 'a', count, size)
        cfg, source = config_of(settings, 'gersp', 'fast', name)
        loader = cfg.train_dataloader
        loader.update(
            batch_size=settings.batch,
            num_workers=workers,
            pin_memory=True,
            persistent_workers=True,
        )
        for kind, prefix in (('remote', 'remote'), ('natural', 'natural')):
            loader.dataset.sources[kind].update(
                data_root=str(folder / 'data'), data_prefix=prefix
            )
        runner = build_runner(cfg)
        seconds = 5 if settings.tiny else 0.6 * seconds
        hook = PilotHook(seconds, time.time(), whole=False)
        runner.register_hook(hook)
        runner.train()
    wait = hook.measured['parts'][WAIT]
    return dict(
        config=source,
        workers=workers,
        samples_per_second=settings.batch / hook.measured['steps']['step'],
        wait=wait,
        fed=wait <= FED,
        parts=hook.measured['parts'],
    )
