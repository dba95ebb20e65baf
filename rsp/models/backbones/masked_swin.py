"""Tell a Swin transformer which patches are masked."""

from typing import Any

from mmpretrain.models.selfsup import SimMIMSwinTransformer
from torch import Tensor, nn

from rsp.ops.masking import add_token_to_patches
from rsp.registry import MODELS


@MODELS.register_module()
class MaskedSwinTransformer(SimMIMSwinTransformer):
    """Encode images by a Swin that is told which of their patches are masked.

    Like mmpretrain's for SimMIM, which *replaces* the embeddings of masked patches;
    CMID (https://arxiv.org/abs/2304.09670) adds the token to them. It starts at zero.
    Linear layers start truncated normal, std 0.02; the official code leaves PyTorch's
    defaults because its initialization is never called.

    Args:
        pytorch_init: Whether linear layers keep PyTorch's defaults, whose deviation
            grows as layers narrow: 0.07 of 64 channels, where 0.02 nearly mutes the
            blocks.
        kwargs: Those of mmpretrain's SimMIMSwinTransformer.

    Shape of state: ``mask_token`` (1, 1, C), C embedding size.
    """

    def __init__(self, pytorch_init: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pytorch_init = pytorch_init

    def init_weights(self) -> None:
        """Initialize as SimMIM does, but the token to zero."""
        super().init_weights()
        if not is_pretrained(self.init_cfg):
            nn.init.zeros_(self.mask_token)

    def _init_weights(self, m: nn.Module) -> None:
        if not (self.pytorch_init and isinstance(m, nn.Linear)):
            super()._init_weights(m)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """Compute the maps of the configured stages.

        Args:
            x: Images, shape (N, 3, H, W).
            mask: Shape (N, h, w), 1 where masked; None if nothing is.
        """
        if mask is None:
            return super().forward(x, None)
        # mmpretrain's own forward, but that it replaces where this adds.
        x, hw_shape = self.patch_embed(x)
        x = add_token_to_patches(x, self.mask_token, mask, hw_shape)
        if self.use_abs_pos_embed:
            x = x + self.absolute_pos_embed
        x = self.drop_after_pos(x)

        outs = []
        for i, stage in enumerate(self.stages):
            x, hw_shape = stage(x, hw_shape, do_downsample=False)
            if i in self.out_indices:
                out = getattr(self, f'norm{i}')(x)
                out = out.view(-1, *hw_shape, self.num_features[i])
                outs.append(out.permute(0, 3, 1, 2).contiguous())
            if stage.downsample is not None:
                x, hw_shape = stage.downsample(x, hw_shape)
        return tuple(outs)


def is_pretrained(init_cfg: dict | list[dict] | None) -> bool:
    """Tell if weights come from a file and must not be drawn."""
    return isinstance(init_cfg, dict) and init_cfg.get('type') == 'Pretrained'
