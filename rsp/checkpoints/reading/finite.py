"""Find tensors that hold NaN or infinity."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rsp.errors import UserError, shorten


def non_finite(tensors: Mapping[str, Any]) -> list[str]:
    """Return the names of tensors that a number went wrong in.

    Minus infinity among zeros alone is a mask, as buffers of some networks are. Waits
    for the device once.

    Args:
        tensors: By name; values of other types are passed over.
    """
    numbers = {
        name: tensor
        for name, tensor in tensors.items()
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.numel()
    }
    if not numbers:
        return []
    whole: dict[Any, list[Tensor]] = {}
    for tensor in numbers.values():
        whole.setdefault(tensor.device, []).append(torch.isfinite(tensor).all())
    if all(bool(torch.stack(flags).all()) for flags in whole.values()):
        return []
    return [name for name, tensor in numbers.items() if not _is_sound(tensor)]


def refuse_non_finite(tensors: Mapping[str, Any], file: Any, remedy: str) -> None:
    """Refuse tensors of which some hold NaN or infinity.

    Args:
        tensors: By name.
        file: Where they are from, for the message.
        remedy: What to do, for the message.

    Raises:
        UserError: If there are any.
    """
    broken = non_finite(tensors)
    if broken:
        raise UserError(
            f"expected numbers in '{file}', got NaN or infinity in {len(broken)} of "
            f'{len(tensors)} tensors ({shorten(broken, 3)}); {remedy}.'
        )


def _is_sound(tensor: Tensor) -> bool:
    if torch.isfinite(tensor).all():
        return True
    return bool(((tensor == 0) | (tensor == -torch.inf)).all())
