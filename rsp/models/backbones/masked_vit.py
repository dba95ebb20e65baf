"""Tell a plain vision transformer which patches are masked."""

from typing import Any

import torch
from mmpretrain.models import VisionTransformer
from mmpretrain.models.utils import resize_pos_embed
from torch import Tensor, nn

from rsp.ops.masking import add_token_to_patches
from rsp.registry import MODELS


@MODELS.register_module()
class MaskedVisionTransformer(VisionTransformer):
    """Encode images by a ViT that is told which of their patches are masked.

    CMID's authors call their method agnostic of the architecture and publish it for
    ResNet and Swin; this carries it over to plain ViT: the token is added to the patch
    embeddings of masked patches, and the output is the map of patches.

    Args:
        kwargs: Those of mmpretrain's VisionTransformer; ``out_type`` is ``'featmap'``
            unless given.

    Shape of state: ``mask_token`` (1, 1, C), zeros at the start.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{'out_type': 'featmap', **kwargs})
        self.mask_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """Compute the outputs of the configured layers.

        Args:
            x: Images, shape (N, 3, H, W).
            mask: Shape (N, h, w), 1 where masked; None if nothing is.
        """
        if mask is None:
            return super().forward(x)
        # mmpretrain's own forward with a token added before the positions.
        x, hw_shape = self.patch_embed(x)
        x = add_token_to_patches(x, self.mask_token, mask, hw_shape)
        if self.cls_token is not None:
            x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1)
        x = x + resize_pos_embed(
            self.pos_embed,
            self.patch_resolution,
            hw_shape,
            mode=self.interpolate_mode,
            num_extra_tokens=self.num_extra_tokens,
        )
        x = self.pre_norm(self.drop_after_pos(x))

        outs = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i == len(self.layers) - 1 and self.final_norm:
                x = self.ln1(x)
            if i in self.out_indices:
                outs.append(self._format_output(x, hw_shape))
        return tuple(outs)
