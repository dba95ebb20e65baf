"""GeoKR: predict the land cover below an image, consistently with a teacher."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models import BaseSelfSupervisor
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.utils.data import DataLoader

from rsp.errors import UserError
from rsp.models.modules.teacher import Teacher
from rsp.ops.pool import pool
from rsp.registry import MODELS


@MODELS.register_module()
class GeoKR(BaseSelfSupervisor):
    r"""Learn what a land-cover map says of a scene, and be steadied by a teacher.

    The share of each class in the scene's window of the map is a soft label. It is
    noisy, for map and scene differ in date and resolution, so a slowly following
    teacher, which sees the same augmented image, gives a second one:

    .. math::
        L = L_{cover}(p^s, y) + L_{consistency}(p^s, p^t)\quad\text{(unnumbered)}

    Li, Chen, Chen and Shi, "Geographical Knowledge-Driven Representation Learning for
    Remote Sensing Images", TGRS 2022, https://arxiv.org/abs/2107.05276; the losses are
    those of the official code, see ``rsp.LandCoverHead``. The teacher's backbone is
    what the method hands on.

    Deviation from the official code: the teacher starts as a copy of the student
    (there the classifiers start apart). As there, its batch norm sees batches of its
    own and keeps their statistics; ``rsp.TeacherHook`` moves its parameters, with the
    published ``milestones`` or after every step.

    Args:
        backbone: Image encoder; maps, tokens or vectors are pooled to (N, C). For
            images of other than 3 bands its stem takes ``in_channels``.
        classifier: C -> K scores, ``rsp.Projector``: two widths as published, three
            for a hidden layer.
        head: ``rsp.LandCoverHead``, the losses.
        teacher: ``momentum``, the share of new weights per update (0.05 is the
            published 0.95).
        data_preprocessor: Normalisation; as published, pixels are divided by 255 and
            that is all.
        init_cfg: Weight initialisation.

    Batch:
        ``inputs``: images (N, B, H, W), normalised. ``data_samples``: one DataSample
        with ``gt_score`` (N, K), or N with (K,) each: the share of every class, zeros
        where there is none of them.
    """

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
            backbone=backbone,
            head=head,
            data_preprocessor=data_preprocessor or dict(type='SelfSupDataPreprocessor'),
            init_cfg=init_cfg,
        )
        self.classifier: Any = (
            MMPRETRAIN_MODELS.build(classifier)
            if isinstance(classifier, dict)
            else classifier
        )
        self.teacher = Teacher(self.student, **{'momentum': 0.05, **(teacher or {})})

    @property
    def student(self) -> nn.ModuleDict:
        """The parts that the teacher shadows, by name."""
        return nn.ModuleDict(dict(backbone=self.backbone, classifier=self.classifier))

    def init_weights(self) -> None:
        """Initialise, then let the teacher start where the student does."""
        super().init_weights()
        self.teacher.copy_from(self.student)

    def loss(
        self,
        inputs: Tensor,
        data_samples: DataSample | Sequence[DataSample],
        **kwargs: Any,
    ) -> dict[str, Tensor]:
        """One training step.

        Returns:
            ``loss_land_cover`` and ``loss_consistency``, which are summed; for display
            ``land_cover_top1`` and ``unlabeled`` in per cent.
        """
        fractions = fractions_of(data_samples)  # (N, K)

        scores = classify(self.student, inputs)  # (N, K)
        with torch.no_grad():
            goals = classify(self.teacher.module, inputs)  # (N, K)

        return self.head.loss(scores, goals, fractions)

    def preflight(self, dataloader: DataLoader, world_size: int) -> None:
        """Refuse, before the first step, data of other classes than the head's.

        Args:
            dataloader: Batches of images with class fractions.
            world_size: Number of processes.

        Raises:
            ValueError: If the data set names another number of classes.
        """
        metainfo = getattr(dataloader.dataset, 'metainfo', None) or {}
        classes = metainfo.get('classes')
        if classes is not None and len(classes) != self.head.num_classes:
            raise UserError(
                f'expected {self.head.num_classes} land-cover classes '
                f'(model.head.num_classes), got {len(classes)} in train_dataloader.'
                f'dataset: {", ".join(map(str, classes))}; set both, and the last of '
                'model.classifier.widths, to the same number.'
            )


def classify(parts: Any, images: Tensor) -> Tensor:
    """Class scores (N, K) of images (N, B, H, W), by a student's or teacher's parts."""
    return parts['classifier']((pool(parts['backbone'](images)),))[-1]


def fractions_of(data_samples: DataSample | Sequence[DataSample]) -> Tensor:
    """Class fractions of a batch, shape (N, K).

    Raises:
        ValueError: If the samples carry none.
    """
    together = isinstance(data_samples, DataSample)
    samples: Any = [data_samples] if together else data_samples
    if 'gt_score' not in samples[0]:
        raise UserError(
            "expected 'gt_score', the share of each land-cover class, with every "
            'image, got none; take rsp.LandCoverImages, or rsp.SceneDataset with '
            "'land_cover' or 'labels', and end the pipeline with PackInputs."
        )
    scores = [sample.gt_score for sample in samples]
    return scores[0] if together else torch.stack(scores)
