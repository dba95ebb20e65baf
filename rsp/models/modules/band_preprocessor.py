"""Normalize images of any number of bands."""

from typing import Any

import torch
from mmpretrain.models import SelfSupDataPreprocessor
from torch import Tensor

from rsp.models.modules.band_statistics import BandStatistics
from rsp.registry import MODELS


@MODELS.register_module()
class BandDataPreprocessor(BandStatistics, SelfSupDataPreprocessor):
    """Move and normalize images of N bands; mmengine's takes 1 or 3 statistics only.

    On a GPU it never waits for the device, which mmpretrain's does twice for each view:
    to copy it, and to reverse channels by a list of numbers. Values are the same.

    Args:
        mean: Per band, in units of the images; None leaves them as they are.
        std: Per band, in units of the images.
        to_rgb: Whether three bands arrive as BGR, as ``rsp.SceneDataset`` gives them.
        non_blocking: Whether copies to the device are left running; the loader's
            ``pin_memory=True`` lets them.
        kwargs: Further arguments of mmpretrain's.

    Batch:
        ``inputs`` (N, C, H, W) or a list of views of that shape, and ``data_samples``.

    Raises:
        UserError: If the numbers of bands differ, or ``to_rgb`` is for other than
            three.
    """

    def __init__(self, *args: Any, non_blocking: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, non_blocking=non_blocking, **kwargs)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Move and normalize a batch.

        Returns:
            ``inputs``, float, (N, C, H, W) or a list of views, and ``data_samples``,
            which is None where the batch has none.
        """
        data = self.cast_data(data)
        inputs = data['inputs']
        several = isinstance(inputs, list | tuple)
        views = [self.normalize(view) for view in (inputs if several else [inputs])]
        return dict(
            inputs=views if several else views[0],
            data_samples=data.get('data_samples'),
        )

    def normalize(self, images: Tensor) -> Tensor:
        """Normalize images (N, C, H, W) on the device.

        Raises:
            UserError: See the class.
        """
        self._check_bands(images.shape[-3])
        if self._channel_conversion:
            images = images.flip(1)
        if not self._enable_normalize:
            return images.float()
        if images.dtype != torch.uint8:
            return (images.float() - self.mean) / self.std
        # In one pass less: the difference is float32, and nobody else's.
        return (images - self.mean).div_(self.std)
