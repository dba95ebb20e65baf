"""Train with mixed precision in bfloat16."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from rsp.engine.device import supports_bf16
from rsp.errors import UserError
from rsp.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class Bf16OptimWrapper(OptimWrapper):
    """Run the model under bfloat16 autocast, on GPUs and CPUs.

    bfloat16 has the exponent of float32, so losses need no scaling. mmengine's
    ``AmpOptimWrapper`` asserts a GPU and always scales.

    Args:
        **kwargs: As for ``OptimWrapper``: ``optimizer``, ``clip_grad``,
            ``accumulative_counts``.

    Raises:
        UserError: If the GPU has no bfloat16 arithmetic.
    """

    def __init__(self, **kwargs: Any) -> None:
        if not supports_bf16():
            raise UserError(
                'expected a device with bfloat16 arithmetic (an NVIDIA GPU since '
                f'Ampere, or a CPU), got {torch.cuda.get_device_name()}; set '
                "optim_wrapper.type='AmpOptimWrapper' for float16."
            )
        super().__init__(**kwargs)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast the forward pass; hold back gradient exchange as the base does.

        Args:
            model: The model in training.
        """
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
