"""Rotate images without resampling them."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from rsp.ops import check
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomRotate90(BaseTransform):
    """Rotate by a multiple of 90 degrees, which moves pixels and changes none.

    A scene seen from above has no upright. As GeoKR's official code, one of four turns
    is drawn, the one by 0 degrees among them: at ``prob=0.5`` three images of eight
    end up turned. mmpretrain's ``Rotate`` interpolates, and cuts images that are not
    square.

    Required key: ``img``, shape (H, W, C), any number of bands and type. Changed:
    ``img``, ``img_shape``.

    Args:
        prob: Share of images for which a turn is drawn, 0 to 1.
    """

    def __init__(self, prob: float = 0.5) -> None:
        check.between("'prob' of rsp.RandomRotate90", prob, 0, 1)
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Rotate ``img``, or leave it."""
        if np.random.random() >= self.prob:
            return results
        turned = np.rot90(results['img'], np.random.randint(4))
        results['img'] = np.ascontiguousarray(turned)
        results['img_shape'] = turned.shape[:2]
        return results
