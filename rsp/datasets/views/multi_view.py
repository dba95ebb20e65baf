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
    Optional keys: ``view_boxes``; ``other_dates`` of ``rsp.TemporalSceneDataset``, a
    list of images of the same size: view k is made of image k, counted round.

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

    @property
    def count(self) -> int:
        """Count the views."""
        return len(self.exact)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by its views."""
        dates = [results['img'], *results.pop('other_dates', ())]
        if self.views is None or dates[0].dtype != np.uint8:
            views = [
                pipeline(copy.deepcopy(results | dict(img=dates[k % len(dates)])))[
                    'img'
                ]
                for k, pipeline in enumerate(self.exact)
            ]
        else:
            dates = [image[..., None] if image.ndim == 2 else image for image in dates]
            drawn = self.views.draw(dates[0].shape[:2], dates[0].shape[2], results)
            views = [view.make(dates[k % len(dates)]) for k, view in enumerate(drawn)]
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
