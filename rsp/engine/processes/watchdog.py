"""Name a process or a worker that makes no progress."""

import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

from mmengine.dist import get_dist_info
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner

from rsp.engine.processes.workers import is_guarded
from rsp.ops import check
from rsp.registry import HOOKS


@HOOKS.register_module()
class WatchdogHook(Hook):
    """Tell where a run stands that has made no step for some time.

    A thread of each process logs its rank, what it waits for and the stack of its main
    thread, and lets workers of a data loader that is waited for print theirs. Nothing
    is ended: a collective that nobody joins ends by ``env_cfg.dist_cfg.timeout``. Off
    while a debugger is attached, and once the thread has left the runner.

    Args:
        seconds: Time without a step after which to tell, and after twice as long again;
            0 tells nothing.
    """

    priority = 'LOWEST'

    def __init__(self, seconds: float = 300) -> None:
        check.at_least("'seconds' of rsp.WatchdogHook", seconds, 0)
        self.seconds = seconds
        self._last = 0.0
        self._done = threading.Event()

    def before_run(self, runner: Runner) -> None:
        """Start to watch."""
        if self.seconds <= 0 or sys.gettrace() is not None:
            return
        self._last = time.monotonic()
        self._done = threading.Event()
        main = threading.get_ident()
        threading.Thread(
            target=self._watch, args=(runner, main, self._done), daemon=True
        ).start()

    def _after_iter(self, *_: Any, **__: Any) -> None:
        """Note a step of training, validation or test."""
        self._last = time.monotonic()

    def _before_epoch(self, *_: Any, **__: Any) -> None:
        self._last = time.monotonic()

    def after_run(self, runner: Runner) -> None:
        """Stop watching."""
        self._done.set()

    def after_failure(self, runner: Runner) -> None:
        """Stop watching."""
        self._done.set()

    def _watch(self, runner: Runner, main: int, done: threading.Event) -> None:
        told, limit = self._last, self.seconds
        while not done.wait(min(self.seconds / 4, 5)):
            if self._last != told:
                told, limit = self._last, self.seconds
            still = time.monotonic() - self._last
            if still > limit:
                frame = sys._current_frames().get(main)
                # A failed `val()`, or a runner of another project, ends without a word.
                if not any(f.f_locals.get('self') is runner for f in _frames(frame)):
                    return
                limit *= 2
                print_log(
                    describe(_iteration(runner), still, frame),
                    logger='current',
                    level=logging.WARNING,
                )


def _iteration(runner: Runner) -> int:
    """Return the iterations done; `Runner.iter` would build the loop in this thread."""
    loop = runner._train_loop
    return loop.iter if isinstance(loop, BaseLoop) else 0


def describe(iteration: int, still: float, frame: FrameType | None) -> str:
    """Describe where the main thread stands; let workers it waits for print the same.

    Args:
        iteration: Iterations done.
        still: Time since then, seconds.
        frame: Innermost frame of the main thread.
    """
    rank, world = get_dist_info()
    files = [f.f_code.co_filename.replace(os.sep, '/') for f in _frames(frame)]
    workers = [pid for f in _frames(frame) for pid in _workers_of(f)]
    doing = 'computes'
    if any('torch/utils/data/' in file for file in files):
        doing = 'waits for a batch'
    elif any('torch/distributed/' in file for file in files):
        doing = 'waits for other processes'
    if workers:
        doing += f' of the workers {workers}, whose stacks follow'
        for pid in workers:
            os.kill(pid, signal.SIGUSR2)
    stack = ''.join(traceback.format_stack(frame))
    return (
        f'rank {rank} of {world} has made no step for {still:.0f} s after iteration '
        f'{iteration}; it {doing}:\n{stack}'
    )


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _workers_of(frame: FrameType) -> list[int]:
    """Return the processes of the loader's iterator that a frame is a method of."""
    if frame.f_code.co_name != '_next_data':
        return []
    iterator = frame.f_locals.get('self')
    if not is_guarded(getattr(iterator, '_worker_init_fn', None)):
        return []
    return [w.pid for w in getattr(iterator, '_workers', ()) if w.is_alive()]
