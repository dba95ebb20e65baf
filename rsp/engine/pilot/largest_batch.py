"""Find the largest batch that a device or the memory of a machine has room for."""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.engine.distributed import unwrap_model
from rsp.engine.pilot.measuring import resources
from rsp.errors import UserError
from rsp.registry import HOOKS

# Of the memory of a machine, what others may take while a run is on.
MARGIN = 0.1


@HOOKS.register_module()
class LargestBatchHook(Hook):
    """Look for the largest batch of a run in place of training. In ``measured``.

    On a GPU by bisection: a batch fits if two steps do. On a CPU, where too much would
    take the memory of others, from the memory of two small batches; one step with the
    size that follows is the proof, unless it would take too long.

    Args:
        seconds: Longest time for the step of the proof on a CPU.
    """

    priority = 'LOWEST'

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.measured: dict[str, Any] = {}

    def before_run(self, runner: Runner) -> None:
        """Stand in for the training loop, once everything is built."""
        runner.train_loop.run = lambda: self.run(runner)

    def run(self, runner: Runner) -> Any:
        """Search in place of ``loop.run``."""
        _be_the_first_to_go()
        steps = Steps(runner)
        on_gpu = torch.cuda.is_available()
        search = self._on_gpu if on_gpu else self._on_cpu
        self.measured = search(steps)
        return runner.model

    def _on_gpu(self, steps: 'Steps') -> dict[str, Any]:
        largest = bisect(steps.batch, steps.limit, steps.fits, steps.allowed)
        return dict(batch=largest, tested=True, limit=steps.limit)

    def _on_cpu(self, steps: 'Steps') -> dict[str, Any]:
        small, size = steps.batch // 2, steps.batch
        if small < 2:  # batch norm wants two
            small, size = size, 2 * size
        steps.take(small)  # makes the states of the optimizer
        peaks = [steps.peak_memory(n) for n in (small, size)]
        begin = time.perf_counter()
        steps.take(size)
        step = time.perf_counter() - begin
        per_item = (peaks[1] - peaks[0]) / max(size - small, 1)
        free = resources.available_memory()
        if free is None or per_item <= 0:
            largest = size if steps.allowed(size) else steps.batch
            return dict(batch=largest, tested=True, limit=steps.limit)
        # A part of the last step's memory is still with this process.
        room = (1 - MARGIN) * (free + resources.resident_memory())
        most = size + int((room - peaks[1]) / per_item)
        largest = steps.largest_allowed(min(most, steps.limit))
        bytes_per_item = dict(bytes_per_item=round(per_item), limit=steps.limit)
        if largest <= size:
            return dict(batch=largest, tested=True) | bytes_per_item
        tested = step * largest / size <= self.seconds
        if tested:
            steps.take(largest)
        return dict(batch=largest, tested=tested) | bytes_per_item


class Steps:
    """Take steps of a run with batches of any size.

    Args:
        runner: Ready to train.
    """

    def __init__(self, runner: Runner) -> None:
        self.runner, self.loader = runner, runner.train_dataloader
        indices = next(iter(self.loader.batch_sampler or [[0]]))
        dataset: Any = self.loader.dataset
        if hasattr(dataset, '__getitems__'):
            self.items = dataset.__getitems__(indices)
        else:
            self.items = [dataset[index] for index in indices]
        self.batch = len(self.items)
        # Of an epoch, which must have a step.
        self.limit = len(dataset) if hasattr(dataset, '__len__') else 2**20
        queue: Any = getattr(unwrap_model(runner.model), 'queue_len', None)
        if isinstance(queue, int):
            self.limit = min(self.limit, queue)

    def take(self, size: int) -> None:
        """Take one step with a batch of the same few items again and again."""
        items = (self.items * -(-size // self.batch))[:size]
        batch = self.loader.collate_fn(items)
        self.runner.model.train()
        self.runner.model.train_step(batch, optim_wrapper=self.runner.optim_wrapper)

    def peak_memory(self, size: int) -> int:
        """Return the most memory of this process during a step, bytes."""
        resources.forget_peak_memory()
        self.take(size)
        return resources.peak_memory()

    def fits(self, size: int) -> bool:
        """Tell if two steps have room on the GPU."""
        try:
            self.take(size)
            self.take(size)
            torch.cuda.synchronize()
            return True
        except torch.OutOfMemoryError:
            return False
        finally:
            self.runner.optim_wrapper.zero_grad()
            gc.collect()
            torch.cuda.empty_cache()

    def allowed(self, size: int) -> bool:
        """Tell if a run would start with this size; queues take some sizes only."""
        model = unwrap_model(self.runner.model)
        queue: Any = getattr(model, 'queue_len', None)
        if isinstance(queue, int) and queue % size:
            return False
        try:
            ask = getattr(model, 'preflight', None)
            if ask is not None:
                ask(self.loader.dataset, size)
        except UserError:
            return False
        return size <= self.limit

    def largest_allowed(self, most: int) -> int:
        """Return the largest size that is allowed up to one; at least the run's."""
        sizes = range(most, self.batch, -1)
        return next((size for size in sizes if self.allowed(size)), self.batch)


def bisect(
    start: int, limit: int, fits: Callable[[int], bool], allowed: Callable[[int], bool]
) -> int:
    """Find the largest batch that fits, to an eighth of its size.

    Args:
        start: Size to begin with.
        limit: Largest size that makes sense.
        fits: Tries a size.
        allowed: Tells if a size is worth a try.

    Returns:
        The size, 0 if none fits.
    """
    low, high = 0, start
    while high <= limit and fits(high):
        low = high
        high = next((n for n in range(2 * low, limit + 1) if allowed(n)), limit + 1)
    while high - low > max(low // 8, 1):
        middle = (low + high) // 2
        tried = next((n for n in range(middle, low, -1) if allowed(n)), None)
        tried = tried or next((n for n in range(middle, high) if allowed(n)), None)
        if tried is None:
            break
        if fits(tried):
            low = tried
        else:
            high = tried
    return low


def _be_the_first_to_go() -> None:
    """Ask the system to end this process, and no other, if memory runs out."""
    try:
        Path('/proc/self/oom_score_adj').write_text('1000')
    except OSError:
        pass
