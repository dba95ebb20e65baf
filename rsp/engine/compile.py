"""Change the speed of a model and not its results: memory format, torch.compile."""

from typing import Any

import torch
from torch import nn

from rsp.errors import UserError
from rsp.ops import check


def set_memory_format(model: nn.Module, memory_format: str) -> None:
    """Lay out the weights of a model, in place.

    Args:
        model: Any module.
        memory_format: ``'channels_last'`` or ``'contiguous'``.

    Raises:
        UserError: If it is neither.
    """
    check.one_of('memory_format', memory_format, ('contiguous', 'channels_last'))
    if memory_format == 'channels_last':
        # torch's overloads leave this argument out.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def compile_backbone(model: nn.Module, options: bool | dict) -> None:
    """Compile the backbone and that of its teacher, in place.

    Args:
        model: Has a ``backbone``; ``teacher.module['backbone']``, or MoCo's
            ``encoder_k``, is optional.
        options: False does nothing; True or the arguments of ``torch.compile``.

    Raises:
        UserError: If the model has no backbone.
    """
    if options is False or options is None:
        return
    if not hasattr(model, 'backbone'):
        raise UserError(
            f'compile_backbone expects a model with a backbone, got '
            f'{type(model).__name__}; set compile_backbone=False.'
        )
    arguments: dict[str, Any] = {} if options is True else dict(options)
    backbones: list[Any] = [model.backbone]
    shadow = getattr(getattr(model, 'teacher', None), 'module', {})
    backbones += [shadow['backbone']] if 'backbone' in shadow else []
    # MoCo's is a sequence of backbone and neck.
    backbones += [*getattr(model, 'encoder_k', nn.Module()).children()][:1]
    for backbone in backbones:
        backbone.compile(**arguments)
