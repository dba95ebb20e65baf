"""A student that predicts its teacher."""

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.ops.soft_labels import at_least_float32, reduce_classes


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
    full = at_least_float32(student)
    with torch.autocast(student.device.type, enabled=False):
        shifted = teacher.detach().to(full) - centre.detach().to(full)
        goal = F.softmax(shifted / teacher_temperature, dim=1)
        log_prediction = F.log_softmax(student.to(full) / student_temperature, dim=1)
        return -(goal * log_prediction).sum(dim=1).mean()


def student_expectation(
    student: Tensor, teacher: Tensor, reduction: str = 'mean'
) -> Tensor:
    r"""What the teacher's surprise is at draws of the student.

    .. math::
        -\sum_k p^s_k \log p^t_k

    The consistency of GeoKR, https://arxiv.org/abs/2107.05276, as its code has it
    (there named a KL divergence): linear in :math:`p^s`, so that its minimum is not
    the teacher but a one-hot at the teacher's likeliest class, and its gradient does
    not vanish where both agree. In at least float32; the teacher carries no gradient.

    Args:
        student: Scores, shape (N, K).
        teacher: Scores, shape (N, K).
        reduction: See `rsp.ops.soft_labels.reduce_classes`.

    Returns:
        Scalar, in nats.
    """
    full = at_least_float32(student)
    with torch.autocast(student.device.type, enabled=False):
        prediction = F.softmax(student.to(full), dim=1)
        log_goal = F.log_softmax(teacher.detach().to(full), dim=1)
        return reduce_classes(-prediction * log_goal, reduction)


def divergence_from_teacher(
    student: Tensor, teacher: Tensor, reduction: str = 'mean'
) -> Tensor:
    r"""Kullback-Leibler divergence of the student from its teacher.

    .. math::
        KL(p^t \,\|\, p^s) = \sum_k p^t_k\,(\log p^t_k - \log p^s_k)

    Zero, with its gradient, where both agree. In at least float32; the teacher carries
    no gradient.

    Args:
        student: Scores, shape (N, K).
        teacher: Scores, shape (N, K).
        reduction: See `rsp.ops.soft_labels.reduce_classes`.

    Returns:
        Scalar, in nats.
    """
    full = at_least_float32(student)
    with torch.autocast(student.device.type, enabled=False):
        log_prediction = F.log_softmax(student.to(full), dim=1)
        log_goal = F.log_softmax(teacher.detach().to(full), dim=1)
        terms = log_goal.exp() * (log_goal - log_prediction)
        return reduce_classes(terms, reduction)
