"""Compute cross-entropies with soft targets: shares of classes, a teacher's logits."""

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.ops import check
from rsp.ops.precision import upcast

REDUCTIONS = ('mean', 'batchmean')


def soft_cross_entropy(
    logits: Tensor, fractions: Tensor, reduction: str = 'mean'
) -> Tensor:
    r"""Compute the cross-entropy with the proportions of the classes.

    .. math::
        -\sum_k y_k \log p_k,\qquad p = \operatorname{softmax}(z)
        \quad\text{(unnumbered)}

    in at least float32. GeoKR, https://arxiv.org/abs/2107.05276, calls it a KL
    divergence; the entropy of y, which no gradient reaches, is left out. An image
    without any of the classes (y = 0) adds nothing, and counts in the mean.

    Args:
        logits: z, shape (N, K).
        fractions: y, shape (N, K), not negative, each row of sum 1, or 0.
        reduction: See `reduce_classes`.

    Returns:
        Scalar, in nats.

    Raises:
        UserError: If the shapes differ.
    """
    check.equal(
        'class fractions, one for each logit, of shape',
        tuple(fractions.shape),
        tuple(logits.shape),
        "'classes' of the data set, 'num_classes' of the head and the last width of "
        'the classifier must agree',
    )
    # Exponentials in half precision overflow, and autocast would go back to it.
    with torch.autocast(logits.device.type, enabled=False):
        log_p = F.log_softmax(upcast(logits), dim=1)
        return reduce_classes(-upcast(fractions) * log_p, reduction)


def distillation_cross_entropy(
    student: Tensor,
    teacher: Tensor,
    center: Tensor,
    student_temperature: float,
    teacher_temperature: float,
) -> Tensor:
    r"""Compute the cross-entropy between a centered, sharpened teacher and its student.

    .. math::
        -\sum_k p^t_k \log p^s_k,\qquad p^s = \operatorname{softmax}(z^s / \tau_s),
        \qquad p^t = \operatorname{softmax}((z^t - c) / \tau_t)

    DINO, https://arxiv.org/abs/2104.14294, Sec. 3.1, in at least float32; teacher and
    center carry no gradient.

    Args:
        student: Logits, shape (M, K).
        teacher: Logits, shape (M, K).
        center: Shape (K,) or (1, K), subtracted from the teacher's logits.
        student_temperature: Divides the student's logits, > 0.
        teacher_temperature: Divides the teacher's, > 0; small is sharp.

    Returns:
        Scalar, mean over M, in nats.
    """
    with torch.autocast(student.device.type, enabled=False):
        shifted = upcast(teacher.detach()) - upcast(center.detach())
        p_teacher = F.softmax(shifted / teacher_temperature, dim=1)
        log_p_student = F.log_softmax(upcast(student) / student_temperature, dim=1)
        return -(p_teacher * log_p_student).sum(dim=1).mean()


def reverse_cross_entropy(
    student: Tensor, teacher: Tensor, reduction: str = 'mean'
) -> Tensor:
    r"""Compute the reverse cross-entropy :math:`H(p^s, p^t)`.

    .. math::
        -\sum_k p^s_k \log p^t_k \quad\text{(unnumbered)}

    The consistency of GeoKR, https://arxiv.org/abs/2107.05276, as its code has it:
    linear in :math:`p^s`, so that its minimum is not
    the teacher but a one-hot at the teacher's likeliest class, and its gradient does
    not vanish where both agree. In at least float32; the teacher carries no gradient.

    Args:
        student: Logits, shape (N, K).
        teacher: Logits, shape (N, K).
        reduction: See `reduce_classes`.

    Returns:
        Scalar, in nats.
    """
    with torch.autocast(student.device.type, enabled=False):
        p_student = F.softmax(upcast(student), dim=1)
        log_p_teacher = F.log_softmax(upcast(teacher.detach()), dim=1)
        # The official code calls this a KL divergence, without the student's entropy.
        return reduce_classes(-p_student * log_p_teacher, reduction)


def kl_divergence(student: Tensor, teacher: Tensor, reduction: str = 'mean') -> Tensor:
    r"""Compute the Kullback-Leibler divergence of the student from its teacher.

    .. math::
        KL(p^t \,\|\, p^s) = \sum_k p^t_k\,(\log p^t_k - \log p^s_k)

    Zero, with its gradient, where both agree. In at least float32; the teacher carries
    no gradient.

    Args:
        student: Logits, shape (N, K).
        teacher: Logits, shape (N, K).
        reduction: See `reduce_classes`.

    Returns:
        Scalar, in nats.
    """
    with torch.autocast(student.device.type, enabled=False):
        log_p_student = F.log_softmax(upcast(student), dim=1)
        log_p_teacher = F.log_softmax(upcast(teacher.detach()), dim=1)
        terms = log_p_teacher.exp() * (log_p_teacher - log_p_student)
        return reduce_classes(terms, reduction)


def reduce_classes(terms: Tensor, reduction: str) -> Tensor:
    """Reduce the terms of all images and classes to one number.

    Args:
        terms: Shape (N, K).
        reduction: ``'mean'`` over images and classes, GeoKR's; ``'batchmean'``, the
            mean over images of the sum over classes, K times that and what a
            divergence means elsewhere (the words are ``torch.nn.KLDivLoss``'s).

    Returns:
        Scalar.

    Raises:
        UserError: If it is neither.
    """
    check.one_of("'reduction'", reduction, REDUCTIONS)
    # GeoKR averages over classes, too: 1 / K of the usual loss.
    return terms.mean() if reduction == 'mean' else terms.sum(dim=1).mean()
