"""Measure gradient, update and teacher when the optimizer steps."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
from mmengine.model import BaseAveragedModel
from torch import Tensor, nn

# mmpretrain's teachers are sequences of backbone and projector.
BACKBONES = ('backbone.', '0.')


class Weights:
    """Measure one step of the optimizer, from inside.

    Args:
        model: A method, without a wrapper; its backbone is looked at.
        optimizers: One, or those of several parts.

    Attributes:
        found: Scalars: ``gradient_norm`` over all weights, after clipping;
            ``backbone_gradient``, the same of the backbone; ``update_ratio``, the
            median over the backbone's weights of the length of the update over that of
            the weight; ``teacher_distance``, from the teacher's backbone to the
            student's, over the length of the latter.
    """

    def __init__(self, model: nn.Module, optimizers: list[Any]) -> None:
        self.model = model
        self.optimizers = optimizers
        self.found: dict[str, Tensor] = {}
        self._before: dict[int, Tensor] = {}
        self._open = ExitStack()

    def __enter__(self) -> 'Weights':
        for optimizer in self.optimizers:
            for handle in (
                optimizer.register_step_pre_hook(self._before_step),
                optimizer.register_step_post_hook(self._after_step),
            ):
                self._open.callback(handle.remove)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._open.close()
        self._before = {}

    @torch.no_grad()
    def _before_step(self, optimizer: Any, *_: Any) -> None:
        own = [p for group in optimizer.param_groups for p in group['params']]
        grads = [p.grad for p in own if p.grad is not None and not p.grad.is_sparse]
        self._add_norm('gradient_norm', grads)
        backbone = {id(p) for p in backbone_of(self.model).parameters()}
        theirs = [p for p in own if id(p) in backbone]
        self._add_norm(
            'backbone_gradient', [p.grad for p in theirs if p.grad is not None]
        )
        self._before = {id(p): p.detach().clone() for p in theirs if p.ndim > 1}
        pairs = [*teacher_pairs(self.model)]
        if pairs:
            students, teachers = [s for s, _ in pairs], [t for _, t in pairs]
            apart = [*torch._foreach_sub(teachers, students)]
            self.found['teacher_distance'] = length(apart) / length(students)

    @torch.no_grad()
    def _after_step(self, optimizer: Any, *_: Any) -> None:
        own = [p for group in optimizer.param_groups for p in group['params']]
        moved = [p for p in own if id(p) in self._before]
        if not moved:
            return
        before = [self._before[id(p)] for p in moved]
        steps = torch._foreach_norm(torch._foreach_sub(moved, before))
        sizes = torch._foreach_norm(before)
        ratios = torch.stack(steps) / torch.stack(sizes).clamp(min=1e-12)
        self.found['update_ratio'] = ratios.median()

    def _add_norm(self, name: str, grads: list[Tensor]) -> None:
        device = next(self.model.parameters()).device
        norm = length(grads) if grads else torch.zeros((), device=device)
        earlier = self.found.get(name, torch.zeros((), device=device))
        self.found[name] = torch.hypot(earlier, norm)


def length(tensors: list[Tensor]) -> Tensor:
    """Compute the length of tensors as one vector; scalar."""
    norms = torch._foreach_norm(tensors)
    return torch.stack([norm.float() for norm in norms]).norm()


def backbone_of(model: Any) -> nn.Module:
    """Return the part of a method that is handed on."""
    return model.backbone


def teacher_of(model: nn.Module) -> Any:
    """Return the moving average of a method's backbone, or None."""
    for child in model.children():
        if isinstance(child, BaseAveragedModel):
            return child
    return None


def teacher_pairs(model: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each weight of the student's backbone with that of its teacher."""
    teacher = teacher_of(model)
    if teacher is None:
        return
    students = dict(backbone_of(model).named_parameters())
    for name, theirs in teacher.module.named_parameters():
        for prefix in BACKBONES:
            own = students.get(name.removeprefix(prefix))
            if name.startswith(prefix) and own is not None and own.ndim > 1:
                yield own.detach(), theirs.detach()


@torch.no_grad()
def fingerprint(tensors: list[Tensor], size: int = 16) -> Tensor:
    """Copy a few numbers of each tensor, shape (at most size * tensors,)."""
    return torch.cat([t.detach().flatten()[:size].float() for t in tensors])
