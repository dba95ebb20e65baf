"""Keep what is measured to a share of the time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """Count the time since the start, and that of measuring.

    Args:
        share: Of the time that may be spent, 0 to 1; 1 sets no limit.
    """

    def __init__(self, share: float) -> None:
        self.allowed = share
        self.started = time.perf_counter()
        self.spent = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def share(self) -> float:
        """Share of the time that was spent, 0 to 1."""
        return self.spent / max(self.elapsed, 1e-9)

    def allows(self, seconds: float) -> bool:
        """Return whether so much more is within the share."""
        within = self.spent + seconds <= self.allowed * self.elapsed
        return within or self.allowed >= 1

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time of a block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spent += time.perf_counter() - started
