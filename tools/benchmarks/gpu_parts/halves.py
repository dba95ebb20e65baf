"""Train in half precision and look at the losses."""

import math
import time
from typing import Any

from gpu_parts.parity import BATCH, METHODS
from gpu_parts.settings import (
    Settings,
    first_batch,
    load,
    on_one_batch,
    ready,
    temporary,
)

STEPS = 8


def finite(settings: Settings, seconds: float) -> dict[str, Any]:
    """Train each method in bfloat16 and in float16; tell if all losses are finite.

    float16 exists on GPUs only, its scaler asks for one.

    Args:
        settings: Of the report.
        seconds: After which no further method is begun.
    """
    wrappers = dict(bfloat16=dict(type='rsp.Bf16OptimWrapper'))
    if settings.device == 'cuda':
        wrappers['float16'] = dict(type='AmpOptimWrapper', loss_scale='dynamic')
    end, found = time.monotonic() + seconds, {}
    for precision, wrapper in wrappers.items():
        for name, config in METHODS.items():
            if time.monotonic() < end:
                found[f'{name} {precision}'] = losses(config, wrapper)
    return found


def losses(config: str, wrapper: dict[str, Any]) -> dict[str, Any]:
    """Return the first and the last sum of losses, and if all of them are finite."""
    values: list[float] = []

    def job(runner: Any) -> None:
        batch = first_batch(runner)
        for _ in range(STEPS):
            logged = runner.model.train_step(batch, runner.optim_wrapper)
            values.append(float(logged['loss']))

    with temporary() as folder:
        cfg = load(config, folder)
        cfg.optim_wrapper.update(wrapper)
        ready(on_one_batch(cfg, BATCH), job)
    return dict(first=values[0], last=values[-1], fits=all(map(math.isfinite, values)))
