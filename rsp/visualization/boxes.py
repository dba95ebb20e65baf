"""Pictures of many small boxes that can be read."""

from collections.abc import Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.dist import master_only
from mmengine.structures import InstanceData

from rsp.registry import VISUALIZERS

FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_SIZE = 0.45
LINE = 18  # pixels from line to line
# Least height of a box with text in it: below, the text would hide the object.
ROOM = 3 * LINE
GRAY = (150, 150, 150)
Color = tuple[int, int, int]


@VISUALIZERS.register_module()
class BoxVisualizer(DetLocalVisualizer):
    """Truth beside (wide images: above) prediction, with the text out of the way.

    mmdet's DetLocalVisualizer writes a label on black into every box, which hides
    objects of twenty pixels. Here a strip above each picture names the classes in the
    colors of their boxes, with their counts; a box carries its name and score in
    percent only where they leave the object visible. Ignored true boxes are gray.

    Args:
        name: Of the instance, for mmengine.
        score_thr: Least score of a box to draw, unless a call says otherwise. Detectors
            that trained for minutes rank well at low scores.
        kwargs: Those of mmdet's DetLocalVisualizer.
    """

    def __init__(
        self, name: str = 'visualizer', score_thr: float = 0.3, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.score_thr = score_thr

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: DetDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float | None = None,
        step: int = 0,
    ) -> None:
        """Draw one image; see mmdet's DetLocalVisualizer.

        Args:
            name: Of the image, for the backends.
            image: RGB, shape (H, W, 3).
            data_sample: With ``gt_instances``, ``pred_instances``, in its pixels.
            draw_gt: Whether to draw the truth, where there is any.
            draw_pred: Whether to draw the prediction, where there is one.
            show: Open a window.
            wait_time: How long that stays, seconds; 0: until a key.
            out_file: Where to write the picture; None hands it to the backends.
            pred_score_thr: Least score of a box to draw; None: ``score_thr``.
            step: Of the run, for the backends.
        """
        image = np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))
        sample = DetDataSample() if data_sample is None else data_sample.cpu()
        panels = []
        if draw_gt and 'gt_instances' in sample:
            ignored = sample.get('ignored_instances')
            panels.append(self._panel(image, sample.gt_instances, 'truth', ignored))
        if draw_pred and 'pred_instances' in sample:
            least = self.score_thr if pred_score_thr is None else pred_score_thr
            found = sample.pred_instances
            found = found[found.scores >= least]
            title = f'prediction (score >= {least:g})'
            panels.append(self._panel(image, found, title))
        drawn = _side_by_side(panels) if panels else image
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(drawn[..., ::-1], out_file)
        else:
            self.add_image(name, drawn, step)

    def _panel(
        self,
        image: np.ndarray,
        instances: InstanceData,
        title: str,
        ignored: InstanceData | None = None,
    ) -> np.ndarray:
        drawn = image.copy()
        for box in _corners(ignored.bboxes) if ignored is not None else ():
            cv2.rectangle(drawn, box[:2], box[2:], GRAY, 1)
        labels = instances.labels.tolist()
        scores = instances.get('scores', [None] * len(labels))
        for box, label, score in zip(
            _corners(instances.bboxes), labels, scores, strict=True
        ):
            cv2.rectangle(drawn, box[:2], box[2:], self._color(label), 2)
            _write_in_box(drawn, box, self._name(label), score)
        present = sorted(set(labels))
        entries = [(f'{title}:', (255, 255, 255))]
        entries += [
            (f'{self._name(n)} {labels.count(n)}', self._color(n)) for n in present
        ]
        if not present:
            entries.append(('nothing', GRAY))
        return np.concatenate([_strip(entries, image.shape[1]), drawn])

    def _name(self, label: int) -> str:
        classes = self.dataset_meta.get('classes') or ()
        return classes[label] if label < len(classes) else f'class {label}'

    def _color(self, label: int) -> Color:
        palette = self.dataset_meta.get('palette')
        # A single class has no color to choose, and many data sets name none.
        if not isinstance(palette, list) or label >= len(palette):
            palette = [(255, 224, 0), (0, 224, 255), (255, 96, 192), (96, 255, 96)]
        red, green, blue = palette[label % len(palette)]
        return int(red), int(green), int(blue)


def _corners(bboxes: torch.Tensor) -> list[list[int]]:
    boxes = bboxes.tensor if hasattr(bboxes, 'tensor') else bboxes
    return boxes.round().int().tolist()


def _width(text: str) -> int:
    return cv2.getTextSize(text, FONT, FONT_SIZE, 1)[0][0]


def _write_in_box(
    image: np.ndarray, box: Sequence[int], name: str, score: float | None
) -> None:
    """Name and score, or the score, or nothing: the most that fits."""
    number = [] if score is None else [f'{100 * float(score):.0f}']
    for text in (' '.join([name, *number]), *number):
        if _width(text) + 6 <= box[2] - box[0] and box[3] - box[1] >= ROOM:
            place = (box[0] + 3, box[1] + LINE - 4)
            cv2.putText(image, text, place, FONT, FONT_SIZE, (0, 0, 0), 3, cv2.LINE_AA)
            cv2.putText(image, text, place, FONT, FONT_SIZE, (255,) * 3, 1, cv2.LINE_AA)
            return


def _strip(entries: Sequence[tuple[str, Color]], width: int) -> np.ndarray:
    """Colored words on black, as many lines as they need, shape (h, width, 3)."""
    places, left, line = [], 4, 0
    for text, _ in entries:
        if left > 4 and left + _width(text) > width:
            left, line = 4, line + 1
        places.append((left, LINE * (line + 1) - 5))
        left += _width(text) + 12
    strip = np.zeros((LINE * (line + 1), width, 3), np.uint8)
    for (text, color), place in zip(entries, places, strict=True):
        cv2.putText(strip, text, place, FONT, FONT_SIZE, color, 1, cv2.LINE_AA)
    return strip


def _side_by_side(panels: Sequence[np.ndarray]) -> np.ndarray:
    """Join along the shorter side, on strips of one height."""
    height, width = (max(panel.shape[axis] for panel in panels) for axis in (0, 1))
    if width > height:
        return np.concatenate(panels, axis=0)
    gap = [((height - panel.shape[0], 0), (0, 4), (0, 0)) for panel in panels]
    return np.concatenate(
        [np.pad(p, g) for p, g in zip(panels, gap, strict=True)], axis=1
    )
