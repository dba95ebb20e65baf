"""Compute in float32 where half precision would round too much."""

import torch
from torch import Tensor


def upcast(tensor: Tensor) -> Tensor:
    """Cast half precision to float32; keep float32 and float64 as they are.

    Autocast casts back the inputs of matrix products, so switch it off around those.

    Args:
        tensor: Any shape, floating point.

    Returns:
        Same shape, float32 or float64.
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
