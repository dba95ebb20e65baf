"""Learning from one's own slower copy, over prototypes."""

import torch
from mmengine.dist import all_reduce
from mmengine.model import BaseModule
from torch import Tensor

from rsp.errors import UserError
from rsp.ops.distillation import sharpened_cross_entropy
from rsp.registry import MODELS


@MODELS.register_module()
class SelfDistillationHead(BaseModule):
    r"""Cross-entropy with a centred, sharpened teacher.

    .. math::
        c \leftarrow (1 - \mu)\, c + \mu\,\overline{z^t}

    after every call, the mean over all cells of all ranks. DINO,
    https://arxiv.org/abs/2104.14294, Eq. 4, which updates once per step; CMID's
    official code calls twice and so updates twice, in the order of the calls.

    Args:
        num_prototypes: K.
        student_temperature: Divides the student's scores.
        teacher_temperature: Divides the teacher's. A plain attribute: a hook may
            change it between steps.
        centre_momentum: mu, share of the new mean (0.1 is the papers' 0.9).
        init_cfg: Weight initialisation.

    Shape of state: ``centre`` (1, K), zeros at the start.
    """

    centre: Tensor

    def __init__(
        self,
        num_prototypes: int = 2048,
        student_temperature: float = 0.1,
        teacher_temperature: float = 0.04,
        centre_momentum: float = 0.1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if min(student_temperature, teacher_temperature) <= 0:
            raise UserError(
                'expected temperatures above 0, got '
                f'student_temperature={student_temperature}, '
                f'teacher_temperature={teacher_temperature}.'
            )
        self.student_temperature = student_temperature
        self.teacher_temperature = teacher_temperature
        self.centre_momentum = centre_momentum
        self.register_buffer('centre', torch.zeros(1, num_prototypes))

    def loss(self, student: Tensor, teacher: Tensor) -> dict[str, Tensor]:
        """Loss with the centre as it is, which then moves on.

        Args:
            student: Scores, shape (M, K).
            teacher: Scores of the matching cells, shape (M, K).

        Returns:
            ``loss_local``, in nats.

        Raises:
            ValueError: If there is not one score for each prototype.
        """
        if student.shape[1] != self.centre.shape[1]:
            raise UserError(
                f'expected {self.centre.shape[1]} scores per cell, got '
                f"{student.shape[1]}; set 'num_prototypes' of local_head and "
                'local_neck to the same number.'
            )
        # The update is in place, and the loss keeps no graph to the centre.
        loss = sharpened_cross_entropy(
            student,
            teacher,
            self.centre,
            self.student_temperature,
            self.teacher_temperature,
        )
        self.update_centre(teacher)
        return dict(loss_local=loss)

    @torch.no_grad()
    def update_centre(self, teacher: Tensor) -> None:
        """Move the centre towards the mean score of all ranks.

        Args:
            teacher: Scores, shape (M, K); every rank brings the same M.
        """
        mean = teacher.to(self.centre.dtype).mean(dim=0, keepdim=True)
        all_reduce(mean, 'mean')
        self.centre.lerp_(mean, self.centre_momentum)
