"""Decode the last feature map into pixels."""

from typing import Any

from mmengine.model import BaseModule
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from torch import Tensor, nn

from rsp.ops import check
from rsp.ops.masking import mean_color, upsample_mask
from rsp.registry import MODELS


@MODELS.register_module()
class ReconstructionHead(BaseModule):
    """Decode a map into an image and compare it with the one that was masked.

    CMID, https://arxiv.org/abs/2304.09670: a spatial loss on masked pixels and a
    frequency loss.

    Args:
        decoder: From the map (N, C, h, w) to an image (N, B, H, W): of three bands
            mmpretrain's ``SimMIMLinearDecoder``, of any ``rsp.LinearDecoder``.
        spatial: Loss of prediction, target and pixel mask.
        frequency: Likewise; None leaves it out.
        residual: Whether the decoder predicts the residual to the mean color that
            fills masked patches. As published it predicts the pixels themselves, and a
            run of minutes goes by until it can repeat the color that it sees.
        init_cfg: Weight initialization.
    """

    def __init__(
        self,
        decoder: dict | nn.Module,
        spatial: dict | None = None,
        frequency: dict | None = dict(type='rsp.FocalFrequencyLoss'),  # noqa: B006
        residual: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.decoder: Any = (
            MMPRETRAIN_MODELS.build(decoder) if isinstance(decoder, dict) else decoder
        )
        self.spatial = MMPRETRAIN_MODELS.build(spatial or dict(type='rsp.FocalL1Loss'))
        self.frequency = MMPRETRAIN_MODELS.build(frequency) if frequency else None
        self.residual = residual

    def forward(self, feats: Tensor) -> Tensor:
        """Decode maps (N, C, h, w) into shape (N, B, H, W)."""
        return self.decoder(feats)

    def reconstruct(self, feats: Tensor, image: Tensor) -> Tensor:
        """Reconstruct images (N, B, H, W) from maps.

        Args:
            feats: Map of the masked image, shape (N, C, h, w).
            image: The image, normalized, shape (N, B, H, W); of its pixels no more is
                used than the mean color, which the masked image shows.
        """
        pred = self(feats)
        check.equal(
            'reconstructions of as many bands as the images,',
            pred.shape[1],
            image.shape[1],
            "set 'out_channels' of the decoder, an rsp.LinearDecoder, to the bands of "
            'the images',
        )
        return pred + mean_color(image) if self.residual else pred

    def loss(self, feats: Tensor, target: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Compute both losses.

        Args:
            feats: Map of the masked image, shape (N, C, h, w).
            target: The image, normalized, shape (N, B, H, W).
            mask: Shape (N, h', w'), 1 where masked.

        Returns:
            ``loss_spatial`` and ``loss_frequency``.

        Raises:
            UserError: If the decoder gives images of another size or of other bands.
        """
        pred = self.reconstruct(feats, target)
        check.equal(
            'reconstructions of shape',
            tuple(pred.shape),
            tuple(target.shape),
            "the image size must be divisible by the backbone's stride, and "
            "'encoder_stride' of the decoder must be that stride",
        )
        pixels = upsample_mask(mask, target.shape[-2:])
        losses = dict(loss_spatial=self.spatial(pred, target, pixels))
        if self.frequency is not None:
            losses['loss_frequency'] = self.frequency(pred, target, pixels)
        return losses
