"""Compare patches with learned prototypes."""

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from rsp.ops import check
from rsp.ops.contrast import l2_normalize
from rsp.registry import MODELS


@MODELS.register_module()
class PrototypeNeck(BaseModule):
    """Compute the cosines of an MLP's output with K prototypes.

    DINO's head, https://arxiv.org/abs/2104.14294, App. C, on patches as CMID uses it.
    The prototypes are weight-normed with a gain of 1, here by scaling each row to
    length 1 in every pass: there is no gain to learn, freeze or store.

    Layers keep PyTorch's own initialization, as the official runs do.

    Args:
        in_channels: C.
        hidden_channels: Width of the two hidden layers.
        out_channels: D, size of a prototype.
        num_prototypes: K.
        norm_cfg: Batch norm after the hidden layers; None for none, as published for
            Swin.
        init_cfg: Weight initialization.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int = 2048,
        out_channels: int = 256,
        num_prototypes: int = 2048,
        norm_cfg: dict | None = dict(type='BN1d'),  # noqa: B006
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        layers: list[nn.Module] = []
        for width in (in_channels, hidden_channels):
            layers.append(nn.Linear(width, hidden_channels))
            if norm_cfg is not None:
                layers.append(build_norm_layer(norm_cfg, hidden_channels)[1])
            layers.append(nn.GELU())
        layers.append(nn.Linear(hidden_channels, out_channels))
        # The official truncated normal looks for linear layers among convolutions of
        # size 1 and finds none, so nothing but PyTorch's defaults was ever used.
        self.mlp = nn.Sequential(*layers)
        # A linear layer's default initialization, without the layer.
        self.prototypes = nn.Parameter(
            nn.Linear(out_channels, num_prototypes, bias=False).weight.detach()
        )

    def forward(self, patches: Tensor) -> Tensor:
        """Compute the cosine of every patch with every prototype.

        Args:
            patches: Shape (M, C).

        Returns:
            Shape (M, K), in [-1, 1], in at least float32.

        Raises:
            UserError: If the patches are not of size C.
        """
        size = patches.shape[1]
        check.equal(
            'features of size',
            size,
            self.mlp[0].in_features,
            f"set 'in_channels' of local_neck to {size}",
        )
        descriptors = l2_normalize(self.mlp(patches))
        # Divided by a temperature as small as 0.04, so nothing may be rounded here.
        with torch.autocast(patches.device.type, enabled=False):
            return F.linear(descriptors, l2_normalize(self.prototypes))
