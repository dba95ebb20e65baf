"""Crop two views that share ground."""

from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from rsp.datasets.views.overlap import draw_pair
from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SampleOverlappingBoxes(BaseTransform):
    """Draw two boxes of an image whose overlap has a lower bound.

    ``rsp.CropToBox`` and ``rsp.MaskedTwoCrop`` cut their views there.

    Required key: ``img``, or ``img_shape``. Added: ``view_boxes``, two of (top, left,
    height, width).

    Args:
        least: Overlap of the two, 0 to 1.
        measure: ``'iou'``, or ``'share'`` of the smaller box.
        area: Smallest and largest share of the image's area.
        aspect: Smallest and largest width to height.
    """

    def __init__(
        self,
        least: float = 0.2,
        measure: str = 'iou',
        area: tuple[float, float] = (0.2, 1.0),
        aspect: tuple[float, float] = (3 / 4, 4 / 3),
    ) -> None:
        self.arguments = dict(least=least, measure=measure, area=area, aspect=aspect)
        draw_pair(8, 8, np.random.RandomState(0), **self.arguments)  # type: ignore[arg-type]

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``view_boxes``."""
        # rsp.LoadViews draws before it decodes.
        image = results.get('img')
        height, width = results['img_shape'] if image is None else image.shape[:2]
        rng = np.random.RandomState(np.random.randint(2**31))
        results['view_boxes'] = draw_pair(height, width, rng, **self.arguments)  # type: ignore[arg-type]
        return results


@TRANSFORMS.register_module()
class CropToBox(BaseTransform):
    """Cut one of the boxes of ``rsp.SampleOverlappingBoxes``, and resize it.

    The first step of each pipeline in ``MultiView``, in the place of
    ``RandomResizedCrop``.

    Required keys: ``img``, ``view_boxes``. Changed: ``img``, ``img_shape``.

    Args:
        view: Which box, 0 or 1.
        size: Edge of the view, pixels.
        interpolation: As mmcv names it.
    """

    def __init__(
        self, view: int, size: int = 224, interpolation: str = 'bilinear'
    ) -> None:
        check.one_of("'view' of rsp.CropToBox", view, (0, 1))
        self.view, self.size, self.interpolation = view, size, interpolation

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by its part."""
        if 'view_boxes' not in results:
            raise UserError(
                "rsp.CropToBox expects 'view_boxes', got none; put "
                'rsp.SampleOverlappingBoxes before MultiView.'
            )
        top, left, height, width = results['view_boxes'][self.view]
        results['img'] = mmcv.imresize(
            results['img'][top : top + height, left : left + width],
            (self.size, self.size),
            interpolation=self.interpolation,
        )
        results['img_shape'] = (self.size, self.size)
        return results
