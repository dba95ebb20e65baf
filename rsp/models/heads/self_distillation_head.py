"""Compare patches of student and teacher over prototypes."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.model import BaseModule
from torch import Tensor

from rsp.models.modules.passes import Passes
from rsp.ops import check
from rsp.ops.cross_entropy import distillation_cross_entropy
from rsp.registry import MODELS


@MODELS.register_module()
class SelfDistillationHead(Passes, BaseModule):
    r"""Compute the cross-entropy with a centered, sharpened teacher.

    DINO, https://arxiv.org/abs/2104.14294, on patches as CMID uses it. The method
    calls `update_center` after `loss`:

    .. math::
        c \leftarrow (1 - \mu)\, c + \mu\,\overline{z^t}

    the mean over all patches of all ranks (DINO, Eq. 4).

    Args:
        num_prototypes: K.
        student_temperature: Divides the student's logits.
        teacher_temperature: Divides the teacher's. A plain attribute: a hook may
            change it between steps.
        center_momentum: mu, share of the new mean (0.1 is the papers' 0.9).
        init_cfg: Weight initialization.

    Shape of state: ``center`` (1, K), zeros at the start.
    """

    center: Tensor

    def __init__(
        self,
        num_prototypes: int = 2048,
        student_temperature: float = 0.1,
        teacher_temperature: float = 0.04,
        center_momentum: float = 0.1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check.positive("'student_temperature'", student_temperature)
        check.positive("'teacher_temperature'", teacher_temperature)
        self.student_temperature = student_temperature
        self.teacher_temperature = teacher_temperature
        self.center_momentum = center_momentum
        self.register_buffer('center', torch.zeros(1, num_prototypes))

    def loss(self, student: Tensor, teacher: Tensor) -> dict[str, Tensor]:
        """Compute the loss with the center as it is.

        Args:
            student: Logits, shape (M, K).
            teacher: Logits of the matching patches, shape (M, K).

        Returns:
            ``loss_local``, in nats.

        Raises:
            UserError: If there is not one logit for each prototype.
        """
        check.equal(
            'logits per patch to number',
            student.shape[1],
            self.center.shape[1],
            "set 'num_prototypes' of local_head and local_neck to the same number",
        )
        return dict(
            loss_local=distillation_cross_entropy(
                student,
                teacher,
                self.center,
                self.student_temperature,
                self.teacher_temperature,
            )
        )

    @torch.no_grad()
    def update_center(self, teacher: Tensor) -> None:
        """Move the center towards the mean logits of all ranks.

        Args:
            teacher: Logits, shape (M, K); every rank brings the same M.
        """
        mean = teacher.to(self.center.dtype).mean(dim=0, keepdim=True)
        all_reduce(mean, 'mean')
        self.center.lerp_(mean, self.center_momentum)

    @torch.no_grad()
    def begin_pass(self, is_first: bool, is_last: bool) -> None:
        """Let each of the accumulated passes move the center from where it is now."""
        super().begin_pass(is_first, is_last)
        self.start = self.center.clone()

    @torch.no_grad()
    def end_pass(self) -> None:
        """Move the center by the mean of all passes after the last one."""
        self.held = (*self.held, self.center.clone())
        if not self.is_last_pass:
            self.center.copy_(self.start)
            return
        self.center.copy_(torch.stack(self.held).mean(dim=0))
        self.held = ()

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        # Checkpoints of earlier versions spell it so.
        if f'{prefix}centre' in state_dict:
            state_dict[f'{prefix}center'] = state_dict.pop(f'{prefix}centre')
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
