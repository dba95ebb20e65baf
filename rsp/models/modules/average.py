"""Update mmengine's averages in a few fused calls."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from mmengine.model import ExponentialMovingAverage
from torch import Tensor, nn


@torch.no_grad()
def update_average(
    average: ExponentialMovingAverage, model: nn.Module, copy: bool
) -> None:
    """Average a model's parameters, and copy its buffers, as ``update_parameters``.

    mmengine's asks the device for the number of updates each time, to tell the first,
    and takes a call per tensor.

    Args:
        average: Made with mmengine's defaults: moves at every update, and its buffers
            are those of the model.
        model: The one that is averaged.
        copy: Whether this is the first update, which copies.
    """
    students: list[Tensor] = [*model.parameters()]
    own: list[Tensor] = [*average.module.parameters()]
    if copy:
        copy_tensors(own, students)
    else:
        torch._foreach_lerp_(own, students, average.momentum)
    copy_tensors([*average.module.buffers()], [*model.buffers()])
    average.steps += 1


def copy_tensors(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy tensors of one device in place, those of a kind in one call."""
    groups: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = defaultdict(
        lambda: ([], [])
    )
    for target, source in zip(targets, sources, strict=True):
        groups[target.dtype][0].append(target)
        groups[target.dtype][1].append(source)
    for group in groups.values():
        torch._foreach_copy_(*group)
