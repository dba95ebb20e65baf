"""Find what makes the host wait for the device, on a machine without one."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

aten = torch.ops.aten
# Each needs a number of the device: a value, or how many there are.
WAITING = {
    aten._local_scalar_dense,
    aten.nonzero,
    aten.masked_select,
    aten._unique2,
    aten.unique_dim,
    aten.unique_consecutive,
    aten.bincount,
    aten.equal,
    aten.is_nonzero,
}
# To the host, or from memory of it that no loader has pinned.
COPYING = {Tensor.cpu, Tensor.numpy, Tensor.tolist, torch.tensor, torch.as_tensor}


class Waits:
    """Collect places in the code that wait, while they run."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, what: str) -> None:
        frames = [
            frame
            for frame in traceback.extract_stack()
            if 'torch/' not in frame.filename and __file__ != frame.filename
        ]
        last = frames[-1]
        self.found.append(f'{what} at {last.filename}:{last.lineno}: {last.line}')


class _Operations(TorchDispatchMode):
    def __init__(self, waits: Waits) -> None:
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        packet = func.overloadpacket
        indices = args[1] if packet in (aten.index, aten.index_put) else ()
        by_mask = [i for i in indices if i is not None and i.dtype == torch.bool]
        if packet in WAITING or by_mask:
            self.waits.add(str(func))
        return func(*args, **(kwargs or {}))


class _Calls(TorchFunctionMode):
    def __init__(self, waits: Waits) -> None:
        super().__init__()
        self.waits = waits

    def __torch_function__(self, func, types, args=(), kwargs=None):
        to_host = func is Tensor.to and torch.device('cpu') in _devices(args, kwargs)
        index = args[1] if func is Tensor.__getitem__ else ()
        parts = index if isinstance(index, tuple) else (index,)
        if func in COPYING or to_host or any(isinstance(p, list) for p in parts):
            self.waits.add(getattr(func, '__name__', str(func)))
        return func(*args, **(kwargs or {}))


def _devices(args, kwargs) -> list:
    """Return the devices that a call of ``to`` names, but not those of a mover."""
    named = [*args[1:2], (kwargs or {}).get('device')]
    return [torch.device(d) for d in named if isinstance(d, str)]


@contextmanager
def waits_of_device() -> Iterator[Waits]:
    """Collect what would wait for a device if all tensors were on one."""
    waits = Waits()
    with _Calls(waits), _Operations(waits):
        yield waits


def unseen(function):
    """Wrap a function whose tensors are on the host, such as steps of an optimizer."""

    def wrapped(*args, **kwargs):
        with _disable_current_modes():
            return function(*args, **kwargs)

    return wrapped
