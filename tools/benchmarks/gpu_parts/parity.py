"""Compare a step on the device with the same step on the CPU."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from gpu_parts.settings import (
    Settings,
    allow_tf32,
    first_batch,
    load,
    on_one_batch,
    ready,
    temporary,
)

# Small networks: the device computes the same functions in larger ones.
METHODS = {
    'GeRSP': 'gersp/r18_quickstart.py',
    'CMID ResNet': 'cmid/r18_quickstart.py',
    'CMID Swin': 'cmid/swin_mini_quickstart.py',
    'CMID ViT': 'cmid/vit_t_quickstart.py',
    'GeoKR': 'geokr/r18_cpu.py',
    'MoCo v2': 'moco/r18_quickstart.py',
}
BATCH = 8
# How much further than the CPU the device may be from the truth in float64. Sums are
# taken in another order; errors of kernels are larger by powers of ten.
FACTOR = 10
# Max pooling of the constant fill of hidden patches has ties, and rounding chooses the
# one that gets the gradient: 2.6e-3 of CMID's between two memory formats of one CPU.
FLOOR = dict(gradient=1e-2)


def steps(settings: Settings) -> dict[str, Any]:
    """Compare losses, gradients, teacher and queue of a step of each method.

    In float32, TF32 off, three times from the same weights and batch: on the CPU, on
    the device, and on the CPU in float64, which is the truth. Errors are relative, in
    the Euclidean norm.
    """
    allow_tf32(False)
    return {name: compare(settings, config) for name, config in METHODS.items()}


def compare(settings: Settings, config: str) -> dict[str, Any]:
    """Return the errors of CPU and device, and whether the device is as good."""
    found: dict[str, Any] = {}

    def job(runner: Any) -> None:
        batch = first_batch(runner)
        start = (
            copy.deepcopy(runner.model).cpu().to(memory_format=torch.contiguous_format)
        )
        truth = take_step(copy.deepcopy(start).double(), batch)
        cpu = take_step(copy.deepcopy(start), batch)
        device = copy.deepcopy(start).to(settings.device)
        if settings.device == 'cpu':  # other kernels, at least
            device = device.to(memory_format=torch.channels_last)
        other = take_step(device, batch)
        for key, value in truth.items():
            errors = [
                float((one[key] - value).norm() / value.norm().clamp_min(1e-12))
                for one in (cpu, other)
            ]
            fits = errors[1] <= FACTOR * errors[0] + FLOOR.get(key, 1e-6)
            found[key] = dict(cpu=errors[0], device=errors[1], fits=fits)

    with temporary() as folder:
        ready(on_one_batch(load(config, folder), BATCH), job)
    found['fits'] = all(part['fits'] for part in found.values())
    return found


def take_step(model: nn.Module, batch: Any) -> dict[str, Tensor]:
    """Compute losses and gradients, and move the teacher; all in float64 on the CPU."""
    model.train()
    torch.manual_seed(0)
    data = model.data_preprocessor(copy.deepcopy(batch), True)
    data = as_type(data, next(model.parameters()).dtype)
    losses = model(**data, mode='loss')
    total = sum(value for key, value in losses.items() if 'loss' in key)
    total.backward()
    teacher = getattr(model, 'teacher', None)
    if teacher is not None:
        teacher.update_parameters(model.student)
    result = {
        key: value.detach().reshape(-1)
        for key, value in losses.items()
        if 'loss' in key
    }
    grads = [p.grad.reshape(-1) for p in model.parameters() if p.grad is not None]
    result['gradient'] = torch.cat(grads)
    result['state'] = torch.cat(
        [b.reshape(-1) for b in model.state_dict().values() if b.is_floating_point()]
    )
    return {key: value.double().cpu() for key, value in result.items()}


def as_type(data: Any, dtype: torch.dtype) -> Any:
    """Convert the floating-point tensors of nested lists and dictionaries."""
    if isinstance(data, Tensor):
        return data.to(dtype) if data.is_floating_point() else data
    if isinstance(data, dict):
        return {key: as_type(value, dtype) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [as_type(value, dtype) for value in data]
    return data
