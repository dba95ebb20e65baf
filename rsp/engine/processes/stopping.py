"""Turn signals into a request to end the step, save, and leave."""

import faulthandler
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rsp.errors import UserError, is_first

# sysexits.h's EX_TEMPFAIL, "try again later": the run was saved and can be resumed.
EXIT_SAVED = 75
# Of Kubernetes and Slurm before they kill, of Slurm's --signal, of Ctrl-C, of a closed
# terminal.
NAMES = ('SIGTERM', 'SIGUSR1', 'SIGINT', 'SIGHUP')
LOST = re.compile(
    r'connection (closed|reset|refused)|broken pipe|gloo|nccl|timed out|peer', re.I
)
# How long a process that lost the others waits to be stopped, in seconds: the launcher
# names the one that died, and the errors of the rest would bury that.
PATIENCE = 15


class Stopped(SystemExit):
    """Leave a run because a signal asked for it; ``code`` is the exit status."""


class StopRequest:
    """Hold what the signals of this process asked for.

    A thread watches beside the training: if the step does not end in time, because a
    collective or a reader is stuck, it says where and leaves without saving; if the
    launcher is gone, it asks for the same as SIGTERM.

    Args:
        grace: Time from the first signal to leaving without a checkpoint, seconds.
            Kubernetes and Slurm kill 30 s after SIGTERM.
        parent: Process without which this one is an orphan; None watches none.

    Attributes:
        number: The first signal that came; None if there was none.
        phase: What goes on: ``'starting'``, ``'training'``, ``'validating'``,
            ``'validated'``, ``'saving'`` or ``'leaving'``. While starting or validating
            a signal ends the run at once, by `Stopped` in the main thread.
    """

    def __init__(self, grace: float = 25, parent: int | None = None) -> None:
        self.grace = grace
        self.parent = parent
        self.launched = parent is not None
        self.number: int | None = None
        self.phase = 'starting'
        self._deadline: float | None = None
        self._came = 0
        self._before: dict[int, Any] = {}
        self._done = threading.Event()

    @property
    def name(self) -> str:
        """Name of the signal that came."""
        return signal.Signals(self.number or 0).name

    @property
    def exit_unsaved(self) -> int:
        """Exit status of a run that the signal ended without a checkpoint."""
        return 128 + (self.number or 0)

    def install(self) -> None:
        """Handle the signals, and start to watch."""
        for name in NAMES:
            number = getattr(signal, name, None)
            # What nohup or a shell's & made us ignore stays ignored.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._receive)
        # The C part of Python writes here even while the main thread is stuck.
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        self._read.settimeout(1)
        self._wakeup = signal.set_wakeup_fd(
            self._write.fileno(), warn_on_full_buffer=False
        )
        self._thread = threading.Thread(target=self._watch, name='stop', daemon=True)
        self._thread.start()

    def ignore_more(self) -> None:
        """Ignore further signals until the process has ended."""
        self.phase = 'leaving'
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def remove(self) -> None:
        """Put back the former handlers."""
        self._done.set()
        self._write.send(b'\0')
        self._thread.join()
        signal.set_wakeup_fd(self._wakeup)
        self._read.close()
        self._write.close()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def forget_in_child(self) -> None:
        """Undo the handlers in a forked process; its parent is who stops."""
        signal.set_wakeup_fd(-1)
        for number in self._before:
            ours = number == signal.SIGTERM
            signal.signal(number, signal.SIG_DFL if ours else signal.SIG_IGN)

    def explains(self, error: BaseException) -> bool:
        """Tell whether an error comes from a signal; wait for it if others were lost.

        Args:
            error: That ended a step or a validation.
        """
        if isinstance(error, Stopped):
            return True
        if not (self.launched and LOST.search(str(error))):
            return False
        return self.wait(PATIENCE)

    def wait(self, seconds: float) -> bool:
        """Wait for a signal; return whether one came."""
        end = time.monotonic() + seconds
        while self.number is None and time.monotonic() < end:
            time.sleep(0.1)
        return self.number is not None

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            return  # Already on its way out.
        self.number = number
        if self.phase == 'starting':
            self.phase = 'leaving'
            if is_first():
                say(f'stopped by {self.name} before the first step: nothing to save.')
            raise Stopped(self.exit_unsaved)
        if self.phase == 'validating':
            raise Stopped(self.exit_unsaved)  # the hook saves on the way out

    def _watch(self) -> None:
        while not self._done.is_set():
            try:
                came = set(self._read.recv(64))
            except TimeoutError:
                came = set()
            except OSError:
                return
            stops = came & set(self._before)
            if stops and self._deadline is None:
                self._came = stops.pop()
                self._deadline = time.monotonic() + self.grace
            if self.parent and self.number is None and os.getppid() != self.parent:
                say('the launcher is gone: stopping.')
                self.parent = None
                os.kill(os.getpid(), signal.SIGTERM)
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._give_up()

    def _give_up(self) -> None:
        if self._done.is_set() or self.phase == 'saving':
            return
        saved = self.phase == 'leaving'
        if not saved:
            say(
                f'no step ended within {self.grace:g} s of the signal, so nothing was '
                'saved after the last checkpoint; it stands here:'
            )
            faulthandler.dump_traceback(sys.__stderr__ or 2, all_threads=True)
        # The main thread may have been stuck since before it could hear of the signal.
        os._exit(EXIT_SAVED if saved else 128 + self._came)


_current: StopRequest | None = None


def current_request() -> StopRequest | None:
    """Return the request of this process, if signals are handled."""
    return _current


def say(text: str) -> None:
    """Print a line to the standard error, with the number of the process."""
    count = os.environ.get('WORLD_SIZE', os.environ.get('SLURM_NTASKS', '1'))
    rank = os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0'))
    who = f'rank {rank}: ' if count != '1' else ''
    print(f'{who}{text}', file=sys.stderr, flush=True)


@contextmanager
def stop_on_signals(launched: bool = False, grace: float = 25) -> Iterator[StopRequest]:
    """Handle signals inside a block, see `StopRequest`.

    Outside of the main thread, where Python handles none, nothing is changed.

    Args:
        launched: Whether this process has to end with the process that started it.
        grace: See `StopRequest`.
    """
    global _current
    parent = int(os.environ.get('RSP_LAUNCHER', os.getppid())) if launched else None
    request = StopRequest(grace, parent)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    request.install()
    _current = request
    try:
        yield request
    except Stopped:
        request.ignore_more()
        raise
    except Exception as error:
        if request.phase != 'validated':  # else it was asked already
            request.explains(error)
        if request.number is None or isinstance(error, UserError):
            request.remove()
            raise
        first = f'{type(error).__name__}: {error}'.splitlines()[0]
        say(f'stopped by {request.name}; the step could not be ended ({first[:200]}).')
        request.ignore_more()
        raise Stopped(request.exit_unsaved) from None
    except BaseException:
        request.remove()
        raise
    else:
        request.remove()
    finally:
        _current = None


def _forget_in_child() -> None:
    global _current
    if _current is not None:
        _current.forget_in_child()
        _current = None


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forget_in_child)
