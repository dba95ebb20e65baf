"""Tell a ResNet which patches are masked."""

from typing import Any

import torch
from mmpretrain.models import ResNet
from torch import Tensor, nn

from rsp.ops.masking import add_token
from rsp.registry import MODELS


@MODELS.register_module()
class MaskedResNet(ResNet):
    """Encode images by a ResNet that is told which of their patches are masked.

    A learned vector is added where a patch is masked, after stem and pooling and before
    the first stage (A2MIM, https://arxiv.org/abs/2205.13943; CMID,
    https://arxiv.org/abs/2304.09670). Without a mask it is mmpretrain's ResNet, whose
    names it keeps.

    Args:
        kwargs: Those of mmpretrain's ResNet.

    Shape of state: ``mask_token`` (1, C, 1, 1), zeros at the start; C channels of the
    stem.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        channels = getattr(self, self.res_layers[0])[0].in_channels
        self.mask_token = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """Compute the maps of the configured stages.

        Args:
            x: Images, shape (N, 3, H, W).
            mask: Shape (N, h, w), 1 where masked; None if nothing is.
        """
        if mask is None:
            return super().forward(x)
        x = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
        # At stride 4, before the first stage, as published.
        x = add_token(self.maxpool(x), self.mask_token, mask)
        outs = []
        for i, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)
