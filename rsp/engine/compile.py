"""Settings of a model that change its speed and not its results."""

from typing import Any

import torch
from torch import nn

from rsp.errors import UserError


def set_memory_format(model: nn.Module, memory_format: str) -> None:
    """Lay out the weights of a model, in place.

    Args:
        model: Any module.
        memory_format: ``'channels_last'`` or ``'contiguous'``.

    Raises:
        ValueError: If it is neither.
    """
    if memory_format not in ('channels_last', 'contiguous'):
        raise UserError(
            "expected memory_format to be 'channels_last' or 'contiguous', got "
            f'{memory_format!r}.'
        )
    if memory_format == 'channels_last':
        # torch's overloads leave this argument out.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def compile_backbone(model: nn.Module, options: bool | dict) -> None:
    """Compile the backbone and that of its teacher, in place.

    Args:
        model: Has a ``backbone``; ``teacher.module['backbone']`` is optional.
        options: False does nothing; True or the arguments of ``torch.compile``.

    Raises:
        ValueError: If the model has no backbone.
    """
    if options is False or options is None:
        return
    if not hasattr(model, 'backbone'):
        raise UserError(
            f'compile_backbone expects a model with a backbone, got '
            f'{type(model).__name__}; set compile_backbone=False.'
        )
    arguments: dict[str, Any] = {} if options is True else dict(options)
    shadow = getattr(getattr(model, 'teacher', None), 'module', {})
    backbones: list[Any] = [model.backbone]
    backbones += [shadow['backbone']] if 'backbone' in shadow else []
    for backbone in backbones:
        backbone.compile(**arguments)
