"""Pictures of oriented boxes that a person can read."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
from mmengine.structures import BaseDataElement, InstanceData
from mmrotate.structures.bbox import rbox2qbox
from mmrotate.visualization import RotLocalVisualizer

from rsp.registry import VISUALIZERS

INK, PAPER, GRAY = (0, 0, 0), (255, 255, 255), (200, 200, 200)
ROW, MARGIN, TEXT, LINE = 22, 8, 0.48, 2
# Brightness below which a color drowns in water and woods, 0 to 255.
DARKEST = 100
Color = tuple[int, ...]


@VISUALIZERS.register_module()
class OrientedBoxVisualizer(RotLocalVisualizer):
    """Truth on the left, prediction on the right, classes by color and legend.

    Aerial images hold hundreds of small objects: mmrotate writes class and score into
    each, which hides the objects. Here each panel has a title with the number of
    objects and a legend with the classes and their counts; lines are thin, dark
    colors are lightened, small images are enlarged. Scores are written beside
    the boxes while there are few. Truth that is not scored (difficult) is gray.

    Args:
        name: Of this visualizer, for mmengine.
        longest: Images of which no side is longer than half of this are enlarged,
            pixels.
        most_scores: Scores are left out if there are more predictions.
        kwargs: Of mmrotate's visualizer.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        longest: int = 1024,
        most_scores: int = 20,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.longest = longest
        self.most_scores = most_scores

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: BaseDataElement | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float = 0.3,
        step: int = 0,
    ) -> None:
        """Paint one image; arguments as in mmdet's DetLocalVisualizer.

        Args:
            name: Of the picture.
            image: Shape (H, W, 3), red first, 0 to 255.
            data_sample: With ``gt_instances`` and ``pred_instances``, boxes in pixels
                of the image.
            draw_gt: Whether to paint the truth.
            draw_pred: Whether to paint the prediction.
            show: Whether to open a window.
            wait_time: Seconds it stays open.
            out_file: File to write to.
            pred_score_thr: Predictions of this score or less are left out.
            step: Of the training, for the logs.
        """
        sample = BaseDataElement() if data_sample is None else data_sample.cpu()
        panels = []
        if draw_gt and len(sample.get('gt_instances', ())) + len(
            sample.get('ignored_instances', ())
        ):
            panels.append(self._truth(image, sample))
        elif draw_gt and 'gt_instances' in sample and sample.gt_instances.keys():
            panels.append(self._panel(image, 'truth: no objects', [], []))
        if draw_pred and 'pred_instances' in sample:
            panels.append(
                self._prediction(image, sample.pred_instances, pred_score_thr)
            )
        picture = _side_by_side(panels or [self._panel(image, name, [], [])])
        self.set_image(picture)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(picture[..., ::-1], out_file)
        else:
            self.add_image(name, picture, step)

    def _truth(self, image: np.ndarray, sample: BaseDataElement) -> np.ndarray:
        scored, ignored = sample.gt_instances, sample.get('ignored_instances', ())
        title = f'truth: {_count(len(scored))}'
        legend, strokes = self._classes(scored)
        if len(ignored):
            title += f', {len(ignored)} more not scored'
            legend.append(('not scored', GRAY))
            strokes = [(corners, GRAY, '') for corners in _corners(ignored)] + strokes
        return self._panel(image, title, legend, strokes)

    def _prediction(
        self, image: np.ndarray, found: InstanceData, threshold: float
    ) -> np.ndarray:
        everything, found = found, found[found.scores > threshold]
        legend, strokes = self._classes(found)
        if len(found) <= self.most_scores:
            strokes = [
                (corners, color, f'{score:.2f}')
                for (corners, color, _), score in zip(
                    strokes, found.scores.tolist(), strict=True
                )
            ]
        title = f'prediction: {_count(len(found))} with a score above {threshold:g}'
        if len(everything) and not len(found):
            title += f'; the best has {everything.scores.max():.2f}'
        return self._panel(image, title, legend, strokes)

    def _classes(self, instances: InstanceData) -> tuple[list, list]:
        """Legend entries (text, color) and strokes (corners, color, text)."""
        meta = self.dataset_meta or {}
        labels = instances.labels.tolist() if len(instances) else []
        names = meta.get('classes') or [
            f'class {n}' for n in range(max(labels, default=0) + 1)
        ]
        palette = meta.get('palette') or [(255, 200, 0)] * len(names)
        legend = [
            (f'{names[number]} {count}', _light(palette[number]))
            for number, count in Counter(labels).most_common()
        ]
        strokes = [
            (corners, _light(palette[number]), '')
            for corners, number in zip(_corners(instances), labels, strict=True)
        ]
        return legend, strokes

    def _panel(
        self,
        image: np.ndarray,
        title: str,
        legend: Sequence[tuple[str, Color]],
        strokes: Sequence[tuple[np.ndarray, Color, str]],
    ) -> np.ndarray:
        scale = max(1, self.longest // max(image.shape[:2]))
        canvas = image.clip(0, 255).astype(np.uint8)
        canvas = canvas.repeat(scale, axis=0).repeat(scale, axis=1)
        # Corners are in sixteenths of a pixel, so that small boxes keep their angle.
        for corners, color, _ in strokes:
            points = [np.round(corners * scale * 16).astype(np.int32)]
            cv2.polylines(canvas, points, True, color, LINE, cv2.LINE_AA, 4)
        for corners, _, text in strokes:
            x, y = np.round(corners[corners[:, 1].argmin()] * scale).astype(int)
            _write(canvas, text, (int(x) + 2, int(y) - 3), 0.36, outlined=True)
        return np.concatenate([_header(canvas.shape[1], title, legend), canvas])


def _count(objects: int) -> str:
    return f'{objects} object{"" if objects == 1 else "s"}'


def _light(color: Sequence[int]) -> Color:
    """A color that shows on dark water and woods: mixed with white if need be."""
    red, green, blue = color
    brightness = 0.3 * red + 0.6 * green + 0.1 * blue
    share = (
        max(0.0, (DARKEST - brightness) / (255 - brightness)) if brightness < 255 else 0
    )
    return tuple(round(value + share * (255 - value)) for value in color)


def _corners(instances: InstanceData) -> np.ndarray:
    """Corners of rotated boxes, shape (N, 4, 2), pixels."""
    if not len(instances):
        return np.zeros((0, 4, 2))
    boxes = getattr(instances.bboxes, 'tensor', instances.bboxes)
    corners = boxes if boxes.shape[-1] == 8 else rbox2qbox(boxes)
    return corners.reshape(-1, 4, 2).numpy()


def _header(width: int, title: str, legend: Sequence[tuple[str, Color]]) -> np.ndarray:
    """A strip with the title and as many rows of the legend as it takes."""
    places, row, x = [], 1, MARGIN
    for text, _ in legend:
        taken = 24 + cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, TEXT, 1)[0][0]
        if x > MARGIN and x + taken > width:
            row, x = row + 1, MARGIN
        places.append((row, x))
        x += taken + MARGIN
    strip = np.full(((row + 1) * ROW + MARGIN, width, 3), PAPER, dtype=np.uint8)
    _write(strip, title, (MARGIN, ROW - 5), TEXT + 0.07)
    for (text, color), (row, x) in zip(legend, places, strict=True):
        top = row * ROW + 5
        cv2.rectangle(strip, (x, top), (x + 14, top + 14), color, cv2.FILLED)
        cv2.rectangle(strip, (x, top), (x + 14, top + 14), INK, 1)
        _write(strip, text, (x + 20, top + 12), TEXT)
    return strip


def _write(
    canvas: np.ndarray,
    text: str,
    place: tuple[int, int],
    size: float,
    outlined: bool = False,
) -> None:
    font = cv2.FONT_HERSHEY_SIMPLEX
    if outlined:
        cv2.putText(canvas, text, place, font, size, INK, 3, cv2.LINE_AA)
    ink = PAPER if outlined else INK
    cv2.putText(canvas, text, place, font, size, ink, 1, cv2.LINE_AA)


def _side_by_side(panels: Sequence[np.ndarray]) -> np.ndarray:
    """Panels of one width in a row, their images at the same height."""
    height = max(panel.shape[0] for panel in panels)
    gap = np.full((height, MARGIN, 3), PAPER, dtype=np.uint8)
    row: list[np.ndarray] = []
    for panel in panels:
        above = np.full((height - panel.shape[0], panel.shape[1], 3), 255, np.uint8)
        row += [gap, np.concatenate([above, panel])]
    return np.concatenate(row[1:], axis=1)
