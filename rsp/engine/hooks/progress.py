"""Draw a live progress bar for people who watch a run.

The bar and its live display are rich's. Its `Progress` draws from a thread of its own,
and its proxy of a stream wraps long lines and draws in forked workers, too; these two
are not used.
"""

import atexit
import logging
import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TextIO

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rsp.engine.auto_scale_lr import batch_size_of, sample_unit
from rsp.registry import HOOKS


@HOOKS.register_module()
class ProgressHook(Hook):
    """Show epoch, rate, time left and losses at the bottom of the terminal.

    Only on the first process and only where the output is a terminal; elsewhere
    ``LoggerHook``'s lines are all there is. Log lines scroll above the bar.

    The bar repeats numbers that mmengine has recorded anyway, so it never waits for the
    GPU, and draws at most ``1 / interval`` times a second from the training thread: a
    drawing thread could hold a lock while loader workers fork.

    Args:
        interval: Least time between two drawings, seconds.
        window: Iterations over which losses and rates are averaged.
    """

    # After IterTimerHook and RuntimeInfoHook have recorded the iteration.
    priority = 'LOW'

    def __init__(self, interval: float = 0.25, window: int = 20) -> None:
        self.interval = interval
        self.window = window
        self._live: Live | None = None
        self._redirected: list[tuple[Any, TextIO]] = []
        self._drawn = 0.0

    def before_train(self, runner: Runner) -> None:
        """Open the bar if somebody can see it."""
        if not (is_main_process() and _is_terminal(sys.stdout)):
            return
        console = Console(file=sys.stdout)
        self._live = Live(
            Text('waiting for the first batch'),
            console=console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        self._redirect(console)
        # The last resort for runners that do not report failures to their hooks.
        atexit.register(self.close)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Draw the state of training, unless it was drawn just now."""
        if self._due() or (self._live and self.is_last_train_iter(runner)):
            self._draw(training_lines(runner, batch_idx, self.window))

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Draw the progress of validation."""
        if self._due():
            total = len(runner.val_dataloader)
            self._draw(bar_line('validating', batch_idx + 1, total, ''))

    def after_train(self, runner: Runner) -> None:
        """Leave the last state on the screen."""
        self.close()

    def after_failure(self, runner: Runner) -> None:
        """Restore the terminal before the traceback is printed."""
        self.close()

    def close(self) -> None:
        """Stop drawing and undo the redirections; harmless if done before."""
        if self._live is None:
            return
        for owner, stream in self._redirected:
            _set_stream(owner, stream)
        self._redirected.clear()
        self._live.stop()
        self._live = None
        atexit.unregister(self.close)

    def _due(self) -> bool:
        return self._live is not None and time.time() - self._drawn >= self.interval

    def _draw(self, lines: Any) -> None:
        assert self._live is not None
        self._live.update(lines, refresh=True)
        self._drawn = time.time()

    def _redirect(self, console: Console) -> None:
        """Send everything that writes to the terminal through the console."""
        terminals = (sys.stdout, sys.stderr)
        owners: list[Any] = [*_log_handlers(), 'stdout', 'stderr']
        for owner in owners:
            stream = getattr(sys, owner) if isinstance(owner, str) else owner.stream
            if stream in terminals and _is_terminal(stream):
                self._redirected.append((owner, stream))
                _set_stream(owner, AboveBar(console, stream))


class AboveBar:
    """Print the lines written to a text stream above the bar.

    Args:
        console: Where the bar is drawn.
        stream: The terminal, for everything but writing.
    """

    def __init__(self, console: Console, stream: TextIO) -> None:
        self._console = console
        self._stream = stream
        self._owner = os.getpid()
        self._pending = ''

    def write(self, text: str) -> int:
        """Print whole lines; keep the rest until its line ends."""
        if os.getpid() != self._owner:  # a forked worker has no bar
            return self._stream.write(text)
        *lines, self._pending = (self._pending + text).split('\n')
        for line in lines:
            # What a carriage return would have overwritten.
            shown = line.rstrip('\r').rsplit('\r', 1)[-1]
            self._console.print(Text.from_ansi(shown), soft_wrap=True, highlight=False)
        return len(text)

    def flush(self) -> None:
        """Flush the terminal; a line that has not ended stays back."""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def training_lines(runner: Runner, batch_idx: int, window: int) -> Group:
    """Render the bar of an epoch and, below it, the values of the loss.

    Args:
        runner: The run; its message hub holds what is shown.
        batch_idx: Iteration of the epoch, from 0.
        window: Iterations to average over.
    """
    hub, loader = runner.message_hub, runner.train_dataloader
    by_epoch = runner.max_epochs > 1 or runner.max_iters == len(loader)
    if by_epoch:
        label = f'epoch {runner.epoch + 1}/{runner.max_epochs}'
        done, total = batch_idx + 1, len(loader)
    else:
        label, done, total = 'training', runner.iter + 1, runner.max_iters

    seconds = hub.get_scalar('train/time').mean(window)
    waiting = hub.get_scalar('train/data_time').mean(window)
    rate = batch_size_of(loader) * runner.world_size / max(seconds, 1e-9)
    left = timedelta(seconds=round(hub.get_info('eta')))
    facts = (
        f'{rate:.{0 if rate >= 100 else 1}f} {sample_unit(loader.dataset)}/s · '
        f'data {100 * waiting / max(seconds, 1e-9):.0f}% · {left} left'
    )
    values = [f'{name} {value:.4g}' for name, value in _values(hub, window)]
    return Group(bar_line(label, done, total, facts), Text(' · '.join(values)))


def bar_line(label: str, done: int, total: int, facts: str) -> Table:
    """Render a line of label, bar, count and some facts."""
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(no_wrap=True)
    line.add_column(ratio=1, min_width=8)
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, overflow='ellipsis')
    line.add_row(label, ProgressBar(total, done), f'{done}/{total}', facts)
    return line


def _values(hub: Any, window: int) -> Iterator[tuple[str, float]]:
    """Yield losses, then what else the model reported, then the learning rate."""
    own = ('time', 'data_time', 'lr', 'base_lr')
    names = [n[6:] for n in hub.log_scalars if n.startswith('train/')]
    reported = [name for name in names if name not in own]
    rates = [name for name in names if name in ('lr', 'base_lr')][-1:]
    for name in sorted(reported, key=lambda name: 'loss' not in name):
        yield name, hub.get_scalar(f'train/{name}').mean(window)
    for name in rates:
        yield name, hub.get_scalar(f'train/{name}').current()


def _is_terminal(stream: Any) -> bool:
    return (
        stream is not None and stream.isatty() and os.environ.get('TERM', '') != 'dumb'
    )


def _log_handlers() -> list[logging.StreamHandler]:
    """Return the handlers of mmengine's loggers and the root that write to a stream."""
    loggers = [logging.getLogger(), *MMLogger._instance_dict.values()]
    return [
        handler
        for logger in loggers
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler)
        and not isinstance(handler, logging.FileHandler)
    ]


def _set_stream(owner: Any, stream: Any) -> None:
    if isinstance(owner, str):
        setattr(sys, owner, stream)
    else:
        owner.setStream(stream)
