"""Load what the device needs of an image to make its views."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from rsp.datasets.seeding import draw_seed
from rsp.datasets.views.load_views import LoadViews
from rsp.datasets.views.view_set import DrawnView, ViewSet
from rsp.errors import UserError
from rsp.ops.views.geometry import covering
from rsp.ops.views.kernels.frames import Frame
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadForDevice(LoadViews):
    """Load the part of an image that its views are cut from, for ``rsp.DeviceViews``.

    The boxes of all views are drawn first. A JPEG is decoded once, reduced where every
    box still has the pixels of its view, and of any image only the part that covers the
    boxes is sent. ``rsp.PackForDevice`` follows. The views are those that
    ``rsp.LoadViews`` makes of the same seed, but for rounding.

    Required key: ``img_path``. Added keys: ``img``, the part, (h, w, C); ``frame``,
    where it lies (`rsp.ops.views.kernels.frames.Frame`); floats (``reflectance``)
    come whole, without.

    Args:
        transforms: The same as those of ``rsp.DeviceViews``.
        num_views: Likewise.
        kwargs: Those of `LoadViews`; there is nothing exact about other devices.

    Raises:
        UserError: If a transform is not known.
    """

    def __init__(
        self, transforms: Sequence, num_views: int | Sequence[int] = 2, **kwargs: Any
    ) -> None:
        if kwargs.get('exact_pillow'):
            raise UserError(
                'expected exact_pillow=False of rsp.LoadForDevice, whose views no '
                'Pillow makes; take rsp.LoadViews, and a data preprocessor that '
                'normalizes alone.'
            )
        super().__init__(transforms, num_views, **kwargs)
        if self.views is not None:
            self.views = _SentViews(transforms, num_views)

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the part of ``results['img_path']``."""
        if self.views is None:
            loaded = self.load_whole(results)
            return self.boxes(loaded) if self.boxes and loaded else loaded
        loaded = super().transform(results)
        if loaded is not None:
            ((image, frame),) = loaded['img']
            loaded |= dict(img=image, frame=frame)
        return loaded


@dataclass(frozen=True)
class _SentPart:
    """Stand for all views of an image, in the place of one `DrawnView`."""

    views: Sequence[DrawnView]
    seed: int
    shape: tuple[int, int]

    def fits(self, reduction: int) -> bool:
        """Tell whether every box of a reduced image holds the pixels of its view."""
        return all(view.fits(reduction) for view in self.views)

    def make(
        self, image: np.ndarray, reduction: int = 1, order: str = 'bgr'
    ) -> tuple[np.ndarray, Frame]:
        """Cut the part that covers all boxes out of a reduced image."""
        boxes = [view.box_in(reduction) for view in self.views]
        top, left, rows, columns = covering(boxes)
        part = image[top : top + rows, left : left + columns]
        part = cv2.cvtColor(part, cv2.COLOR_RGB2BGR) if order == 'rgb' else part
        frame = Frame(self.seed, *self.shape, reduction, top, left, rows, columns)
        return part, frame


class _SentViews(ViewSet):
    def draw(  # type: ignore[override]
        self, shape: Sequence[int], bands: int, results: dict[str, Any]
    ) -> list[_SentPart]:
        seed = draw_seed()
        views = self.draw_from(seed, shape, bands, results, colors=False)
        return [_SentPart(views, seed, (int(shape[0]), int(shape[1])))]
