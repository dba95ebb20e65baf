"""From class scores of student and teacher to the losses of land cover."""

import torch
from mmengine.model import BaseModule
from torch import Tensor

from rsp.errors import UserError
from rsp.ops import distillation, soft_labels
from rsp.registry import MODELS

CONSISTENCIES = dict(
    cross_entropy=distillation.student_expectation,
    kl=distillation.divergence_from_teacher,
)


@MODELS.register_module()
class LandCoverHead(BaseModule):
    """Predict the land cover below an image, and what the teacher predicts.

    GeoKR, https://arxiv.org/abs/2107.05276: two losses of equal weight.

    Args:
        num_classes: K.
        consistency: ``'cross_entropy'``, as published
            (:func:`rsp.ops.distillation.student_expectation`), or ``'kl'``, the true
            divergence (:func:`rsp.ops.distillation.divergence_from_teacher`).
        reduction: Of both losses: ``'mean'`` over images and classes, as published,
            or ``'batchmean'``, sums over classes averaged over images.
        init_cfg: Weight initialisation.
    """

    def __init__(
        self,
        num_classes: int,
        consistency: str = 'cross_entropy',
        reduction: str = 'mean',
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if consistency not in CONSISTENCIES:
            raise UserError(
                f"expected 'consistency' of rsp.LandCoverHead to be one of "
                f'{sorted(CONSISTENCIES)}, got {consistency!r}.'
            )
        if reduction not in soft_labels.REDUCTIONS:
            raise UserError(
                f"expected 'reduction' of rsp.LandCoverHead to be one of "
                f'{soft_labels.REDUCTIONS}, got {reduction!r}.'
            )
        self.num_classes = num_classes
        self.consistency, self.reduction = consistency, reduction

    def loss(
        self, student: Tensor, teacher: Tensor, fractions: Tensor
    ) -> dict[str, Tensor]:
        """Both losses, and what tells of the labels.

        Args:
            student: Scores, shape (N, K).
            teacher: Scores of the same images, shape (N, K).
            fractions: Share of each class, shape (N, K); a row of zeros where none of
                the classes was found.

        Returns:
            ``loss_land_cover`` and ``loss_consistency``, in nats. For display
            ``land_cover_top1``, per cent of the labelled images whose largest class
            the student finds, and ``unlabelled``, per cent of the images without any
            of the classes: those have no land-cover loss.
        """
        compare = CONSISTENCIES[self.consistency]
        losses = dict(
            loss_land_cover=soft_labels.soft_cross_entropy(
                student, fractions, self.reduction
            ),
            loss_consistency=compare(student, teacher, self.reduction),
        )
        labelled = fractions.sum(dim=1) > 0
        hits = student.detach().argmax(1) == fractions.argmax(1)
        share = 100 * (hits & labelled).sum() / labelled.sum().clamp(min=1)
        unlabelled = 100 * (~labelled).to(torch.float32).mean()
        return losses | dict(land_cover_top1=share, unlabelled=unlabelled)
