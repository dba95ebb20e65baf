"""Compose geometry and operations to the recipe of a view."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from rsp.ops import check
from rsp.ops.views.geometry import Geometry
from rsp.ops.views.kernels.cut_views import cut_views
from rsp.ops.views.kernels.uniforms import seeded_uniforms
from rsp.ops.views.operation import Array, Operation
from rsp.ops.views.resizing import cut_view


@dataclass(frozen=True)
class ViewDraws:
    """Store what was drawn for a view of some images.

    Attributes:
        geometry: Shape (N, 7), see `Geometry.draw`.
        colors: Shape (N, P): the parameters of all operations, one after the other.
    """

    geometry: Array
    colors: Array


@dataclass(frozen=True)
class ViewRecipe:
    """Cut a view, then change its values, one operation after the other.

    Mirrors and turns commute with all of the operations, so that a list of transforms
    that mirrors last gives the same views. An operation before the crop does not: it
    works on the view here, which is smaller.

    Attributes:
        geometry: Crop, mirrors and turns.
        operations: What follows.
    """

    geometry: Geometry
    operations: tuple[Operation, ...] = ()

    def draw(self, seeds: Array, sizes: Array, view: int | Array = 0) -> ViewDraws:
        """Draw a view of each image, which follows from its seed alone.

        Args:
            seeds: Of the images, shape (N,).
            sizes: Their heights and widths, pixels, shape (N, 2).
            view: Number of the view, or one for each image, shape (N,); each has random
                numbers of its own.
        """
        total = self.geometry.numbers + sum(op.numbers for op in self.operations)
        uniforms = seeded_uniforms(seeds, total, stream=view)
        geometry = self.geometry.draw(uniforms[:, : self.geometry.numbers], sizes)
        columns: list[Array] = [np.empty((len(geometry), 0))]
        start = self.geometry.numbers
        for op in self.operations:
            columns.append(op.draw(uniforms[:, start : start + op.numbers]))
            start += op.numbers
        return ViewDraws(geometry, np.concatenate(columns, axis=1))

    def draw_geometry(self, seeds: Array, sizes: Array, view: int | Array = 0) -> Array:
        """Draw `ViewDraws.geometry` alone, in half the time of `draw`."""
        uniforms = seeded_uniforms(seeds, self.geometry.numbers, stream=view)
        return self.geometry.draw(uniforms, sizes)

    def apply(
        self,
        image: Array,
        geometry: Array,
        colors: Array,
        reduction: int = 1,
        order: str = 'bgr',
    ) -> Array:
        """Make the view of one 8-bit image that was drawn.

        Args:
            image: Three colors, or other bands, shape (h, w, C), uint8; not modified.
            geometry: Row of `ViewDraws.geometry`.
            colors: Row of `ViewDraws.colors`.
            reduction: See `cut_view`.
            order: Of three colors in the image, ``'bgr'`` or ``'rgb'``.

        Returns:
            Shape (H, W, C), uint8, contiguous, writable; three are blue, green, red.
        """
        cut = self.geometry
        view = cut_view(image, geometry, cut.size, cut.cubic, reduction)
        if order == 'rgb':
            view = cv2.cvtColor(view, cv2.COLOR_RGB2BGR)
        elif np.may_share_memory(view, image):
            view = view.copy()
        for operation, part in zip(self.operations, self.parts(colors), strict=True):
            # OpenCV drops the axis of a single band.
            view = operation.apply(view, part).reshape(view.shape)
        return np.ascontiguousarray(view)

    def apply_batch(
        self,
        images: Tensor,
        geometry: Tensor,
        colors: Tensor,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Make the views of a batch that were drawn, on its device.

        Args:
            images: Shape (N, C, h, w), uint8, or float shares of the value range, which
                are never cut to it; see `cut_views`.
            geometry: `ViewDraws.geometry`, boxes in pixels of these images; float64, on
                their device.
            colors: `ViewDraws.colors`, likewise.
            dtype: Of the arithmetic and the result.

        Returns:
            Shares of the range, not rounded, shape (N, C, H, W), line by line in
            memory, see `filter_separably`.
        """
        views = self.cut_batch(images, geometry, dtype)
        return self.change_batch(views, colors, images.dtype == torch.uint8)

    def cut_batch(
        self, images: Tensor, geometry: Tensor, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Cut the boxes of a batch, resize, mirror and turn them; see `cut_views`."""
        cut = self.geometry
        return cut_views(images, geometry, cut.size, cut.cubic, cut.turn > 0, dtype)

    def change_batch(self, views: Tensor, colors: Tensor, cut: bool = True) -> Tensor:
        """Change the values of a batch of views; see `Operation.apply_batch`."""
        for operation, part in zip(self.operations, self.parts(colors), strict=True):
            views = operation.apply_batch(views, part, cut)
        return views

    def parts(self, colors: Any) -> list[Any]:
        """Split the last axis of ``ViewDraws.colors`` by operations."""
        return [colors[..., a:b] for a, b in self._spans]

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        """Return first column and end of each operation's parameters."""
        ends = list(accumulate(op.width for op in self.operations))
        return list(zip([0, *ends], ends, strict=False))


def counts_of(num_views: int | Sequence[int], pipelines: Sequence[Any]) -> list[int]:
    """Return the number of views of each kind.

    Raises:
        UserError: If there are more or fewer numbers than pipelines.
    """
    counts = [num_views] if isinstance(num_views, int) else list(num_views)
    wanted = "numbers in 'num_views'"
    check.equal(wanted, len(counts), len(pipelines), 'give one per pipeline of views')
    return counts
