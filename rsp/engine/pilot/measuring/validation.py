"""Run a validation, or a part of it, and estimate the whole."""

import time
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner, ValLoop

from rsp.engine.pilot.measuring import resources
from rsp.engine.pilot.measuring.epoch_end import (
    EndableBatches,
    make_endable,
    prefetched,
)


class _Clock(Hook):
    """Note when each batch is scored; end the validation when its time is up.

    Args:
        batches: Of the loader; None if it cannot be ended.
        seconds: From the beginning of the validation.
        least: Batches to score in any case.
    """

    priority = 'LOWEST'

    def __init__(
        self, batches: EndableBatches | None, seconds: float, least: int
    ) -> None:
        self.batches, self.seconds, self.least = batches, seconds, least
        self.begin = time.perf_counter()
        self.ends: list[float] = []

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Note, and perhaps end."""
        now = time.perf_counter()
        self.ends.append(now)
        enough = len(self.ends) >= self.least and now - self.begin > self.seconds
        if enough and self.batches is not None:
            self.batches.ended = True


def measure_validation(runner: Runner, seconds: float) -> dict[str, Any]:
    """Validate for so long; estimate the cost of a whole validation.

    Batches and the computation of metrics cost in proportion to their number, the start
    of workers does not. A loop of another kind than mmengine's runs to its end.

    Args:
        runner: Behind some steps of training.
        seconds: After which no further batch is begun.

    Returns:
        ``wall`` and ``cpu`` seconds, and the ``share`` of the batches that was run.
    """
    loop: Any = runner.val_loop
    cpu, begin = resources.cpu_seconds(), time.perf_counter()
    if type(loop) is not ValLoop:
        loop.run()
        wall = time.perf_counter() - begin
        return dict(wall=wall, cpu=resources.cpu_seconds() - cpu, share=1.0)
    least = 2 + prefetched(loop.dataloader)
    clock = _Clock(make_endable(loop.dataloader), seconds, least)
    runner.register_hook(clock)
    loop.run()
    end, whole = time.perf_counter(), len(loop.dataloader)
    scored = len(clock.ends)
    # The first batch waits for the workers.
    first, last = clock.ends[0], clock.ends[-1]
    growing = (last - first) + (end - last)
    factor = (whole - 1) / max(scored - 1, 1) if scored < whole else 1.0
    wall = (first - begin) + growing * factor
    used = resources.cpu_seconds() - cpu
    return dict(wall=wall, cpu=used * wall / (end - begin), share=scored / whole)
