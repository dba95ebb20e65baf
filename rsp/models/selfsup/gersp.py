"""Pre-train by GeRSP: contrast of satellite scenes, supervision by photos."""

from typing import Any

import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.models.modules.batch_shuffle import shuffle, unshuffle
from rsp.models.modules.passes import Passes
from rsp.models.modules.queue import FeatureQueue
from rsp.models.modules.source_stem import (
    initialize_stem,
    let_stem_mix,
    make_stem,
    mixed_stem,
)
from rsp.models.selfsup.student_teacher import StudentTeacher, build
from rsp.ops import check, contrast
from rsp.ops.pool import pool
from rsp.registry import MODELS


@MODELS.register_module()
class GeRSP(Passes, StudentTeacher):
    r"""Contrast satellite scenes while staying supervised by everyday photos.

    Two views of each scene meet in momentum contrast (MoCo,
    https://arxiv.org/abs/1911.05722, Eq. 1 loss, Eq. 2 teacher); labeled photos
    pass through the same backbone and a linear classifier:

    .. math::
        L = L_{contrast} + \alpha\, L_{supervised} \quad\text{(unnumbered)}

    Huang et al., "Generic Knowledge Boosted Pre-training for Remote Sensing
    Images", TGRS 2024, doi:10.1109/TGRS.2024.3354031.

    Deviations from the official code: the teacher also shadows the projector (there
    it keeps its initial weights; ``frozen_key_projector=True`` reproduces that), and
    it starts as a copy of the student (there both are drawn independently).

    Args:
        backbone: Image encoder; maps, tokens or vectors are pooled to (N, C). For
            scenes of other than 3 bands its stem takes ``in_channels``.
        neck: Projector, C -> D.
        head: Contrastive head; its temperature divides the cosines (no unit).
        sup_head: Classifier of the photos, C -> K classes.
        queue: ``dim`` D and ``length`` L of the queue of negatives.
        teacher: ``momentum``, the share of new weights per step (0.001 means
            m = 0.999; the paper's text is reported to say 0.996, i.e. 0.004).
        alpha: Weight of the supervised loss.
        frozen_key_projector: Whether the teacher's projector never moves.
        source_stems: Bands of photos that are not those of the scenes, e.g.
            ``dict(natural=3)``: they get a first layer of their own, and share all that
            follows. The backbone's is that of the scenes, which is handed on.
        data_preprocessor: Normalization of both sources.
        init_cfg: Weight initialization.

    Batch:
        ``inputs['remote']``: two views, each (N, B, H, W), normalized.
        ``inputs['natural']``: photos (M, 3, H, W), normalized, with ``gt_label``
        (M,) in ``data_samples['natural']``.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        neck: dict | nn.Module,
        head: dict | nn.Module,
        sup_head: dict | nn.Module,
        queue: dict,
        teacher: dict | None = None,
        alpha: float = 1.0,
        frozen_key_projector: bool = False,
        source_stems: dict[str, int] | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            backbone,
            neck,
            head,
            data_preprocessor or dict(type='rsp.PairedDataPreprocessor'),
            init_cfg,
        )
        self.sup_head = build(sup_head)
        self.queue = FeatureQueue(**queue)
        self.alpha = alpha
        self.source_stems = nn.ModuleDict()
        for source, bands in (source_stems or {}).items():
            check.one_of("sources in 'source_stems' of rsp.GeRSP", source, ('natural',))
            self.source_stems[source] = make_stem(let_stem_mix(self.backbone), bands)
        self.make_teacher(teacher, frozen=('neck',) if frozen_key_projector else ())

    def loss(
        self,
        inputs: dict[str, Any],
        data_samples: dict[str, DataSample],
        **kwargs: Any,
    ) -> dict[str, Tensor]:
        """Compute the losses of one step; update the teacher and the queue.

        Returns:
            ``loss_contrast`` and ``loss_supervised`` (with its weight), which are
            summed; for display ``contrast_top1``, ``supervised_top1``,
            ``supervised_top5`` in per cent and the mean cosines
            ``positive_similarity``, ``negative_similarity``.
        """
        query_view, key_view = inputs['remote']
        photos = inputs['natural']

        # Both domains share one pass, so batch norm sees them mixed.
        feats = pool(self.encode_together(query_view, photos))
        scene_feats, photo_feats = feats.split([len(query_view), len(photos)])

        queries = contrast.l2_normalize(self.neck((scene_feats,))[-1])  # (N, D)
        with torch.no_grad():
            # Before the keys, by the student that the last step left: MoCo's order.
            if self.is_first_pass:  # of those that a step accumulates
                self.teacher.update_parameters(self.student)
            keys = self.encode_keys(key_view)  # (N, D)

        # Read before the push: keys of this step must not be its own negatives.
        negatives = self.queue.negatives()  # (D, L)
        positive, negative = contrast.similarities(queries, keys, negatives)
        self.queue.push(keys)

        supervised = self.sup_head.loss(photo_feats, data_samples['natural'].gt_label)
        supervised['loss_supervised'] = self.alpha * supervised['loss_supervised']
        return dict(
            loss_contrast=self.head.loss(positive, negative),
            **supervised,
            **contrast.summary(positive, negative),
        )

    def encode_together(self, scenes: Tensor, photos: Tensor) -> Any:
        """Encode scenes (N, B, H, W) and photos (M, 3, H, W) as one batch, N + M."""
        if not self.source_stems:
            check.equal(
                'photos of as many bands as the scenes,',
                photos.shape[1],
                scenes.shape[1],
                f'set model.source_stems=dict(natural={photos.shape[1]})',
            )
            return self.backbone(torch.cat([scenes, photos]))
        maps = self.source_stems['natural'](photos)
        with mixed_stem(self.backbone).followed_by(maps):
            return self.backbone(scenes)

    def init_weights(self) -> None:
        """Initialize; a photos' stem of their own answers as strongly as the other."""
        super().init_weights()
        for stem in self.source_stems.values():
            initialize_stem(stem, mixed_stem(self.backbone))

    @torch.no_grad()
    def take_rgb_stem(self, kernel: Tensor) -> None:
        """Start the photos' stem as the first layer of an RGB network, (C, 3, k, k)."""
        stem: Any = self.source_stems['natural']
        if stem.weight.shape == kernel.shape:
            stem.weight.copy_(kernel)
            if stem.bias is not None:
                stem.bias.copy_(mixed_stem(self.backbone).bias)

    @torch.no_grad()
    def encode_keys(self, key_view: Tensor) -> Tensor:
        """Encode views by the teacher, its batch norm shuffled over ranks.

        Args:
            key_view: Shape (N, B, H, W), normalized.

        Returns:
            Shape (N, D), rows of length 1.
        """
        teacher = self.teacher.module
        views, order = shuffle(key_view)
        feats = pool(teacher['backbone'](views))
        keys = contrast.l2_normalize(teacher['neck']((feats,))[-1])
        return unshuffle(keys, order)

    def preflight(self, dataset: Any, batch_size: int) -> None:
        """Fail before the first step on data that cannot train this model.

        Args:
            dataset: A ``rsp.PairedDataset``.
            batch_size: Items of a step, of all processes together.

        Raises:
            UserError: If sources are missing, a step brings more keys than the
                queue holds, or a label has no class.
        """
        missing = {'remote', 'natural'} - set(getattr(dataset, 'sources', {}))
        if missing:
            raise UserError(
                "GeRSP expects the sources 'remote' and 'natural', missing: "
                f'{sorted(missing)}; see train_dataloader.dataset.sources.'
            )
        self.queue.check_fits(batch_size * dataset.ratio['remote'])
        self.sup_head.check_labels(dataset.sources['natural'])
