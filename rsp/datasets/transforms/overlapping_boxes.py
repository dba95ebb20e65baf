"""Two views of one window that share as much ground as wanted."""

from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from rsp.datasets.transforms.overlap import draw_pair
from rsp.errors import UserError
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class DrawViewBoxes(BaseTransform):
    """Draw two boxes of an image that overlap at least so much.

    ``rsp.CutView`` and ``rsp.LocatedViews`` cut their views there.

    Required key: ``img``. Added: ``view_boxes``, two of (top, left, height, width).

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
        height, width = results['img'].shape[:2]
        rng = np.random.RandomState(np.random.randint(2**31))
        results['view_boxes'] = draw_pair(height, width, rng, **self.arguments)  # type: ignore[arg-type]
        return results


@TRANSFORMS.register_module()
class CutView(BaseTransform):
    """Cut one of the boxes of ``rsp.DrawViewBoxes``, and resize it.

    The first step of each pipeline in ``MultiView``, in the place of
    ``RandomResizedCrop``.

    Required keys: ``img``, ``view_boxes``. Changed: ``img``, ``img_shape``.

    Args:
        view: Which box, 0 or 1.
        size: Height and width of the view, pixels.
        interpolation: As mmcv names it.
    """

    def __init__(
        self, view: int, size: int = 224, interpolation: str = 'bilinear'
    ) -> None:
        if view not in (0, 1):
            raise UserError(f"expected 'view' 0 or 1, got {view}.")
        self.view, self.size, self.interpolation = view, size, interpolation

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by its part."""
        if 'view_boxes' not in results:
            raise UserError(
                "rsp.CutView expects 'view_boxes'; put rsp.DrawViewBoxes before "
                "MultiView, or set 'views' of rsp.SceneDataset."
            )
        top, left, height, width = results['view_boxes'][self.view]
        results['img'] = mmcv.imresize(
            results['img'][top : top + height, left : left + width],
            (self.size, self.size),
            interpolation=self.interpolation,
        )
        results['img_shape'] = (self.size, self.size)
        return results
