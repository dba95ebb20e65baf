"""Pre-train by GeoKR: predict the land cover below an image, as a teacher does."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.models.selfsup.student_teacher import StudentTeacher, build
from rsp.ops.pool import pool
from rsp.registry import MODELS


@MODELS.register_module()
class GeoKR(StudentTeacher):
    r"""Predict the land cover of a scene, steadied by a slowly following teacher.

    The share of each class in the scene's window of a land-cover map is a soft label.
    It is noisy, for map and scene differ in date and resolution, so a teacher, which
    sees the same augmented image, gives a second one:

    .. math::
        L = L_{cover}(p^s, y) + w\,L_{consistency}(p^s, p^t)\quad\text{(unnumbered)}

    Li, Chen, Chen and Shi, "Geographical Knowledge-Driven Representation Learning for
    Remote Sensing Images", TGRS 2022, https://arxiv.org/abs/2107.05276; the losses are
    those of the official code, see ``rsp.LandCoverHead``. The teacher's backbone is
    what the method hands on.

    With ``consistency_weight=0`` of the head there is no teacher: the land cover alone
    teaches, at the cost of a supervised step, and the student is handed on.

    Deviation from the official code: the teacher starts as a copy of the student
    (there the classifiers start apart). As there, its batch norm sees batches of its
    own and keeps their statistics; ``rsp.TeacherHook`` moves its parameters, with the
    published ``milestones`` or after every step.

    Args:
        backbone: Image encoder; maps, tokens or vectors are pooled to (N, C). For
            images of other than 3 bands its stem takes ``in_channels``.
        classifier: C -> K logits, ``rsp.Projector``: two widths as published, three
            for a hidden layer.
        head: ``rsp.LandCoverHead``, the losses.
        teacher: ``momentum``, the share of new weights per update (0.05 is the
            published 0.95).
        data_preprocessor: Normalization; as published, pixels are divided by 255 and
            that is all.
        init_cfg: Weight initialization.

    Batch:
        ``inputs``: images (N, B, H, W), normalized. ``data_samples``: one DataSample
        with ``gt_score`` (N, K), or N with (K,) each: the share of every class, zeros
        where there is none of them.
    """

    parts = ('backbone', 'classifier')

    def __init__(
        self,
        backbone: dict | nn.Module,
        classifier: dict | nn.Module,
        head: dict | nn.Module,
        teacher: dict | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            backbone,
            head=head,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        self.classifier = build(classifier)
        if self.head.consistency_weight:
            self.make_teacher(teacher, momentum=0.05)
        else:
            # Not one that is never asked: its batch norm would see no batch, and its
            # backbone, which is handed on, would keep the statistics it began with.
            self.teacher = None

    def loss(
        self,
        inputs: Tensor,
        data_samples: DataSample | Sequence[DataSample],
        **kwargs: Any,
    ) -> dict[str, Tensor]:
        """Compute the losses of one step.

        Returns:
            ``loss_land_cover`` and, with a teacher, ``loss_consistency``, which are
            summed; for display ``land_cover_top1`` and ``unlabeled`` in per cent.
        """
        fractions = fractions_of(data_samples)  # (N, K)

        logits = classify(self.student, inputs)  # (N, K)
        if self.teacher is None:
            return self.head.loss(logits, None, fractions)

        # The same pixels, not a second view, and batch norm in training mode, too.
        with torch.no_grad():
            targets = classify(self.teacher.module, inputs)  # (N, K)

        return self.head.loss(logits, targets, fractions)

    def preflight(self, dataset: Any, batch_size: int) -> None:
        """Fail before the first step on data of other classes than the head's.

        Args:
            dataset: Images with class fractions.
            batch_size: Items of a step, of all processes together.

        Raises:
            UserError: If the data set names another number of classes.
        """
        metainfo = getattr(dataset, 'metainfo', None) or {}
        classes = metainfo.get('classes')
        if classes is not None and len(classes) != self.head.num_classes:
            raise UserError(
                f'expected {self.head.num_classes} land-cover classes '
                f'(model.head.num_classes), got {len(classes)} in train_dataloader.'
                f'dataset: {", ".join(map(str, classes))}; set both, and the last of '
                'model.classifier.widths, to the same number.'
            )


def classify(parts: Any, images: Tensor) -> Tensor:
    """Compute logits (N, K) of images (N, B, H, W) by named parts."""
    return parts['classifier']((pool(parts['backbone'](images)),))[-1]


def fractions_of(data_samples: DataSample | Sequence[DataSample]) -> Tensor:
    """Return the class fractions of a batch, shape (N, K).

    Raises:
        UserError: If the samples carry none.
    """
    together = isinstance(data_samples, DataSample)
    samples: Any = [data_samples] if together else data_samples
    if 'gt_score' not in samples[0]:
        raise UserError(
            "expected 'gt_score', the share of each land-cover class, with every "
            'image, got none; take rsp.LandCoverImages, or rsp.SceneDataset with '
            "'land_cover' or 'labels', and end the pipeline with PackInputs."
        )
    fractions = [sample.gt_score for sample in samples]
    return fractions[0] if together else torch.stack(fractions)
