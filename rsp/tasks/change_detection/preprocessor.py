"""Normalize batches of stacked pairs."""

from collections.abc import Sequence
from typing import Any

from mmseg.models import SegDataPreProcessor

from rsp.errors import UserError
from rsp.registry import MODELS


@MODELS.register_module()
class PairDataPreprocessor(SegDataPreProcessor):
    """Normalize and pad two dates stacked along the channels.

    Both dates are normalized by the same three numbers. Without ``mean`` and ``std``
    the pixels stay in 0-255, as CMID's protocol has it.

    Args:
        mean: Of red, green and blue in 0-255; None leaves the pixels as they are.
        std: Likewise.
        kwargs: Those of mmseg's SegDataPreProcessor, such as ``size_divisor``. Pairs
            come as red, green, blue: there is no order of channels to convert.

    Batch:
        inputs: List of (6, H, W), uint8.
    """

    # Images stacked along the channels.
    dates = 2

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        converting = {'bgr_to_rgb', 'rgb_to_bgr'} & kwargs.keys()
        if converting:
            raise UserError(
                f'{converting.pop()}: pairs are loaded as red, green, blue; drop it.'
            )
        if (mean is None) != (std is None):
            raise UserError(f'expected mean and std or neither, got {mean}, {std}.')
        if mean is not None and not len(mean) == len(std or ()) == 3:
            raise UserError(f'expected mean and std of 3 colors, got {mean}, {std}.')
        super().__init__(mean=mean, std=std, **kwargs)
        if mean is not None:
            # Both dates by the same numbers: (6, 1, 1).
            self.register_buffer('mean', self.mean.repeat(2, 1, 1), persistent=False)
            self.register_buffer('std', self.std.repeat(2, 1, 1), persistent=False)
