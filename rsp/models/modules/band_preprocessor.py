"""Normalize images of any number of bands."""

from mmpretrain.models import SelfSupDataPreprocessor

from rsp.models.modules.band_statistics import BandStatistics
from rsp.registry import MODELS


@MODELS.register_module()
class BandDataPreprocessor(BandStatistics, SelfSupDataPreprocessor):
    """Move and normalize images of N bands; mmengine's takes 1 or 3 statistics only.

    Args:
        mean: Per band, in units of the images; None leaves them as they are.
        std: Per band, in units of the images.
        to_rgb: Whether three bands arrive as BGR, as ``rsp.SceneDataset`` gives them.
        kwargs: Further arguments of mmpretrain's.

    Batch:
        ``inputs`` (N, C, H, W) or a list of views of that shape, and ``data_samples``.

    Raises:
        UserError: If the numbers of bands differ, or ``to_rgb`` is for other than
            three.
    """
