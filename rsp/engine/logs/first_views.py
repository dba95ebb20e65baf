"""Draw the views of a training's first batch, as the model was given them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from rsp.datasets.transforms.shown_bands import find_named
from rsp.engine.health.images import views_of
from rsp.engine.hooks.reconstruction import stretch_alike

# Of a view, pixels; views in a line; pixels between views, and between scenes.
SIDE, PER_LINE, GAP, APART = 128, 8, 2, 14
NOTE = 18
# How mm-libraries call that a preprocessor turns blue-first images round.
TURNED = ('_channel_conversion', 'channel_conversion', 'to_rgb')


class FirstViews:
    """Take a few scenes of the next batch that a data preprocessor gives.

    It looks at what passes by: nothing is loaded, drawn at random, or computed twice,
    and views that are made on the device are those of the step.

    Args:
        preprocessor: Of the model.
        scenes: Number to keep, at most.
    """

    def __init__(self, preprocessor: nn.Module, scenes: int) -> None:
        self.preprocessor, self.scenes = preprocessor, scenes
        self._views: dict[str, list[Tensor]] = {}
        self._handle = preprocessor.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, arguments: Any, batch: Any) -> None:
        self._handle.remove()
        inputs = batch.get('inputs') if isinstance(batch, Mapping) else None
        sources = inputs if isinstance(inputs, Mapping) else {'': inputs}
        self._views = {
            name: [v[: self.scenes].detach().float().cpu() for v in views_of(one)]
            for name, one in sources.items()
        }

    def draw(self, names: Sequence[str] | None = None) -> Iterator[tuple[str, Any]]:
        """Yield name and picture of each source of the batch, and forget it.

        Args:
            names: Of the bands, where images have others than red, green and blue.

        Returns:
            ``'views'``, or ``'views_<source>'``, and an image (H, W, 3), uint8, RGB:
            the views of a scene side by side, scene by scene.
        """
        self._handle.remove()
        own = getattr(self.preprocessor, 'sources', {})
        for source, views in self._views.items():
            if views:
                statistics = own[source] if source in own else self.preprocessor
                colors, note = to_colors(views, statistics, names)
                name = f'views_{source}' if source else 'views'
                yield name, arrange(colors, note)
        self._views = {}


def to_colors(
    views: Sequence[Tensor], statistics: Any, names: Sequence[str] | None = None
) -> tuple[list[np.ndarray], str]:
    """Undo the normalization of views.

    Args:
        views: Each (N, C, H, W), normalized; images of several dates one after another
            along C become views of their own.
        statistics: The data preprocessor, with ``mean`` and ``std``, if it has them.
        names: See `FirstViews.draw`.

    Returns:
        Each (N, H, W, 3), uint8, RGB; and a line on bands, empty for 8-bit colors.
    """
    plain = [_unnormalized(view, statistics) for view in views]
    if all(_is_color(view, statistics) for view in plain):
        plain = [date for view in plain for date in view.split(3, dim=1)]
        if not any(getattr(statistics, word, False) for word in TURNED):
            plain = [view.flip(1) for view in plain]
        pixels = [v.round().clamp(0, 255).to(torch.uint8) for v in plain]
        return [view.permute(0, 2, 3, 1).numpy() for view in pixels], ''
    bands = plain[0].shape[1]
    shown, said = find_named(names or (), bands)
    shown = shown if bands >= 3 else shown[:1]
    # Together, so that a change of brightness between views is seen.
    flat = [view.flatten(2).transpose(1, 2).flatten(0, 1) for view in plain]
    ruler = torch.cat(flat).T[None, :, None]  # (1, C, 1, pixels)
    stretched = stretch_alike([ruler.nan_to_num(), *plain], shown)[1:]
    return stretched, f'{said}, 2nd to 98th percentile of all'


def arrange(views: Sequence[np.ndarray], note: str = '') -> np.ndarray:
    """Put the views of each scene side by side, and scenes in lines, on white.

    Args:
        views: Each (N, H, W, 3), uint8; sizes may differ between views.
        note: Line below.
    """
    scenes = []
    for number in range(len(views[0])):
        cells = [_square(view[number]) for view in views]
        cells = [np.pad(c, ((0, 0), (0, GAP), (0, 0)), constant_values=255)
                 for c in cells]  # fmt: skip
        scenes.append(np.concatenate(cells, axis=1)[:, :-GAP])
    across = max(1, min(len(scenes), PER_LINE // len(views)))
    height, width = scenes[0].shape[:2]
    lines = -(-len(scenes) // across)
    shape = (lines * (height + APART) - APART, across * (width + APART) - APART, 3)
    canvas = np.full(shape, 255, np.uint8)
    for number, scene in enumerate(scenes):
        top = number // across * (height + APART)
        left = number % across * (width + APART)
        canvas[top : top + height, left : left + width] = scene
    if note:
        strip = np.full((NOTE, canvas.shape[1], 3), 255, np.uint8)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(
            strip, note, (2, NOTE - 6), font, 0.38, (60, 60, 60), 1, cv2.LINE_AA
        )
        canvas = np.concatenate([canvas, strip])
    return canvas


def _unnormalized(view: Tensor, statistics: Any) -> Tensor:
    if getattr(statistics, 'mean', None) is None or not getattr(
        statistics, '_enable_normalize', True
    ):
        return view
    # Images of several dates have the statistics of one.
    times = max(1, view.shape[1] // statistics.mean.numel())
    mean, std = (
        x.detach().float().cpu().reshape(1, -1, 1, 1).repeat(1, times, 1, 1)
        for x in (statistics.mean, statistics.std)
    )
    return view * std + mean


def _is_color(view: Tensor, statistics: Any) -> bool:
    """Tell 8-bit colors from reflectances and decibels, by the statistics."""
    mean = getattr(statistics, 'mean', None)
    center = view if mean is None else mean
    inside = bool(center.min() >= 0) and 2 < float(center.max()) <= 255
    return view.shape[1] % 3 == 0 and (mean is None or mean.numel() % 3 == 0) and inside


def _square(image: np.ndarray) -> np.ndarray:
    """Fit an image into a square of `SIDE` pixels, (SIDE, SIDE, 3)."""
    height, width = image.shape[:2]
    factor = SIDE / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    image = cv2.resize(np.ascontiguousarray(image), size, interpolation=way)
    missing = [(0, SIDE - side) for side in image.shape[:2]]
    return np.pad(image, [*missing, (0, 0)], constant_values=255)
