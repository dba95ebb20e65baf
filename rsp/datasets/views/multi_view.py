"""Make the views of an image that a data set gives."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from rsp.datasets.views.view_set import ViewSet, exact_pipelines
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MultiView(BaseTransform):
    """Make views of ``img``, such as a window of a scene; `LoadViews` also loads it.

    Images of 8 bits take the fast way that `LoadViews` describes, others that of the
    transforms themselves.

    Required and modified key: ``img``, which becomes a list of views (H, W, C).
    Optional key: ``view_boxes``.

    Args:
        transforms: See `LoadViews`.
        num_views: See `LoadViews`.
        exact_pillow: Whether the transforms run as they are, on images of 8 bits, too.

    Raises:
        UserError: If a transform is not known.
    """

    def __init__(
        self,
        transforms: Sequence,
        num_views: int | Sequence[int] = 2,
        exact_pillow: bool = False,
    ) -> None:
        self.exact_pillow = exact_pillow
        self.views = None if exact_pillow else ViewSet(transforms, num_views)
        # Of images that are not of 8 bits, too.
        self.exact = exact_pipelines(transforms, num_views)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by its views."""
        image = results['img']
        if self.views is None or image.dtype != np.uint8:
            views = [pipeline(copy.deepcopy(results))['img'] for pipeline in self.exact]
        else:
            image = image[..., None] if image.ndim == 2 else image
            drawn = self.views.draw(image.shape[:2], image.shape[2], results)
            views = [view.make(image) for view in drawn]
        results['img'] = views
        return results


@TRANSFORMS.register_module()
class SingleView(MultiView):
    """Make one view of ``img``; see `MultiView` and `LoadView`.

    Changed keys: ``img``, the view (H, W, C); ``img_shape``.

    Args:
        transforms: Pipeline of the view, in mmpretrain's words.
        exact_pillow: See `MultiView`.
    """

    def __init__(self, transforms: Sequence, exact_pillow: bool = False) -> None:
        super().__init__([transforms], 1, exact_pillow)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by its view."""
        results = super().transform(results)
        (results['img'],) = results['img']
        results['img_shape'] = results['img'].shape[:2]
        return results
