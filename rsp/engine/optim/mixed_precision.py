"""Choose the 16 bits that a device computes fast."""

from typing import Any

from mmengine.optim import AmpOptimWrapper, OptimWrapper

from rsp.engine.device import supports_bf16
from rsp.engine.optim.bf16_optim_wrapper import Bf16OptimWrapper
from rsp.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module(name='MixedPrecisionOptimWrapper')
def mixed_precision_optim_wrapper(**settings: Any) -> OptimWrapper:
    """Build the wrapper of mixed precision that this device computes fast.

    bfloat16 on CPUs and on NVIDIA GPUs since Ampere; on older ones float16, its loss
    scaled dynamically. For configs that shall run on both.

    Args:
        settings: As for ``OptimWrapper``: ``optimizer``, ``clip_grad``,
            ``accumulative_counts``.
    """
    if supports_bf16():
        return Bf16OptimWrapper(**settings)
    return AmpOptimWrapper(loss_scale='dynamic', **settings)
