"""Look at losses some steps later, when nobody has to wait for them."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.runner import Runner

from rsp.engine.logs.history import numbers
from rsp.engine.replay.running import describe, on_host

# Steps after which they are looked at.
ASK_EVERY = 50


class LateLosses:
    """Warn of losses that were not finite, though their gradients were."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, list[dict[str, Any]]]] = []

    def add(self, runner: Runner, passes: list[dict[str, Any]]) -> None:
        """Keep the losses of a step, by name for each of its passes."""
        self._steps.append((runner.iter + 1, passes))
        if len(self._steps) >= ASK_EVERY:
            self.ask(runner)

    def ask(self, runner: Runner) -> None:
        """Fetch what was kept, and warn."""
        steps, self._steps = self._steps, []
        flat = [v for _, passes in steps for losses in passes for v in losses.values()]
        if all(map(math.isfinite, numbers(flat))):
            return
        for step, passes in steps:
            losses = [on_host(of_pass) for of_pass in passes]
            if not are_finite(losses):
                runner.logger.warning(
                    f'step {step}: {describe(losses[-1])}, but its gradient is finite; '
                    'learned from it.'
                )


def are_finite(passes: Iterable[Mapping[str, float]]) -> bool:
    """Tell whether all losses of the passes of a step are finite."""
    return all(math.isfinite(v) for losses in passes for v in losses.values())
