"""Project pooled features into the space of the contrast."""

from collections.abc import Sequence
from itertools import pairwise

from mmengine.model import BaseModule
from torch import Tensor, nn

from rsp.ops import check
from rsp.registry import MODELS


@MODELS.register_module()
class Projector(BaseModule):
    """Project by linear layers with ReLU between them, none after the last.

    With two layers this is the MLP of MoCo v2, https://arxiv.org/abs/2003.04297.
    It takes pooled vectors, so it serves any backbone (mmpretrain's MoCoV2Neck
    has two layers and pools maps itself). Layers keep PyTorch's own
    initialization, as published, unless ``init_cfg`` says otherwise.

    Args:
        widths: Feature sizes from input to output, e.g. (2048, 2048, 128); two
            numbers make one linear layer.
        init_cfg: Weight initialization.
    """

    def __init__(
        self, widths: Sequence[int], init_cfg: dict | list[dict] | None = None
    ) -> None:
        super().__init__(init_cfg)
        check.at_least("number of the projector's 'widths'", len(widths), 2)
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise(widths):
            layers += [nn.Linear(width_in, width_out), nn.ReLU(inplace=True)]
        self.mlp = nn.Sequential(*layers[:-1])

    def forward(self, feats: tuple[Tensor]) -> tuple[Tensor]:
        """Project the last of the given features.

        Args:
            feats: Pooled features, the last of shape (N, widths[0]).

        Returns:
            One tensor of shape (N, widths[-1]), not normalized.

        Raises:
            UserError: If the features are not of size widths[0].
        """
        size = feats[-1].shape[1]
        check.equal(
            'pooled features of size',
            size,
            self.mlp[0].in_features,
            f"set the first of the projector's 'widths' to {size}",
        )
        return (self.mlp(feats[-1]),)
