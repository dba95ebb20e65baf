"""Clock steps and their parts, and measure the memory that they take."""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.model import is_model_wrapper
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function

MARK = 'the step whose memory is measured'


def clock(step: Callable, count: int) -> tuple[float, float]:
    """Return wall and CPU seconds of so many steps, of all threads of the process."""
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start, time.process_time() - cpu


def held_mb() -> float:
    """Return the memory of all tensors that are alive, of a GPU where there is one."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return torch.cuda.memory_allocated() / 2**20
    storages = {}
    for thing in gc.get_objects():
        # isinstance() would ask lazy modules what they are.
        if issubclass(type(thing), Tensor) and thing.device.type == 'cpu':
            storage = thing.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
            if thing.grad is not None:
                storage = thing.grad.untyped_storage()
                storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values()) / 2**20


def rise_mb(step: Callable) -> float:
    """Return how far a step's memory rises above that at its start."""
    if torch.cuda.is_available():
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        # Of what is freed here and older than the profile nothing is recorded.
        step()
        with record_function(MARK):
            step()
    events = profiled.profiler.kineto_results.events()
    start = min(event.start_ns() for event in events if event.name() == MARK)
    changes = sorted(
        (event.start_ns(), event.nbytes())
        for event in events
        if event.name() == '[memory]' and event.start_ns() >= start
    )
    level = peak = 0
    for _, change in changes:
        level += change
        peak = max(peak, level)
    return peak / 2**20


@contextmanager
def timed_parts(runner: Any) -> Iterator[dict[str, float]]:
    """Collect CPU seconds of the parts of a step that no bare loop has.

    And of some that it has, for comparison. On a GPU these are the host's.
    """
    seconds: dict[str, float] = defaultdict(float)
    undo = []
    for name, owner, method in _parts(runner):
        original = getattr(owner, method)

        def timed(
            *args: Any, _name: str = name, _call: Any = original, **kw: Any
        ) -> Any:
            start = time.process_time()
            try:
                return _call(*args, **kw)
            finally:
                seconds[_name] += time.process_time() - start

        object.__setattr__(owner, method, timed)
        undo.append((owner, method))
    try:
        yield seconds
    finally:
        for owner, method in undo:
            object.__delattr__(owner, method)
        rest = {k: v for k, v in seconds.items() if v < 1e-4}
        for name in rest:
            del seconds[name]
        seconds['what takes less'] = sum(rest.values())


def _parts(runner: Any) -> Iterator[tuple[str, Any, str]]:
    model: nn.Module = runner.model
    model = model.module if is_model_wrapper(model) else model
    for hook in runner.hooks:
        for method in ('before_train_iter', 'after_train_iter'):
            yield f'{type(hook).__name__}.{method}', hook, method
        if hasattr(hook, 'watch'):
            yield f'{type(hook).__name__}.watch', hook, 'watch'
    yield 'data_preprocessor', model.data_preprocessor, 'forward'
    yield 'parse_losses', model, 'parse_losses'
    for name in ('teacher', 'encoder_k'):
        if getattr(model, name, None) is not None:
            yield name, getattr(model, name), 'update_parameters'
    if hasattr(getattr(model, 'queue', None), 'push'):
        yield 'queue.negatives', model.queue, 'negatives'
        yield 'queue.push', model.queue, 'push'
    yield 'zero_grad', runner.optim_wrapper, 'zero_grad'
