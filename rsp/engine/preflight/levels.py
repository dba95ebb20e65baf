"""Refuse anchors or points of other levels than a head's feature maps."""

from functools import partial
from typing import Any

from torch import nn

from rsp.errors import UserError


def compare_levels(model: nn.Module) -> None:
    """Let the heads of a detector count their feature maps whenever they are called.

    Heads walk maps, scales and strides side by side, as far as the shortest goes:
    maps without a stride learn nothing, and nothing is said.

    Args:
        model: A detector, or any other model, which is left alone.
    """
    for name, module in model.named_modules():
        if hasattr(getattr(module, 'prior_generator', None), 'num_levels'):
            module.register_forward_pre_hook(partial(_count, f'model.{name}'))


def _count(place: str, head: Any, args: tuple[Any, ...]) -> None:
    maps = args[0] if args else None
    levels = head.prior_generator.num_levels
    if isinstance(maps, list | tuple) and len(maps) != levels:
        raise UserError(
            f'{place}: expected as many strides of anchors or points as feature maps, '
            f'got {levels} strides for {len(maps)} maps; give one stride for each map, '
            'or change model.neck.num_outs.'
        )
