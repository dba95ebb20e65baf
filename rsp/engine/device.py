"""Adapt settings to the device a run computes on."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.logging import print_log


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


def fuses_on_cpu(optimizer: str) -> bool:
    """Tell if torch updates in one fused call on a CPU: since 2.4, Adam and AdamW."""
    kind = getattr(torch.optim, optimizer, None)
    if kind is None:
        return True  # Of another library, which knows best.
    try:
        kind([torch.zeros(1, requires_grad=True)], lr=0.1, fused=True)
    except RuntimeError:
        return False
    return True


def fit_optimizer(cfg: Any) -> Any:
    """Drop ``fused`` from an optimizer where torch refuses it on this machine.

    The updates are the same, only slower.

    Args:
        cfg: Config of an optimizer wrapper, not modified; anything else is returned.
    """
    optimizer = cfg.get('optimizer') if isinstance(cfg, Mapping) else None
    if not isinstance(optimizer, Mapping) or not optimizer.get('fused'):
        return cfg
    kind = str(optimizer.get('type'))
    if torch.cuda.is_available() or fuses_on_cpu(kind):
        return cfg
    print_log(
        f'torch {torch.__version__} has no fused {kind} on a CPU: going on without '
        "'fused'.",
        logger='current',
    )
    kept = {key: value for key, value in optimizer.items() if key != 'fused'}
    return dict(cfg) | dict(optimizer=kept)


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
