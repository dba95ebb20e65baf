"""Load an image and make views of it, as few pixels decoded as they need."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.datasets.views.view_set import (
    DrawnView,
    ViewSet,
    exact_pipelines,
    reduction_for,
)
from rsp.errors import UserError
from rsp.io.images import headers, read_content
from rsp.io.images.decoders import decode_jpeg
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadViews(LoadImageFromFile):
    """Load an image and make its views: ``LoadImageFromFile`` and ``MultiView`` in one.

    The boxes are drawn first, from the size in the header. A JPEG is then decoded once
    for all views, reduced by 2, 4 or 8 where every box still has the pixels of its
    view. Colors change on the small views, by OpenCV. The distributions of all
    parameters are those of the transforms; the pixels differ from theirs by

    * reduced decoding, which averages squares of 2, 4 or 8 pixels in place of a part of
      the resizing; boxes are moved to their edges, by less than a pixel of the view,
    * resizing, which is antialiased whatever the ``backend``, like Pillow's,
    * transforms before the crop, such as GeoKR's colors, which see the view alone,
    * rounding: once for all of ColorJitter, to the nearest; the kernel of GaussianBlur,
      which Pillow makes of boxes.

    ``exact_pillow`` runs the transforms instead, with their own random numbers. So do
    images as floats (``reflectance``).

    Required key: ``img_path``. Added keys: ``img``, a list of views (H, W, C);
    ``img_shape``, that of the image, as is ``ori_shape``.

    Args:
        transforms: Pipeline of each kind of view, in mmpretrain's words; see
            `rsp.ops.views.parse.parse_view` for those that are known.
        num_views: Views of each kind.
        boxes: ``rsp.SampleOverlappingBoxes`` for ``rsp.CropToBox``.
        exact_pillow: Whether the transforms run as they are.
        kwargs: Those of `LoadImageFromFile`.

    Raises:
        UserError: If a transform is not known, or means nothing of so many bands.
    """

    def __init__(
        self,
        transforms: Sequence,
        num_views: int | Sequence[int] = 2,
        boxes: dict[str, Any] | None = None,
        exact_pillow: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.boxes = TRANSFORMS.build(boxes) if boxes else None
        self.exact_pillow = exact_pillow
        self.views = self.exact = None
        if exact_pillow or self.floats is not None:
            self.exact = exact_pipelines(transforms, num_views)
            return
        if self.to_float32 or self.color_type != 'color':
            raise UserError(
                "expected color_type='color' and to_float32=False for fast views, got "
                f'{self.color_type!r} and {self.to_float32}; set exact_pillow=True.'
            )
        self.views = ViewSet(transforms, num_views)
        self.views.parsed(self.channels or 3)

    def load_whole(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the image as `LoadImageFromFile` does."""
        return super().transform(results)

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the views of ``results['img_path']``."""
        if self.views is not None:
            try:
                return self._load_views(results, self.views)
            except UserError:
                if self.ignore_empty:
                    return None
                raise
        loaded = self.load_whole(results)
        if loaded is None:
            return None
        loaded = self.boxes(loaded) if self.boxes else loaded
        assert self.exact is not None
        views = [pipeline(copy.deepcopy(loaded))['img'] for pipeline in self.exact]
        return loaded | dict(img=views)

    def _load_views(self, results: dict[str, Any], views: ViewSet) -> dict[str, Any]:
        path = results['img_path']
        content = self.stored(path)
        if content is None and self.named is None:
            content = read_content(path)
        frame, image, reduction, order = None, None, 1, 'bgr'
        if self.reads_plainly and isinstance(content, np.ndarray):
            # Of a packed store: only what is cut out of it is read.
            image, order = content, 'rgb'
        elif self.reads_plainly and content is not None:
            frame = headers.ordinary_jpeg(content)
        drawn: list[DrawnView] = []
        if content is not None and frame is not None:
            drawn = self._draw(results, views, frame.shape, 3)
            reduction = reduction_for(drawn, frame)
            image = decode_jpeg(content, frame, reduction=reduction)
        if image is None:
            image, reduction = self.read(path, content=content), 1
        if not drawn:
            drawn = self._draw(results, views, image.shape[:2], image.shape[2])
        results['img'] = [view.make(image, reduction, order) for view in drawn]
        return results

    def _draw(
        self,
        results: dict[str, Any],
        views: ViewSet,
        shape: tuple[int, int],
        bands: int,
    ) -> list[DrawnView]:
        results['img_shape'] = results['ori_shape'] = shape
        if self.boxes is not None:
            results = self.boxes(results)
        return views.draw(shape, bands, results)


@TRANSFORMS.register_module()
class LoadView(LoadViews):
    """Load an image and make one view of it, such as of a photo; see `LoadViews`.

    Added keys: ``img``, the view (H, W, C); ``img_shape``, its height and width;
    ``ori_shape``, those of the image.

    Args:
        transforms: Pipeline of the view, in mmpretrain's words.
        kwargs: Those of `LoadViews`.
    """

    def __init__(self, transforms: Sequence, **kwargs: Any) -> None:
        super().__init__([transforms], num_views=1, **kwargs)

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the view of ``results['img_path']``."""
        loaded = super().transform(results)
        if loaded is not None:
            (loaded['img'],) = loaded['img']
            loaded['img_shape'] = loaded['img'].shape[:2]
        return loaded
