"""The slowly following copy of a student."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseAveragedModel
from torch import Tensor, nn

from rsp.registry import MODELS


@MODELS.register_module()
class Teacher(BaseAveragedModel):
    r"""Exponential moving average of the student's parameters.

    .. math::
        \theta_k \leftarrow (1 - \mu)\,\theta_k + \mu\,\theta_q

    MoCo, https://arxiv.org/abs/1911.05722, Eq. 2, with :math:`\mu = 1 - m`.

    .. note::
        ``momentum`` is mmengine's: the share of the *new* weights. 0.001 here is
        the papers' m = 0.999.

    Two differences from mmengine's averages: the first update already averages
    (theirs copies), and buffers are never touched, so a teacher's batch norm keeps
    the statistics of its own batches.

    Args:
        student: Named parts to shadow; they are copied.
        momentum: Share of the new weights per update, 0 to 1. A plain attribute:
            a hook may change it between updates.
        frozen: Names of parts that keep their initial weights.
    """

    def __init__(
        self,
        student: nn.ModuleDict,
        momentum: float = 0.001,
        frozen: Sequence[str] = (),
    ) -> None:
        if not 0 <= momentum <= 1:
            raise ValueError(
                "expected 'momentum' of the teacher (the share of new weights) "
                f'between 0 and 1, got {momentum}; the papers write 1 - momentum.'
            )
        unknown = sorted(set(frozen) - set(student))
        if unknown:
            raise ValueError(
                f'expected frozen parts among {sorted(student)}, got {unknown}.'
            )
        super().__init__(student)
        self.momentum = momentum
        self.frozen = tuple(frozen)

    def avg_func(
        self, averaged_param: Tensor, source_param: Tensor, steps: int
    ) -> None:
        """Move one teacher tensor towards the student's, in place."""
        averaged_param.lerp_(source_param, self.momentum)

    @torch.no_grad()
    def update_parameters(self, model: nn.ModuleDict) -> None:
        """Move every teacher parameter towards the student's, in one fused call.

        Args:
            model: The student's parts, by the names they had at construction.
        """
        pairs = [
            (own, new)
            for name, part in self.module.items()
            if name not in self.frozen
            for own, new in zip(
                part.parameters(), model[name].parameters(), strict=True
            )
        ]
        torch._foreach_lerp_(
            [own for own, _ in pairs], [new for _, new in pairs], self.momentum
        )
        self.steps += 1

    @torch.no_grad()
    def copy_from(self, student: nn.ModuleDict) -> None:
        """Start over as an exact copy of the student, buffers included.

        Weight initialisation happens after construction and draws student and
        teacher apart; call this at its end.
        """
        self.module.load_state_dict(student.state_dict())
