"""Keep the workers of a data loader alive as long as their process, and no longer."""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from torch.utils.data import DataLoader

from rsp.engine.processes.freed_memory import give_back_freed_memory


def guard_workers(loader: DataLoader) -> None:
    """Let the workers of a loader end with their process, and by no other signal.

    Slurm and torchrun send their signals to whole groups of processes. A worker that
    such a signal ends takes the step with it that was to be ended and saved.

    Args:
        loader: Changed in place.
    """
    if loader.num_workers:
        loader.worker_init_fn = partial(_start, loader.worker_init_fn)


def is_guarded(start: Any) -> bool:
    """Tell whether the workers that start with a function print their stack on SIGUSR2.

    Args:
        start: ``worker_init_fn`` of a loader.
    """
    return getattr(start, 'func', None) is _start and hasattr(signal, 'SIGUSR2')


def _start(inner: Callable[[int], Any] | None, worker: int) -> None:
    give_back_freed_memory()
    for name in ('SIGINT', 'SIGUSR1'):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, 'SIGUSR2'):  # asked for by `WatchdogHook`
        faulthandler.register(signal.SIGUSR2, file=sys.__stderr__ or 2)
    if hasattr(signal, 'sigtimedwait'):  # Linux: it tells who sent a signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        parent = os.getppid()
        threading.Thread(target=_live_with, args=(parent,), daemon=True).start()
    if inner is not None:
        inner(worker)


def _live_with(parent: int) -> None:
    while os.getppid() == parent:
        came = signal.sigtimedwait({signal.SIGTERM}, 2)
        if came is not None and came.si_pid == parent:
            os._exit(0)  # as torch's own handler does
    os._exit(1)
