"""Draw the views of an image before it is decoded, then make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmcv.transforms import Compose

from rsp.datasets.seeding import draw_seed
from rsp.errors import UserError
from rsp.io.images.headers import JpegFrame
from rsp.ops.views import ViewRecipe
from rsp.ops.views.parse import ParsedView, parse_view
from rsp.ops.views.recipe import counts_of
from rsp.ops.views.resizing import snap


@dataclass(frozen=True)
class DrawnView:
    """Store a recipe and what was drawn for one view of one image.

    Attributes:
        recipe: Of the view.
        geometry: Row of `rsp.ops.views.ViewDraws.geometry`.
        colors: Row of `rsp.ops.views.ViewDraws.colors`; None if they change elsewhere.
    """

    recipe: ViewRecipe
    geometry: np.ndarray
    colors: np.ndarray | None

    def fits(self, reduction: int) -> bool:
        """Tell whether the box of a reduced image holds the pixels of the view."""
        _, _, height, width = self.box_in(reduction)
        least = self.recipe.geometry.size
        return height >= least[0] and width >= least[1]

    def box_in(self, reduction: int) -> tuple[int, int, int, int]:
        """Return top, left, height and width of the box in a reduced image."""
        top, left, height, width, *_ = map(int, self.geometry.tolist())
        return snap((top, left, height, width), reduction)

    def make(
        self, image: np.ndarray, reduction: int = 1, order: str = 'bgr'
    ) -> np.ndarray:
        """Make the view of an image of 8 bits; see `ViewRecipe.apply`."""
        assert self.colors is not None
        return self.recipe.apply(image, self.geometry, self.colors, reduction, order)


class ViewSet:
    """Know the recipes of all views of an image.

    Args:
        transforms: Pipeline of each kind of view, in mmpretrain's words.
        num_views: Views of each kind.

    Raises:
        UserError: If a transform is not known; see `rsp.ops.views.parse`.
    """

    def __init__(self, transforms: Sequence, num_views: int | Sequence[int]) -> None:
        self.pipelines = [list(pipeline) for pipeline in transforms]
        self.counts = counts_of(num_views, self.pipelines)
        self._parsed: dict[int, list[ParsedView]] = {}
        self.parsed(3)

    def parsed(self, bands: int) -> list[ParsedView]:
        """Return the recipe of each kind of view, for images of so many bands."""
        if bands not in self._parsed:
            self._parsed[bands] = [parse_view(steps, bands) for steps in self.pipelines]
        return self._parsed[bands]

    def draw(
        self, shape: Sequence[int], bands: int, results: dict[str, Any]
    ) -> list[DrawnView]:
        """Draw all views of an image.

        Args:
            shape: Height and width of the image, upright, pixels.
            bands: Of the image.
            results: May hold ``view_boxes`` of ``rsp.SampleOverlappingBoxes``.
        """
        return self.draw_from(draw_seed(), shape, bands, results)

    def draw_from(
        self,
        seed: int,
        shape: Sequence[int],
        bands: int,
        results: dict[str, Any],
        colors: bool = True,
    ) -> list[DrawnView]:
        """Draw all views of an image as `draw` does, from a seed, or boxes alone."""
        drawn: list[DrawnView] = []
        for kind, count in zip(self.parsed(bands), self.counts, strict=True):
            numbers = np.arange(len(drawn), len(drawn) + count)
            asked = np.array([seed] * count), np.array([shape] * count), numbers
            rows: Sequence[np.ndarray | None] = [None] * count
            if colors:
                draws = kind.recipe.draw(*asked)
                geometry, rows = draws.geometry, list(draws.colors)
            else:
                geometry = kind.recipe.draw_geometry(*asked)
            if kind.box is not None:
                geometry[:, :4] = _given_box(results, kind.box)
            drawn += map(DrawnView, [kind.recipe] * count, geometry, rows)
        return drawn


def reduction_for(views: Sequence[DrawnView], frame: JpegFrame) -> int:
    """Return the largest reduction of a JPEG at which no view has to grow.

    Args:
        views: What was drawn for it.
        frame: Of its header.
    """
    fitting = (n for n in frame.reductions if all(view.fits(n) for view in views))
    return next(fitting, 1)


def exact_pipelines(
    transforms: Sequence, num_views: int | Sequence[int]
) -> list[Compose]:
    """Build the transforms themselves, one pipeline per view."""
    built = [Compose(list(pipeline)) for pipeline in transforms]
    counts = counts_of(num_views, built)
    return [p for p, n in zip(built, counts, strict=True) for _ in range(n)]


def _given_box(results: dict[str, Any], number: int) -> Sequence[int]:
    if 'view_boxes' not in results:
        raise UserError(
            "rsp.CropToBox expects 'view_boxes', got none; put "
            'rsp.SampleOverlappingBoxes before the views, of rsp.LoadViews as '
            "'boxes=dict(type=...)'."
        )
    return results['view_boxes'][number]
