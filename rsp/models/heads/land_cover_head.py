"""Compare class logits of a student with land cover and with its teacher."""

import torch
from mmengine.model import BaseModule
from torch import Tensor

from rsp.ops import check
from rsp.ops.cross_entropy import (
    REDUCTIONS,
    kl_divergence,
    reverse_cross_entropy,
    soft_cross_entropy,
)
from rsp.registry import MODELS

CONSISTENCIES = dict(cross_entropy=reverse_cross_entropy, kl=kl_divergence)


@MODELS.register_module()
class LandCoverHead(BaseModule):
    """Compute the losses of land cover and of consistency with the teacher.

    GeoKR, https://arxiv.org/abs/2107.05276: two losses, of equal weight as published.

    Args:
        num_classes: K.
        consistency: ``'cross_entropy'``, as published
            (:func:`rsp.ops.cross_entropy.reverse_cross_entropy`), or ``'kl'``, the true
            divergence (:func:`rsp.ops.cross_entropy.kl_divergence`).
        reduction: Of both losses: ``'mean'`` over images and classes, as published,
            or ``'batchmean'``, sums over classes averaged over images.
        consistency_weight: Factor of the loss of consistency, 0 or more. 0 leaves it
            out, and ``rsp.GeoKR`` then has no teacher.
        init_cfg: Weight initialization.
    """

    def __init__(
        self,
        num_classes: int,
        consistency: str = 'cross_entropy',
        reduction: str = 'mean',
        consistency_weight: float = 1.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check.one_of("'consistency' of rsp.LandCoverHead", consistency, CONSISTENCIES)
        check.one_of("'reduction' of rsp.LandCoverHead", reduction, REDUCTIONS)
        check.at_least(
            "'consistency_weight' of rsp.LandCoverHead", consistency_weight, 0
        )
        self.num_classes = num_classes
        self.consistency, self.reduction = consistency, reduction
        self.consistency_weight = consistency_weight

    def loss(
        self, student: Tensor, teacher: Tensor | None, fractions: Tensor
    ) -> dict[str, Tensor]:
        """Compute both losses, and metrics of the labels.

        Args:
            student: Logits, shape (N, K).
            teacher: Logits of the same images, shape (N, K); None without a loss of
                consistency.
            fractions: Share of each class, shape (N, K); a row of zeros where none of
                the classes was found.

        Returns:
            ``loss_land_cover`` and, weighted, ``loss_consistency``, in nats. For
            display ``land_cover_top1``, per cent of the labeled images whose largest
            class the student finds, and ``unlabeled``, per cent of the images without
            any of the classes: those have no land-cover loss.
        """
        cover = soft_cross_entropy(student, fractions, self.reduction)
        losses = dict(loss_land_cover=cover)
        if teacher is not None:
            # Of the full weight from the first step on, as in the official code.
            compare = CONSISTENCIES[self.consistency]
            consistency = compare(student, teacher, self.reduction)
            losses['loss_consistency'] = self.consistency_weight * consistency
        labeled = fractions.sum(dim=1) > 0
        hits = student.detach().argmax(1) == fractions.argmax(1)
        share = 100 * (hits & labeled).sum() / labeled.sum().clamp(min=1)
        unlabeled = 100 * (~labeled).to(torch.float32).mean()
        return losses | dict(land_cover_top1=share, unlabeled=unlabeled)
