"""Decode differences of maps: the simple baseline."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.registry import MODELS
from rsp.tasks.change_detection.bit_head import CROSS_ENTROPY


@MODELS.register_module()
class DifferenceUNetHead(BaseDecodeHead):
    """Join absolute differences of both dates' maps from coarse to fine.

    The decoder of FC-Siam-diff (Daudt, Le Saux and Boulch, ICIP 2018,
    https://arxiv.org/abs/1810.08462) on the stages of a pre-trained backbone: what
    comes from below is enlarged, joined with the difference of the finer stage, and
    passes two 3x3 convolutions. Departures: the coarsest input is a difference too,
    where the authors pass on the later date's map, so that the order of the dates does
    not matter; plain convolutions and bilinear enlargement in the place of transposed
    convolutions.

    Args:
        in_channels: Channels of the maps, from fine to coarse.
        widths: Channels of the decoder at each of them.
        in_index: Which maps of the backbone, from fine to coarse.
        kwargs: Those of mmseg's BaseDecodeHead.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        widths: Sequence[int] = (32, 64, 128, 256),
        in_index: Sequence[int] = (0, 1, 2, 3),
        num_classes: int = 2,
        norm_cfg: dict = dict(type='BN'),  # noqa: B006  read only
        dropout_ratio: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if not len(in_channels) == len(widths) == len(in_index):
            raise UserError(
                f'expected as many in_channels as widths and in_index, got '
                f'{len(in_channels)}, {len(widths)} and {len(in_index)}.'
            )
        super().__init__(
            in_channels,
            widths[0],
            num_classes=num_classes,
            out_channels=num_classes,
            in_index=in_index,
            input_transform='multiple_select',
            norm_cfg=norm_cfg,
            dropout_ratio=dropout_ratio,
            **dict(loss_decode=CROSS_ENTROPY) | kwargs,
        )
        below = [*widths[1:], 0]
        self.joins = nn.ModuleList(
            nn.Sequential(
                ConvModule(ins + lower, width, 3, padding=1, norm_cfg=norm_cfg),
                ConvModule(width, width, 3, padding=1, norm_cfg=norm_cfg),
            )
            for ins, lower, width in zip(in_channels, below, widths, strict=True)
        )

    def forward(self, feats: tuple[tuple[Tensor, ...], tuple[Tensor, ...]]) -> Tensor:
        """Return logits at the size of the finest map: (N, 2, h, w).

        Args:
            feats: Maps of the earlier and of the later date.
        """
        pairs = zip(*map(self._transform_inputs, feats), strict=True)
        differences = [torch.abs(first - second) for first, second in pairs]
        joined = self.joins[-1](differences[-1])
        finer = zip(self.joins[-2::-1], differences[-2::-1], strict=True)
        for join, difference in finer:
            enlarged = resize(
                joined,
                size=difference.shape[2:],
                mode='bilinear',
                align_corners=self.align_corners,
            )
            joined = join(torch.cat([enlarged, difference], dim=1))
        return self.cls_seg(joined)
