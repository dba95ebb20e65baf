"""Let sources of other bands share a backbone, each behind a stem of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.ops import check


class MixedStem(nn.Conv2d):
    """First layer of a backbone that appends maps of other stems to its own.

    All that follows in the backbone, batch norm to begin with, sees one batch. Without
    maps to append it is the convolution that it was.
    """

    _others: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        """Convolve images (N, B, H, W) to maps (N, C, h, w), or (N + M, C, h, w)."""
        maps = super().forward(images)
        return maps if self._others is None else torch.cat([maps, self._others])

    @contextmanager
    def followed_by(self, maps: Tensor) -> Iterator[None]:
        """Append the maps of another stem, (M, C, h, w), to those within the block."""
        self._others = maps
        try:
            yield
        finally:
            self._others = None


def mixed_stem(backbone: nn.Module) -> MixedStem:
    """Return the first layer of a backbone that `let_stem_mix` was called for."""
    return next(m for m in backbone.modules() if isinstance(m, MixedStem))


def let_stem_mix(backbone: nn.Module) -> MixedStem:
    """Turn the first convolution of a backbone into a `MixedStem`, in place.

    Its tensors and their names stay.

    Raises:
        UserError: If the batch does not pass through a convolution first.
    """
    stem = next((m for m in backbone.modules() if isinstance(m, nn.Conv2d)), None)
    # A class token is repeated as often as there were images before the stem.
    tokens = any('cls_token' in name for name, _ in backbone.named_parameters())
    if type(stem) is not nn.Conv2d or tokens:
        raise UserError(
            "expected a backbone that begins with a convolution for 'source_stems', "
            f'without a class token, got {type(backbone).__name__}; use ResNet, '
            'rsp.VGG or SwinTransformer.'
        )
    stem.__class__ = MixedStem
    return mixed_stem(backbone)


def make_stem(like: nn.Conv2d, in_channels: int) -> nn.Conv2d:
    """Make a stem like another one, for images of other bands."""
    check.at_least("bands in 'source_stems'", in_channels, 1)
    return nn.Conv2d(
        in_channels,
        like.out_channels,
        like.kernel_size,  # type: ignore[arg-type]
        like.stride,  # type: ignore[arg-type]
        like.padding,  # type: ignore[arg-type]
        bias=like.bias is not None,
    )


@torch.no_grad()
def initialize_stem(stem: Any, like: nn.Conv2d) -> None:
    """Draw a stem whose maps are as large as those of another one.

    The deviation of its weights makes up for the number of bands, so that batch norm,
    which sees both maps together, finds the two alike.

    Args:
        stem: Made by `make_stem`; is changed in place.
        like: An initialized stem.
    """
    bands = like.in_channels / stem.in_channels
    std = like.weight.float().std().item() * bands**0.5
    nn.init.normal_(stem.weight, std=std)
    if stem.bias is not None:
        nn.init.zeros_(stem.bias)
