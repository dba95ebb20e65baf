"""CMID: masked reconstruction, global contrast and local self-distillation."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models import BaseSelfSupervisor
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.utils.data import DataLoader

from rsp.errors import UserError
from rsp.models.modules.queue import FeatureQueue
from rsp.models.modules.teacher import Teacher
from rsp.ops import contrast, patches
from rsp.ops.masking import mask_fill, upsample_mask
from rsp.ops.pool import pool
from rsp.registry import MODELS

WEIGHTS = dict.fromkeys(
    ('loss_spatial', 'loss_frequency', 'loss_global', 'loss_local'), 1.0
)


@MODELS.register_module()
class CMID(BaseSelfSupervisor):
    """Reconstruct what is hidden, and agree with a teacher that sees everything.

    The student sees two masked views of a scene, its slowly following teacher the
    same views whole. From the student's last map come the hidden pixels (spatial and
    frequency loss), a vector that must find the teacher's vector of the other view
    among negatives (global loss), and prototypes of single cells that must match the
    teacher's at the same place (local loss). Total: the sum of the four, each the mean
    over both directions. Muhtar et al., "CMID: A Unified Self-Supervised Learning
    Framework for Remote Sensing Image Understanding", TGRS 2023,
    https://arxiv.org/abs/2304.09670.

    Deviations from the official code: crops are located in pixels (there all lie in
    the top left corner, see :mod:`rsp.ops.patches`); every queued key has unit norm and
    is stored once, also with several processes; the teacher follows after the
    optimiser's step, by ``rsp.TeacherHook``, instead of one iteration late.

    With a ``queue`` the global branch is MoCo's; without, ``head`` compares
    predictions as BYOL does (``LatentPredictHead``).

    Args:
        backbone: Image encoder with a mask token, e.g. ``rsp.MaskedResNet``; its last
            output is used, a map (N, C, h, w).
        reconstruction: Decoder and losses, ``rsp.ReconstructionHead``.
        neck: Projector of pooled maps, C -> D.
        head: Contrastive head, or one with a predictor.
        queue: ``dim`` D and ``length`` L of the queue of negatives.
        local_neck: Prototype scores of cells, ``rsp.PrototypeNeck``.
        local_head: ``rsp.SelfDistillationHead``.
        num_matches: Pairs of cells per image and direction; -1 takes every cell.
        teacher: ``momentum``, the share of new weights per step (0.004 means 0.996);
            ``rsp.ValueScheduleHook`` lowers it to 0.
        loss_weights: Factors by name of the loss; those left out are 1.
        global_branch: Whether there is one.
        local_branch: Whether there is one.
        fuse_views: Whether both views pass the backbone as one batch: fewer launches on
            a GPU, but batch norm then sees them mixed; as published it does not.
        data_preprocessor: Normalisation.
        init_cfg: Weight initialisation.

    Batch:
        ``inputs``: two views, each (N, 3, H, W), normalised, the weakly augmented one
        first. ``data_samples``: one DataSample with ``masks`` (N, 2, h', w'), 1 where
        hidden, and ``positions`` (N, 2, h, w, 2), the centres of the cells of the
        backbone's map in pixels of the scene.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        reconstruction: dict | nn.Module,
        neck: dict | nn.Module | None = None,
        head: dict | nn.Module | None = None,
        queue: dict | None = None,
        local_neck: dict | nn.Module | None = None,
        local_head: dict | nn.Module | None = None,
        num_matches: int = 20,
        teacher: dict | None = None,
        loss_weights: dict[str, float] | None = None,
        global_branch: bool = True,
        local_branch: bool = True,
        fuse_views: bool = False,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if global_branch and (neck is None or head is None):
            raise UserError(
                "expected 'neck' and 'head' for the global branch; give both or set "
                'global_branch=False.'
            )
        if local_branch and (local_neck is None or local_head is None):
            raise UserError(
                "expected 'local_neck' and 'local_head' for the local branch; give "
                'both or set local_branch=False.'
            )
        super().__init__(
            backbone=backbone,
            neck=neck if global_branch else None,
            head=head if global_branch else None,
            data_preprocessor=data_preprocessor or dict(type='SelfSupDataPreprocessor'),
            init_cfg=init_cfg,
        )
        if not isinstance(getattr(self.backbone, 'mask_token', None), nn.Parameter):
            raise UserError(
                f'{type(self.backbone).__name__} has no place for a mask token; take '
                'rsp.MaskedResNet, rsp.MaskedSwinTransformer or '
                'rsp.MaskedVisionTransformer.'
            )
        self.reconstruction = _build(reconstruction)
        self.queue = FeatureQueue(**queue) if global_branch and queue else None
        self.local_neck = _build(local_neck) if local_branch else None
        self.local_head: Any = _build(local_head) if local_branch else None
        self.num_matches = num_matches
        self.loss_weights = _complete(loss_weights or {})
        self.fuse_views = fuse_views
        self.teacher = Teacher(
            self.student,
            without=('backbone.mask_token',),
            **{'momentum': 0.004, **(teacher or {})},
        )

    @property
    def student(self) -> nn.ModuleDict:
        """The parts that the teacher shadows, by name."""
        parts = dict(backbone=self.backbone, neck=self.neck, local_neck=self.local_neck)
        return nn.ModuleDict({n: part for n, part in parts.items() if part is not None})

    def init_weights(self) -> None:
        """Initialise, then let the teacher start where the student does."""
        super().init_weights()
        self.teacher.copy_from(self.student)

    def loss(
        self, inputs: list[Tensor], data_samples: DataSample, **kwargs: Any
    ) -> dict[str, Tensor]:
        """One training step.

        Returns:
            ``loss_spatial``, ``loss_frequency``, ``loss_global`` and ``loss_local``
            with their weights, which are summed; for display, with a queue,
            ``contrast_top1`` in per cent and the mean cosines
            ``positive_similarity``, ``negative_similarity``.
        """
        views, (masks, positions) = inputs, unpack(data_samples)
        masked = [
            mask_fill(view, mask) for view, mask in zip(views, masks, strict=True)
        ]

        student = self.encode(self.backbone, masked, masks)  # two of (N, C, h, w)
        with torch.no_grad():
            teacher = self.encode(self.teacher.module['backbone'], views)
        # Keys of this step are queued in the loop, but are nobody's negatives yet.
        negatives = None if self.queue is None else self.queue.negatives()

        first, second = (
            {
                **self.reconstruction.loss(student[here], views[here], masks[here]),
                **self.contrast(student[here], teacher[there], negatives),
                **self.distil(
                    student[here], teacher[there], positions[here], positions[there]
                ),
            }
            for here, there in ((0, 1), (1, 0))  # where student and teacher look
        )
        return {
            name: self.loss_weights.get(name, 1.0) * (first[name] + second[name]) / 2
            for name in first
        }

    def encode(
        self,
        backbone: nn.Module,
        views: Sequence[Tensor],
        masks: Sequence[Tensor] | None = None,
    ) -> Sequence[Tensor]:
        """Last map of each view.

        Args:
            backbone: The student's or the teacher's.
            views: Two, each (N, 3, H, W).
            masks: Two, each (N, h', w'), 1 where hidden; the teacher has none.

        Returns:
            Two maps (N, C, h, w).
        """
        if self.fuse_views:
            mask = torch.cat([*masks]) if masks else None
            return backbone(torch.cat([*views]), mask=mask)[-1].chunk(2)
        # Batch norm sees one view at a time, as published.
        return [
            backbone(view, mask=masks[i] if masks else None)[-1]
            for i, view in enumerate(views)
        ]

    def contrast(
        self, student: Tensor, teacher: Tensor, negatives: Any
    ) -> dict[str, Tensor]:
        """The global loss of one direction; the keys enter the queue.

        Args:
            student: Map of one view, shape (N, C, h, w).
            teacher: Map of the other view.
            negatives: Snapshot of the queue, shape (D, L); None without one.
        """
        if self.neck is None:
            return {}
        queries = self.neck((pool(student),))[-1]
        with torch.no_grad():
            keys = self.teacher.module['neck']((pool(teacher),))[-1]
        if self.queue is None:
            return dict(loss_global=self.head.loss(queries, keys))

        queries, keys = contrast.l2_normalize(queries), contrast.l2_normalize(keys)
        positive, negative = contrast.similarities(queries, keys, negatives)
        self.queue.push(keys)
        return dict(
            loss_global=self.head.loss(positive, negative),
            **contrast.summary(positive, negative),
        )

    def distil(
        self, student: Tensor, teacher: Tensor, here: Tensor, there: Tensor
    ) -> dict[str, Tensor]:
        """The local loss of one direction.

        Args:
            student: Map of one view, shape (N, C, h, w).
            teacher: Map of the other view.
            here: Where the student's cells lie, shape (N, h, w, 2), in pixels.
            there: Likewise the teacher's.

        Raises:
            ValueError: If positions and map differ in their cells.
        """
        if self.local_neck is None:
            return {}
        if here.shape[1:3] != student.shape[-2:]:
            raise UserError(
                'expected positions of the '
                f'{student.shape[-2]} x {student.shape[-1]} cells of the map, got '
                f"{here.shape[1]} x {here.shape[2]}; set 'stride' of rsp.MaskedTwoCrop "
                "to the backbone's."
            )
        mine, theirs = patches.match(
            here.flatten(1, 2), there.flatten(1, 2), self.num_matches
        )
        scores = self.local_neck(patches.gather(student, mine))
        with torch.no_grad():
            goals = self.teacher.module['local_neck'](patches.gather(teacher, theirs))
        losses = self.local_head.loss(scores, goals)
        self.local_head.update_center(goals)
        return losses

    @torch.no_grad()
    def reconstruct(
        self, inputs: list[Tensor], data_samples: DataSample
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The first view whole, masked, and with its hidden cells reconstructed.

        In evaluation mode, so that no statistics move and no other process is needed.

        Returns:
            Three of (N, 3, H, W), normalised as the inputs are.
        """
        was_training = self.training
        self.eval()
        try:
            view, mask = inputs[0], unpack(data_samples)[0][0]
            masked = mask_fill(view, mask)
            feats = self.backbone(masked, mask=mask)[-1]
            pred = self.reconstruction.reconstruct(feats, view)
        finally:
            self.train(was_training)
        hidden = upsample_mask(mask, view.shape[-2:])[:, None].bool()
        return view, masked, torch.where(hidden, pred.to(view.dtype), view)

    def preflight(self, dataloader: DataLoader, world_size: int) -> None:
        """Refuse, before the first step, data that cannot train this model.

        Args:
            dataloader: Batches of located views.
            world_size: Number of processes.

        Raises:
            ValueError: If a step brings more keys than the queue holds.
        """
        if self.queue is not None:
            views: int = 2 * (dataloader.batch_size or 1)
            self.queue.check_fits(views * world_size)


def unpack(data_samples: DataSample) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Masks and positions of both views.

    Raises:
        ValueError: If the samples carry none.
    """
    for name in ('masks', 'positions'):
        if name not in data_samples:
            raise UserError(
                f"expected '{name}' with the views, got none; let the pipeline hold "
                "rsp.MaskedTwoCrop and PackInputs(algorithm_keys=['masks', "
                "'positions']), and the loader collate_fn=dict("
                "type='rsp.stacked_collate')."
            )
    return data_samples.masks.unbind(1), data_samples.positions.unbind(1)


def _build(part: Any) -> Any:
    return MMPRETRAIN_MODELS.build(part) if isinstance(part, dict) else part


def _complete(weights: dict[str, float]) -> dict[str, float]:
    unknown = sorted(set(weights) - set(WEIGHTS))
    if unknown:
        raise UserError(
            f"expected 'loss_weights' for {', '.join(WEIGHTS)}, got {unknown}."
        )
    return WEIGHTS | weights
