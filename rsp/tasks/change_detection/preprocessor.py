"""Normalize batches of stacked pairs."""

from typing import Any

from mmseg.models import SegDataPreProcessor

from rsp.errors import UserError
from rsp.models.modules.band_statistics import BandStatistics
from rsp.registry import MODELS


@MODELS.register_module()
class PairDataPreprocessor(BandStatistics, SegDataPreProcessor):
    """Normalize and pad two dates stacked along the channels.

    Both dates are normalized by the same numbers. Without ``mean`` and ``std`` the
    pixels stay as they are, in 0-255 as CMID's protocol has it.

    Args:
        mean: Of red, green and blue in 0-255, or of each band in units of the images;
            None leaves the pixels as they are.
        std: Likewise.
        kwargs: Those of mmseg's SegDataPreProcessor, such as ``size_divisor``. Pairs
            come as red, green, blue: there is no order of channels to convert.

    Batch:
        inputs: List of (2 C, H, W).
    """

    # Images stacked along the channels.
    dates = 2

    def __init__(self, **kwargs: Any) -> None:
        converting = {'bgr_to_rgb', 'rgb_to_bgr'} & kwargs.keys()
        if converting:
            raise UserError(
                f'{converting.pop()}: pairs are loaded as red, green, blue; drop it.'
            )
        super().__init__(**kwargs)
