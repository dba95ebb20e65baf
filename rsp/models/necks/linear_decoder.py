"""Decode a map into an image of any number of bands."""

from mmpretrain.models.necks import SimMIMLinearDecoder
from torch import nn

from rsp.ops import check
from rsp.registry import MODELS


@MODELS.register_module()
class LinearDecoder(SimMIMLinearDecoder):
    """Decode each cell of a map into its block of pixels, by one linear layer.

    SimMIM's decoder, https://arxiv.org/abs/2111.09886, whose images have three bands.

    Args:
        in_channels: C of the map (N, C, h, w).
        encoder_stride: Pixels per cell, s: images are (N, B, h * s, w * s).
        out_channels: Bands of the images, B.
    """

    def __init__(
        self, in_channels: int, encoder_stride: int, out_channels: int = 3
    ) -> None:
        check.at_least("'out_channels' of rsp.LinearDecoder", out_channels, 1)
        super().__init__(in_channels, encoder_stride)
        if out_channels != 3:
            self.decoder[0] = nn.Conv2d(
                in_channels, encoder_stride**2 * out_channels, kernel_size=1
            )
