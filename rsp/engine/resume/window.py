"""Keep what the passes of an unfinished step of the optimizer have gathered."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dist import gather

from rsp.engine.distributed import unwrap_model


def window_state(runner: Any) -> dict[str, Any] | None:
    """Return gradients and keys of a step that is not done; every process calls it.

    Args:
        runner: While it trains.

    Returns:
        ``passes``: so many of how many, ``gradients``: by name one per process,
        ``held``: what parts of the model hold back, in the order of the parts. None
        between steps.
    """
    wrapper = runner.optim_wrapper
    passes = getattr(wrapper, '_accumulative_counts', 1)
    if passes == 1 or wrapper.should_update():
        return None
    gradients = {
        name: [gradient.cpu() for gradient in gather(parameter.grad)]
        for name, parameter in unwrap_model(runner.model).named_parameters()
        if parameter.grad is not None
    }
    held = [[t.cpu() for t in part.held] for part in runner.accumulation.parts]
    return dict(
        passes=[wrapper.inner_count % passes, passes], gradients=gradients, held=held
    )


def restore_window(runner: Any, window: Mapping[str, Any]) -> None:
    """Go on within a step.

    Args:
        runner: About to train.
        window: Of `window_state`.
    """
    for name, parameter in unwrap_model(runner.model).named_parameters():
        if name in window['gradients']:
            ranks = window['gradients'][name]
            if len(ranks) == runner.world_size:
                gradient = ranks[runner.rank]
            else:
                gradient = torch.stack(ranks).mean(dim=0)
            parameter.grad = gradient.to(parameter.device, copy=True)
    device = next(runner.model.parameters()).device
    for part, tensors in zip(runner.accumulation.parts, window['held'], strict=True):
        part.held = tuple(tensor.to(device) for tensor in tensors)
