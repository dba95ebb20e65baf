"""Remember what a forward pass changes, so that a step can be undone."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseAveragedModel
from torch import Tensor, nn

from rsp.models.modules.queue import OverwritesOldest
from rsp.models.modules.teacher import Teacher


class Snapshot:
    """Hold the state that a step starts from and an optimizer does not change.

    A forward pass changes buffers (statistics of batch norm, queues) and, in some
    methods, a teacher. Every step copies all buffers but queues, which remember the few
    keys that they write over; the first one also copies the parameters without
    gradient, those after it only such as the passes before have changed, so that a
    frozen backbone costs nothing.

    Args:
        model: In training, without a wrapper.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.random: dict[str, Any] = {}
        self._saved: dict[str, Tensor] = {}
        self._versions: dict[str, tuple[int, int]] = {}
        self._changing: set[str] | None = None
        self._averaged = set(_averaged(model))
        self._queues = {
            f'{place}.{module.queue_name}'.lstrip('.'): module
            for place, module in model.named_modules()
            if isinstance(module, OverwritesOldest)
        }

    @torch.no_grad()
    def take(self) -> None:
        """Copy what a forward pass may change, and the states of random generators."""
        self.random = random_states()
        for queue in self._queues.values():
            queue.overwritten = []
        state = dict(self._state())
        self._versions = {name: _version(t) for name, t in state.items()}
        names = set(state)
        if self._changing is not None:
            names = (self._untraced() | self._changing) & state.keys()
        fitting = [
            name
            for name in names
            if name in self._saved and self._saved[name].shape == state[name].shape
        ]
        if fitting:
            copies = [self._saved[name] for name in fitting]
            torch._foreach_copy_(copies, [state[name] for name in fitting])
        for name in names.difference(fitting):
            self._saved[name] = state[name].detach().clone()

    def note_changes(self) -> None:
        """Note what has been changed since; for the copies of the steps to come."""
        changed = {
            name
            for name, tensor in self._state()
            if self._versions.get(name) != _version(tensor)
        }
        self._changing = (self._changing or set()) | changed

    def forget_unchanged(self) -> None:
        """Free the copies of what the passes so far have left alone."""
        kept = self._untraced() | (self._changing or set())
        self._saved = {name: t for name, t in self._saved.items() if name in kept}

    @torch.no_grad()
    def restore(self) -> None:
        """Undo the changes of the forward passes since `take`."""
        for name, tensor in self._state():
            if name in self._saved:
                tensor.copy_(self._saved[name])
        for queue in self._queues.values():
            queue.put_back()

    def release(self) -> None:
        """Free all copies; to be called when no step follows."""
        self._saved = {}
        for queue in self._queues.values():
            queue.overwritten = None

    def _untraced(self) -> set[str]:
        """Name what can change without a trace in the version of its tensor."""
        # Batch norm does so with its buffers.
        return {name for name, _ in self.model.named_buffers()} | self._averaged

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self.model.named_parameters():
            if not parameter.requires_grad:
                yield name, parameter
        for name, buffer in self.model.named_buffers():
            if name not in self._queues:
                yield name, buffer


def _averaged(model: nn.Module) -> Iterator[str]:
    """Yield the parameters of mmengine's averages, which write to ``.data``.

    Our teacher does not.
    """
    for place, module in model.named_modules():
        if isinstance(module, BaseAveragedModel) and not isinstance(module, Teacher):
            start = f'{place}.' if place else ''
            yield from (start + name for name, _ in module.named_parameters())


def random_states() -> dict[str, Any]:
    """Return the states of all generators that a step draws from."""
    states = dict(
        torch=torch.get_rng_state(),
        numpy=np.random.get_state(),  # noqa: NPY002  what transforms draw from
        python=random.getstate(),
    )
    if torch.cuda.is_available():
        states['cuda'] = torch.cuda.get_rng_state()
    return states


def set_random_states(states: dict[str, Any]) -> None:
    """Set what `random_states` returned."""
    torch.set_rng_state(states['torch'])
    np.random.set_state(states['numpy'])  # noqa: NPY002
    random.setstate(states['python'])
    if 'cuda' in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'])


def _version(tensor: Tensor) -> tuple[int, int]:
    """Return what differs once a tensor is replaced or changed in place."""
    return tensor.data_ptr(), tensor._version
