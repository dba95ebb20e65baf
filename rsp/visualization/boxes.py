"""Draw many small boxes so that the objects stay visible."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmdet.visualization import DetLocalVisualizer
from mmengine.structures import BaseDataElement, InstanceData

from rsp.registry import VISUALIZERS
from rsp.visualization.panels import (
    LIGHT,
    LINE,
    Color,
    Entry,
    Panel,
    arrange,
    enlarge,
    text_width,
    write,
)
from rsp.visualization.visualizer import PanelVisualizer

# Least height of a box with text in it: below, the text would hide the object.
ROOM = 3 * LINE
# Brightness below which a color drowns in water and woods, 0 to 255.
DARKEST = 100
# A single class has no color to choose, and many data sets name none.
PALETTE = [(255, 224, 0), (0, 224, 255), (255, 96, 192), (96, 255, 96)]


class BoxPanels(PanelVisualizer):
    """Draw truth beside (wide images: above) prediction, with the text out of the way.

    The visualizers of mmdet and mmrotate write a label into every box, which hides
    objects of twenty pixels. Here a legend above each panel names the classes with
    their counts; dark colors are lightened. Ignored true boxes are gray.

    Args:
        name: See `PanelVisualizer`.
        score_thr: Least score of a box to draw, unless a call says otherwise. Detectors
            that trained for minutes rank well at low scores.
        kwargs: See `PanelVisualizer`.
    """

    def __init__(
        self, name: str = 'visualizer', score_thr: float = 0.3, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.score_thr = score_thr

    def corners(self, instances: InstanceData) -> np.ndarray:
        """Return the corners of boxes, around each, shape (N, 4, 2), pixels."""
        raise NotImplementedError

    def write_texts(
        self, image: np.ndarray, corners: np.ndarray, names: Sequence[str], scores: Any
    ) -> None:
        """Write names or scores of boxes where they leave the objects visible.

        Args:
            image: RGB, changed in place.
            corners: See `corners`, in its pixels.
            names: Class of each box.
            scores: Score of each box; None for the truth.
        """
        raise NotImplementedError

    def compose(
        self,
        image: np.ndarray,
        sample: BaseDataElement,
        draw_gt: bool = True,
        draw_pred: bool = True,
        pred_score_thr: float | None = None,
        **options: Any,
    ) -> np.ndarray:
        """Return the picture of a sample.

        Args:
            image: RGB, shape (H, W, 3), uint8.
            sample: ``gt_instances``, ``ignored_instances``, ``pred_instances``.
            draw_gt: Whether to draw the truth.
            draw_pred: Whether to draw the prediction.
            pred_score_thr: Least score of a box to draw; None: ``score_thr``.
            options: Without effect.
        """
        panels = []
        truth = sample.get('gt_instances')
        # An image without labels has instances without fields.
        if draw_gt and truth is not None and truth.keys():
            ignored = sample.get('ignored_instances')
            panels.append(self._draw(image, 'truth', truth, ignored=ignored))
        if draw_pred and 'pred_instances' in sample:
            least = self.score_thr if pred_score_thr is None else pred_score_thr
            found = sample.pred_instances
            note = f'score >= {least:g}'
            if len(found) and found.scores.max() < least:
                note += f', the best has {found.scores.max():.2f}'
            found = found[found.scores >= least]
            panels.append(self._draw(image, 'prediction', found, [Entry(note)]))
        panels = panels or [Panel('image', enlarge(image, self.min_size))]
        return arrange(panels, stacked=image.shape[1] > image.shape[0])

    def _draw(
        self,
        image: np.ndarray,
        title: str,
        instances: InstanceData,
        legend: Sequence[Entry] = (),
        ignored: InstanceData | None = None,
    ) -> Panel:
        drawn = enlarge(image, self.min_size)
        factor = len(drawn) // len(image)
        drawn = drawn.copy()
        labels = instances.labels.tolist()
        entries = [
            Entry(f'{self._name(label)} {count}', self._color(label))
            for label, count in Counter(labels).most_common()
        ]
        if ignored is not None and len(ignored):
            entries.append(Entry(f'ignored {len(ignored)}', LIGHT))
            _outline(drawn, factor * self.corners(ignored), [LIGHT] * len(ignored))
        corners = factor * self.corners(instances)
        _outline(drawn, corners, [self._color(label) for label in labels])
        names = [self._name(label) for label in labels]
        self.write_texts(drawn, corners, names, instances.get('scores'))
        objects = f'{len(labels)} object{"" if len(labels) == 1 else "s"}'
        return Panel(f'{title}: {objects}', drawn, [*legend, *entries])

    def _name(self, label: int) -> str:
        classes = (self.dataset_meta or {}).get('classes') or ()
        return classes[label] if label < len(classes) else f'class {label}'

    def _color(self, label: int) -> Color:
        palette = (self.dataset_meta or {}).get('palette')
        if not isinstance(palette, list) or label >= len(palette):
            palette = PALETTE
        return lighten(palette[label % len(palette)])


@VISUALIZERS.register_module()
class BoxVisualizer(BoxPanels, DetLocalVisualizer):
    """Draw upright boxes; see `BoxPanels`.

    A box carries its name and score in percent only where they leave the object
    visible; small ones have the score beside them.

    Args:
        name: See `PanelVisualizer`.
        most_scores: Boxes of an image above which small ones have no score.
        kwargs: See `BoxPanels`.
    """

    def __init__(
        self, name: str = 'visualizer', most_scores: int = 50, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.most_scores = most_scores

    def corners(self, instances: InstanceData) -> np.ndarray:
        """Return the corners of upright boxes, shape (N, 4, 2), pixels."""
        boxes = getattr(instances.bboxes, 'tensor', instances.bboxes)
        return boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2).numpy()

    def write_texts(
        self, image: np.ndarray, corners: np.ndarray, names: Sequence[str], scores: Any
    ) -> None:
        """Write name and score into each box, or the score: the most that fits.

        Where nothing fits, the score stands above the box, or below at the upper edge,
        unless there are too many.
        """
        numbers: list[list[str]] = [[] for _ in names]
        if scores is not None:
            numbers = [[f'{100 * score:.0f}'] for score in scores.tolist()]
        for box, name, number in zip(corners, names, numbers, strict=True):
            (left, top), (right, bottom) = box[0].round(), box[2].round()
            for text in (' '.join([name, *number]), *number):
                if text_width(text) + 6 <= right - left and bottom - top >= ROOM:
                    place = (int(left) + 3, int(top) + LINE - 6)
                    write(image, text, place, outlined=True)
                    break
            else:
                if number and len(names) <= self.most_scores:
                    below = top < LINE
                    y = int(bottom) + LINE - 6 if below else int(top) - 4
                    write(image, number[0], (int(left), y), 0.72, outlined=True)


def lighten(color: Sequence[int]) -> Color:
    """Mix a color with white until it shows on dark water and woods."""
    red, green, blue = map(int, color)
    brightness = 0.3 * red + 0.6 * green + 0.1 * blue
    share = max(0.0, DARKEST - brightness) / (255 - min(brightness, 254))
    return tuple(round(v + share * (255 - v)) for v in (red, green, blue))


def _outline(image: np.ndarray, corners: np.ndarray, colors: Sequence[Color]) -> None:
    # Corners are in sixteenths of a pixel, so that small boxes keep their angle.
    for box, color in zip(np.rint(16 * corners), colors, strict=True):
        cv2.polylines(image, [box.astype(np.int32)], True, color, 2, cv2.LINE_AA, 4)
