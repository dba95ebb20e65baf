"""Keep the terminal to what people watch; the log file gets everything."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from mmengine.logging import MMLogger

PACKAGE = Path(__file__).resolve().parents[2]

_brief = ContextVar('brief', default=False)

# What mmengine says in every run: a teacher is not optimized, two of its own classes
# have new names, functions are looked up in its own registry, the name of the run.
EXPECTED = re.compile(
    'is skipped since its requires_grad=False|^"(FileClient|HardDiskBackend)"'
    '|^Failed to search registry with scope|^Exp name'
)


@contextmanager
def brief_terminal() -> Iterator[None]:
    """Keep runs that are built inside from showing environment, config and hooks."""
    token = _brief.set(True)
    # Speaks until the run has a logger of its own.
    early = MMLogger.get_current_instance()
    shorten_terminal(early)
    try:
        yield
    finally:
        _brief.reset(token)
        for handler in early.handlers:
            handler.removeFilter(is_watched)


def shorten_terminal(logger: MMLogger) -> None:
    """Let the terminal have warnings, and what this project and `LoggerHook` tell.

    Only inside `brief_terminal`.

    Args:
        logger: Of a run. What it writes to files stays as it is.
    """
    if not _brief.get():
        return
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(
            handler, logging.FileHandler
        ):
            handler.addFilter(is_watched)


def is_watched(record: logging.LogRecord) -> bool:
    """Tell whether people who watch a run want a record of its log."""
    if EXPECTED.search(record.getMessage()):
        return False
    if record.levelno >= logging.WARNING:
        return True
    if record.module == 'logger_hook':
        # On a terminal the bar of `ProgressHook` shows the same.
        return not sys.stdout.isatty()
    return Path(record.pathname).is_relative_to(PACKAGE)
