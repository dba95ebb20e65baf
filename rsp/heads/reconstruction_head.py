"""From the last feature map back to pixels."""

from typing import Any

from mmengine.model import BaseModule
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from torch import Tensor, nn

from rsp.ops.masking import enlarge
from rsp.registry import MODELS


@MODELS.register_module()
class ReconstructionHead(BaseModule):
    """Decode a map into an image and compare it with the one that was hidden.

    CMID, https://arxiv.org/abs/2304.09670: a spatial loss on hidden pixels and a
    frequency loss.

    Args:
        decoder: From the map (N, C, h, w) to an image (N, 3, H, W).
        spatial: Loss of prediction, target and pixel mask.
        frequency: Likewise; None leaves it out.
        init_cfg: Weight initialisation.
    """

    def __init__(
        self,
        decoder: dict | nn.Module,
        spatial: dict | None = None,
        frequency: dict | None = dict(type='rsp.FocalFrequencyLoss'),  # noqa: B006
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.decoder: Any = (
            MMPRETRAIN_MODELS.build(decoder) if isinstance(decoder, dict) else decoder
        )
        self.spatial = MMPRETRAIN_MODELS.build(spatial or dict(type='rsp.FocalL1Loss'))
        self.frequency = MMPRETRAIN_MODELS.build(frequency) if frequency else None

    def forward(self, feats: Tensor) -> Tensor:
        """Images (N, 3, H, W) from maps (N, C, h, w)."""
        return self.decoder(feats)

    def loss(self, feats: Tensor, target: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Both losses.

        Args:
            feats: Map of the masked image, shape (N, C, h, w).
            target: The image, normalised, shape (N, 3, H, W).
            mask: Shape (N, h', w'), 1 where hidden.

        Returns:
            ``loss_spatial`` and ``loss_frequency``.

        Raises:
            ValueError: If the decoder gives images of another size.
        """
        pred = self(feats)
        if pred.shape != target.shape:
            raise ValueError(
                f'expected reconstructions of shape {tuple(target.shape)}, got '
                f'{tuple(pred.shape)} from a map of {tuple(feats.shape)}; the image '
                "size must be divisible by the backbone's stride, and "
                "'encoder_stride' of the decoder must be that stride."
            )
        pixels = enlarge(mask, target.shape[-2:])
        losses = dict(loss_spatial=self.spatial(pred, target, pixels))
        if self.frequency is not None:
            losses['loss_frequency'] = self.frequency(pred, target, pixels)
        return losses
