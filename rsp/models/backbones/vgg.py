"""Encode images of any number of bands by VGG."""

import warnings
from typing import Any

from mmpretrain.models import VGG as MMPretrainVGG
from torch import nn

from rsp.registry import MODELS


@MODELS.register_module()
class VGG(MMPretrainVGG):
    """Encode images by mmpretrain's VGG with a stem of any number of bands.

    As a backbone it ends with the last pooling, at a 32nd of the image's size, with
    512 channels.

    Args:
        depth: 11, 13, 16 or 19.
        in_channels: Bands of the images.
        settings: mmpretrain's, e.g. ``norm_cfg=dict(type='BN')`` for the variants with
            batch norm, ``out_indices``.
    """

    def __init__(self, depth: int, in_channels: int = 3, **settings: Any) -> None:
        with warnings.catch_warnings():
            # torchvision's convolutions have a bias before batch norm, too.
            warnings.filterwarnings('ignore', 'Unnecessary conv bias')
            super().__init__(depth, **settings)
        stem = self.features[0].conv
        if in_channels != stem.in_channels:
            self.features[0].conv = nn.Conv2d(
                in_channels,
                stem.out_channels,
                stem.kernel_size,
                padding=stem.padding,
                dilation=stem.dilation,
            )
