"""Tell where the time of a training goes."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.hooks import EMAHook
from mmengine.model import BaseAveragedModel
from mmengine.runner import Runner

from rsp.engine.distributed import unwrap_model

# In the order of a step; what is in none of the others is in the last one.
PARTS = (
    'wait for data',
    'transfer and preprocessing',
    'forward',
    'backward',
    'optimizer',
    'teacher (EMA)',
    'hooks and logging',
)
WAIT, TRANSFER, FORWARD, BACKWARD, OPTIMIZER, TEACHER, HOOKS = PARTS


class Stopwatch:
    """Give every moment to one part: the innermost that is running.

    So the parts add up to the time that has passed, whatever calls whatever.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        # Called before every reading, where a device computes on its own time.
        self.synchronize: Callable[[], object] = lambda: None
        self.running = [HOOKS]
        self.restart()

    def restart(self) -> None:
        """Count from zero."""
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.last = self.clock()

    def enter(self, part: str) -> None:
        """Begin a part inside the one that is running."""
        self._book()
        self.running.append(part)

    def leave(self) -> None:
        """End the innermost part."""
        self._book()
        self.running.pop()

    @contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """Book the time of a block on a part."""
        self.enter(part)
        try:
            yield
        finally:
            self.leave()

    def read(self) -> dict[str, float]:
        """Return the seconds of every part since the restart."""
        self._book()
        return dict(self.seconds)

    def _book(self) -> None:
        self.synchronize()
        now = self.clock()
        self.seconds[self.running[-1]] += now - self.last
        self.last = now


def instrument(runner: Runner, watch: Stopwatch) -> None:
    """Let a stopwatch follow the steps of a run.

    Args:
        runner: Ready to train; before its hooks' ``before_train``, of which some wrap
            the optimizer's step again.
        watch: Told of every part that begins and ends.
    """
    model = unwrap_model(runner.model)
    for module, part in ((runner.model, FORWARD), (model.data_preprocessor, TRANSFER)):
        module.register_forward_pre_hook(lambda *_, part=part: watch.enter(part))
        module.register_forward_hook(lambda *_: watch.leave())
    wrapper: Any = runner.optim_wrapper
    for one in [wrapper] if hasattr(wrapper, 'optimizer') else wrapper.values():
        _time(one, 'backward', BACKWARD, watch)
        _time(one, 'step', OPTIMIZER, watch)
        _time(one, 'zero_grad', OPTIMIZER, watch)
    averages = [m for m in model.modules() if isinstance(m, BaseAveragedModel)]
    averages += [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]
    for average in averages:
        _time(average, 'update_parameters', TEACHER, watch)


def _time(owner: Any, method: str, part: str, watch: Stopwatch) -> None:
    inner = getattr(owner, method)

    @functools.wraps(inner)
    def timed(*args: Any, **kwargs: Any) -> Any:
        with watch.timing(part):
            return inner(*args, **kwargs)

    setattr(owner, method, timed)
