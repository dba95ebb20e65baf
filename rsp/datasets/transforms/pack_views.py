"""Pack views without turning their memory around."""

from typing import Any

import numpy as np
import torch
from mmpretrain.datasets.transforms import PackInputs

from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackViews(PackInputs):
    """Pack views, or an image, as they lie in memory: all bands of a pixel together.

    ``PackInputs`` copies them plane by plane, which takes as long as to change their
    brightness, contrast and saturation; convolutions of channels-last weights turn them
    around again. ``rsp.stacked_collate`` and ``rsp.paired_collate`` keep their order.

    Required key: ``img``, (H, W, C), or a list of such.

    Args:
        kwargs: Those of mmpretrain's.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack ``img`` and what belongs to it."""
        image = results['img']
        packed = [*map(_tensor, image)] if isinstance(image, list) else _tensor(image)
        return super().transform(results | dict(img=packed))


def _tensor(image: np.ndarray) -> torch.Tensor:
    # Mirrored by a transform that is run as it is, it may have negative strides.
    pixels = np.ascontiguousarray(np.atleast_3d(image))
    return torch.from_numpy(pixels).permute(2, 0, 1)
