"""Segment two dates by one backbone."""

from typing import Any

import torch
from mmseg.models import EncoderDecoder
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rsp.errors import UserError
from rsp.registry import MODELS
from rsp.tasks.change_detection.stages import freeze_unused_stages

Maps = tuple[Tensor, ...]


@MODELS.register_module()
class SiameseEncoderDecoder(EncoderDecoder):
    """Pass two dates through one backbone, and compare them in the head.

    Each date passes alone where batch norm takes statistics of the batch, as in the
    official code of BIT (https://arxiv.org/abs/2103.00208) and CMID: the dates, which
    differ in season and light, are normalized each by its own, and the running means
    see one after the other. Where that cannot matter (no batch norm, or in evaluation)
    they pass as one batch, which is faster.

    Stages of the backbone after the last one that the head reads (``in_index``) do not
    run, see `freeze_unused_stages`, unless a neck or an auxiliary head may read them.

    Args:
        kwargs: Those of mmseg's EncoderDecoder. Heads get the maps of the earlier and
            of the later date: ``(maps, maps)``.

    Batch:
        inputs: Both dates along the channels, shape (N, 6, H, W), or (N, 2 C, H, W) for
            a backbone of C bands.
        data_samples: ``gt_sem_seg`` of shape (1, H, W): 0 unchanged, 1 changed, 255
            ignored.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not self.with_neck and not self.with_auxiliary_head:
            read = self.decode_head.in_index
            freeze_unused_stages(
                self.backbone, [read] if isinstance(read, int) else read
            )

    def extract_feat(self, inputs: Tensor) -> tuple[Maps, Maps]:
        """Return the maps of the earlier and the later date.

        Args:
            inputs: Shape (N, 2 C, H, W).

        Raises:
            UserError: If these are not two images of the C bands that the backbone
                takes.
        """
        bands = self.bands
        if inputs.shape[1] != 2 * bands:
            raise UserError(
                f'expected two dates of {bands} channels each, stacked by '
                f'rsp.LoadChangePair, got {inputs.shape[1]} channels; choose its '
                "'bands', or set model.backbone.in_channels."
            )
        dates = inputs.chunk(2, dim=1)
        if self.mixes_batch:
            first, second = (self._encode(date) for date in dates)
            return first, second
        maps = self._encode(torch.cat(dates))
        first, second = zip(*(both.chunk(2) for both in maps), strict=True)
        return first, second

    @property
    def bands(self) -> int:
        """Number of bands that the first layer of the backbone takes."""
        modules = self.backbone.modules()
        return next(m.in_channels for m in modules if isinstance(m, nn.Conv2d))

    @property
    def mixes_batch(self) -> bool:
        """Tell whether an image's maps depend on the others of its batch."""
        parts = [self.backbone, *([self.neck] if self.with_neck else [])]
        return any(
            isinstance(module, _BatchNorm) and module.training
            for part in parts
            for module in part.modules()
        )

    def _encode(self, images: Tensor) -> Maps:
        maps = self.backbone(images)
        return tuple(self.neck(maps) if self.with_neck else maps)
