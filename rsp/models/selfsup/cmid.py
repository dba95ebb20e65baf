"""Pre-train by CMID: masked reconstruction, contrast and self-distillation."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.models.modules.queue import FeatureQueue
from rsp.models.selfsup.student_teacher import StudentTeacher, build
from rsp.ops import check, contrast, patches
from rsp.ops.masking import mask_fill, upsample_mask
from rsp.ops.pool import pool
from rsp.registry import MODELS

LOSSES = ('loss_spatial', 'loss_frequency', 'loss_global', 'loss_local')


@MODELS.register_module()
class CMID(StudentTeacher):
    """Reconstruct masked patches, and agree with a teacher that sees everything.

    The student sees two masked views of a scene, its slowly following teacher the
    same views whole. From the student's last map come the masked pixels (spatial and
    frequency loss), a vector that must find the teacher's vector of the other view
    among negatives (global loss), and prototypes of single patches that must match the
    teacher's at the same place (local loss). Total: the sum of the four, each the mean
    over both directions. Muhtar et al., "CMID: A Unified Self-Supervised Learning
    Framework for Remote Sensing Image Understanding", TGRS 2023,
    https://arxiv.org/abs/2304.09670.

    Deviations from the official code: crops are located in pixels (there all lie in
    the top left corner, see :mod:`rsp.ops.patches`); every queued key has unit norm and
    is stored once, also with several processes; the teacher follows after the
    optimizer's step, by ``rsp.TeacherHook``, instead of one iteration late.

    Args:
        backbone: Image encoder with a mask token, e.g. ``rsp.MaskedResNet``; its last
            output is used, a map (N, C, h, w). For images of other than 3 bands its
            stem takes ``in_channels``, and the decoder ``out_channels``.
        reconstruction: Decoder and losses, ``rsp.ReconstructionHead``.
        neck: Projector of pooled maps, C -> D; None leaves the global branch out.
        head: Contrastive head; without a ``queue`` one with a predictor, which compares
            as BYOL does (``LatentPredictHead``).
        queue: ``dim`` D and ``length`` L of the queue of negatives, as in MoCo.
        local_neck: Prototype logits of patches, ``rsp.PrototypeNeck``; None leaves the
            local branch out.
        local_head: ``rsp.SelfDistillationHead``.
        num_matches: Pairs of patches per image and direction; -1 takes every patch.
        teacher: ``momentum``, the share of new weights per step (0.004 means 0.996);
            ``rsp.ValueScheduleHook`` lowers it to 0.
        loss_weights: Factors by name of the loss; those left out are 1.
        fuse_views: Whether both views pass the backbone as one batch: fewer launches on
            a GPU, but batch norm then sees them mixed; as published it does not.
        kwargs: ``data_preprocessor``, the normalization, and ``init_cfg``.

    Batch:
        ``inputs``: two views, each (N, B, H, W), normalized, the weakly augmented one
        first. ``data_samples``: one DataSample with ``masks`` (N, 2, h', w'), 1 where
        masked, and ``positions`` (N, 2, h, w, 2), the centers of the patches of the
        backbone's map in pixels of the scene.
    """

    parts = ('backbone', 'neck', 'local_neck')
    keys_per_image = 2  # both views go into the queue

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
        fuse_views: bool = False,
        **kwargs: Any,
    ) -> None:
        for name, projector, loss in (
            ('', neck, head),
            ('local_', local_neck, local_head),
        ):
            if projector is not None and loss is None:
                raise UserError(
                    f"expected '{name}head' with '{name}neck', got none; set "
                    f'{name}neck=None to leave this branch out.'
                )
        super().__init__(backbone, neck, head if neck is not None else None, **kwargs)
        if not isinstance(getattr(self.backbone, 'mask_token', None), nn.Parameter):
            raise UserError(
                f'expected a backbone with a mask token, got '
                f'{type(self.backbone).__name__}; use '
                'rsp.MaskedResNet, rsp.MaskedSwinTransformer or '
                'rsp.MaskedVisionTransformer.'
            )
        self.reconstruction = build(reconstruction)
        self.queue = FeatureQueue(**queue) if neck is not None and queue else None
        self.local_neck = build(local_neck)
        self.local_head: Any = build(local_head) if local_neck is not None else None
        self.num_matches = num_matches
        self.loss_weights = dict.fromkeys(LOSSES, 1.0) | (loss_weights or {})
        for name in self.loss_weights:
            check.one_of("names in 'loss_weights'", name, LOSSES)
        self.fuse_views = fuse_views
        self.make_teacher(teacher, momentum=0.004, without=('backbone.mask_token',))

    def loss(
        self, inputs: list[Tensor], data_samples: DataSample, **kwargs: Any
    ) -> dict[str, Tensor]:
        """Compute the losses of one step; update the queue and the center.

        Returns:
            ``loss_spatial``, ``loss_frequency``, ``loss_global`` and ``loss_local``
            with their weights, which are summed; for display, with a queue,
            ``contrast_top1`` in per cent and the mean cosines
            ``positive_similarity``, ``negative_similarity``.
        """
        views, (masks, positions) = inputs, unpack(data_samples)
        masked = [mask_fill(v, mask) for v, mask in zip(views, masks, strict=True)]

        student = self.encode(self.backbone, masked, masks)  # two of (N, C, h, w)
        with torch.no_grad():
            teacher = self.encode(self.teacher.module['backbone'], views)
        # Read first: keys that the loop queues must not be negatives of this step.
        negatives = None if self.queue is None else self.queue.negatives()

        directions = []
        for seen, other in ((0, 1), (1, 0)):  # views of the student, of the teacher
            losses = self.reconstruction.loss(student[seen], views[seen], masks[seen])
            if self.neck is not None:
                losses |= self.contrast(student[seen], teacher[other], negatives)
            if self.local_neck is not None:
                losses |= self.distill(
                    student[seen], teacher[other], positions[seen], positions[other]
                )
            directions.append(losses)

        first, second = directions
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
        """Compute the last map of each view.

        Args:
            backbone: The student's or the teacher's.
            views: Two, each (N, B, H, W).
            masks: Two, each (N, h', w'), 1 where masked; the teacher has none.

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
        """Compute the global loss of one direction, then queue its keys.

        Args:
            student: Map of one view, shape (N, C, h, w).
            teacher: Map of the other view.
            negatives: Snapshot of the queue, shape (D, L); None without one.
        """
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

    def distill(
        self, student: Tensor, teacher: Tensor, source: Tensor, target: Tensor
    ) -> dict[str, Tensor]:
        """Compute the local loss of one direction, then move the center.

        Args:
            student: Map of one view, shape (N, C, h, w).
            teacher: Map of the other view.
            source: Centers of the student's patches, shape (N, h, w, 2), in pixels.
            target: Likewise the teacher's.

        Raises:
            UserError: If positions and map differ in their patches.
        """
        check.equal(
            'positions of all patches of the map,',
            tuple(source.shape[1:3]),
            tuple(student.shape[-2:]),
            "set 'stride' of rsp.MaskedTwoCrop to the backbone's",
        )
        indices, partners = patches.match(
            source.flatten(1, 2), target.flatten(1, 2), self.num_matches
        )
        logits = self.local_neck(patches.gather(student, indices))
        with torch.no_grad():
            targets = self.teacher.module['local_neck'](
                patches.gather(teacher, partners)
            )
        losses = self.local_head.loss(logits, targets)
        # DINO moves the center once per step; the official code once per direction.
        self.local_head.update_center(targets)
        return losses

    @torch.no_grad()
    def reconstruct(
        self, inputs: list[Tensor], data_samples: DataSample
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the first view whole, masked, and with its masked patches predicted.

        In evaluation mode, so that no statistics move and no other process is needed.

        Returns:
            Three of (N, B, H, W), normalized as the inputs are.
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

    def preflight(self, dataset: Any, batch_size: int) -> None:
        """Fail before the first step on data that cannot train this model.

        Args:
            dataset: Located views; not looked at.
            batch_size: Items of a step, of all processes together.

        Raises:
            UserError: If a step brings more keys than the queue holds.
        """
        if self.queue is not None:
            self.queue.check_fits(2 * batch_size)  # both views are keys


def unpack(data_samples: DataSample) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Return masks and positions of both views.

    Raises:
        UserError: If the samples carry none.
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
