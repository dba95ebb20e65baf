"""Average a student's weights over time."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from mmengine.model import BaseAveragedModel, ExponentialMovingAverage
from torch import Tensor, nn

from rsp.ops import check
from rsp.registry import MODELS


@MODELS.register_module()
class Teacher(BaseAveragedModel):
    r"""Average the student's parameters exponentially.

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
        without: Names of parameters that the teacher does not have, such as a mask
            token: it never sees a mask. The modules that own them must do without.
    """

    def __init__(
        self,
        student: nn.ModuleDict,
        momentum: float = 0.001,
        frozen: Sequence[str] = (),
        without: Sequence[str] = (),
    ) -> None:
        check.between(
            "'momentum' of the teacher (share of new weights, 1 - m of the papers)",
            momentum,
            0,
            1,
        )
        for name in frozen:
            check.one_of("parts in 'frozen' of the teacher", name, list(student))
        super().__init__(student)
        self.momentum = momentum
        self.frozen = tuple(frozen)
        for name in without:
            owner, _, leaf = name.rpartition('.')
            self.module.get_submodule(owner).register_parameter(leaf, None)

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
        # Parameters alone: buffers are those of the teacher's own batches.
        students = dict(model.named_parameters())
        moving = {
            name: own
            for name, own in self.module.named_parameters()
            if name.partition('.')[0] not in self.frozen
        }
        # In place; the official code of GeRSP makes new tensors in every step.
        torch._foreach_lerp_(
            [*moving.values()], [students[name] for name in moving], self.momentum
        )
        self.steps += 1

    @torch.no_grad()
    def copy_from(self, student: nn.ModuleDict) -> None:
        """Start over as an exact copy of the student, buffers included.

        Weight initialization happens after construction and draws student and
        teacher apart; call this at its end.
        """
        theirs = student.state_dict()
        self.module.load_state_dict({n: theirs[n] for n in self.module.state_dict()})


@torch.no_grad()
def update_average(
    average: ExponentialMovingAverage, model: nn.Module, copy: bool
) -> None:
    """Average a model's parameters, and copy its buffers, as ``update_parameters``.

    mmengine's asks the device for the number of updates each time, to tell the first,
    and takes a call per tensor.

    Args:
        average: Made with mmengine's defaults: moves at every update, and its buffers
            are those of the model.
        model: The one that is averaged.
        copy: Whether this is the first update, which copies.
    """
    students: list[Tensor] = [*model.parameters()]
    own: list[Tensor] = [*average.module.parameters()]
    if copy:
        copy_tensors(own, students)
    else:
        torch._foreach_lerp_(own, students, average.momentum)
    copy_tensors([*average.module.buffers()], [*model.buffers()])
    average.steps += 1


def copy_tensors(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy tensors of one device in place, those of a kind in one call."""
    groups: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = defaultdict(
        lambda: ([], [])
    )
    for target, source in zip(targets, sources, strict=True):
        groups[target.dtype][0].append(target)
        groups[target.dtype][1].append(source)
    for group in groups.values():
        torch._foreach_copy_(*group)
