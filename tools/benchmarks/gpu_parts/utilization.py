"""Ask now and then how busy the GPU is."""

import shutil
import subprocess
import threading
from typing import Any


class Utilization:
    """Average what nvidia-smi tells twice a second while a block runs.

    The share of time in which some kernel ran: 100 says nothing about how many units
    were at work. ``mean`` is in per cent, None where nvidia-smi is missing.

    Args:
        device: ``'cuda'`` or ``'cpu'``.
    """

    QUERY = ('--query-gpu=utilization.gpu', '--format=csv,noheader,nounits')

    def __init__(self, device: str) -> None:
        self.program = shutil.which('nvidia-smi') if device == 'cuda' else None
        self.values: list[float] = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> 'Utilization':
        if self.program:
            self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.done.set()
        if self.program:
            self.thread.join(5)

    @property
    def mean(self) -> float | None:
        """Return the mean, per cent."""
        return sum(self.values) / len(self.values) if self.values else None

    def _ask(self) -> None:
        assert self.program is not None
        while not self.done.wait(0.5):
            told = subprocess.run(
                [self.program, *self.QUERY], capture_output=True, text=True, timeout=5
            )
            first = told.stdout.split('\n')[0].strip()
            if first.isdigit():
                self.values.append(float(first))
