"""Adapt settings to the device a run computes on."""

from typing import Any

import torch


def supports_bf16() -> bool:
    """Tell if bfloat16 arithmetic exists here: any CPU, NVIDIA GPUs since Ampere.

    Emulation on older GPUs, which torch also calls support, is slower than float32.
    """
    if not torch.cuda.is_available():
        return True
    try:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    except TypeError:  # torch < 2.4 knows no emulation
        return bool(torch.cuda.is_bf16_supported())


def fit_dataloader(cfg: dict[str, Any]) -> dict[str, Any]:
    """Drop loader settings that torch refuses or warns about on this machine.

    Args:
        cfg: A data loader config; not modified.

    Returns:
        The same without ``persistent_workers`` and ``prefetch_factor`` where there
        are no workers, and without ``pin_memory`` where there is no GPU.
    """
    fitted = dict(cfg)
    if fitted.get('num_workers', 0) == 0:
        fitted.pop('persistent_workers', None)
        fitted.pop('prefetch_factor', None)
    if not torch.cuda.is_available():
        fitted.pop('pin_memory', None)
    return fitted
