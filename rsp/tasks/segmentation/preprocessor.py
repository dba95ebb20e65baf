"""Normalize and pad batches of images of any number of bands."""

from mmseg.models import SegDataPreProcessor

from rsp.models.modules.band_statistics import BandStatistics
from rsp.registry import MODELS


@MODELS.register_module()
class SegBandDataPreprocessor(BandStatistics, SegDataPreProcessor):
    """Normalize images of N bands; mmseg's takes 1 or 3 statistics only.

    Args:
        mean: Per band, in units of the images, in the order of the network; None leaves
            them as they are.
        std: Likewise.
        kwargs: Further arguments of mmseg's, such as ``size`` and ``size_divisor``.

    Batch:
        inputs: List of (C, H, W).

    Raises:
        UserError: If the numbers of bands differ, or ``bgr_to_rgb`` is for other than
            three.
    """
