"""A student that predicts a sharpened teacher."""

import torch
from torch import Tensor
from torch.nn import functional as F


def sharpened_cross_entropy(
    student: Tensor,
    teacher: Tensor,
    centre: Tensor,
    student_temperature: float,
    teacher_temperature: float,
) -> Tensor:
    r"""Cross-entropy between a centred, sharpened teacher and its student.

    .. math::
        -\sum_k p^t_k \log p^s_k,\qquad p^s = \operatorname{softmax}(z^s / \tau_s),
        \qquad p^t = \operatorname{softmax}((z^t - c) / \tau_t)

    DINO, https://arxiv.org/abs/2104.14294, Sec. 3.1, in at least float32; teacher and
    centre carry no gradient.

    Args:
        student: Scores, shape (M, K).
        teacher: Scores, shape (M, K).
        centre: Shape (K,) or (1, K), subtracted from the teacher's.
        student_temperature: Divides the student's scores, > 0.
        teacher_temperature: Divides the teacher's, > 0; small is sharp.

    Returns:
        Scalar, mean over M, in nats.
    """
    full = torch.promote_types(student.dtype, torch.float32)
    with torch.autocast(student.device.type, enabled=False):
        shifted = teacher.detach().to(full) - centre.detach().to(full)
        goal = F.softmax(shifted / teacher_temperature, dim=1)
        log_prediction = F.log_softmax(student.to(full) / student_temperature, dim=1)
        return -(goal * log_prediction).sum(dim=1).mean()
