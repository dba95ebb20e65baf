"""Draw a segmentation with its truth, its errors and a legend."""

from typing import Any

import cv2
import numpy as np
from mmengine.structures import BaseDataElement
from mmseg.visualization import SegLocalVisualizer

from rsp.registry import VISUALIZERS
from rsp.visualization.panels import DARK, GRAY, HATCHED, Entry, Panel, arrange, hatch
from rsp.visualization.visualizer import PanelVisualizer, label_map

RED, MAGENTA = (220, 0, 0), (255, 0, 255)


@VISUALIZERS.register_module()
class SegmentationVisualizer(PanelVisualizer, SegLocalVisualizer):
    """Draw image, truth, prediction and errors side by side, with a legend.

    mmseg blends colors into the image and writes white class names onto regions, which
    are illegible on small or white ones. Here colors are those of the legend. Ignored
    pixels are hatched: in the truth as such, in prediction and errors because nothing
    counts there. Outputs beyond the classes (clutter) are magenta.
    """

    def compose(
        self,
        image: np.ndarray,
        sample: BaseDataElement,
        draw_gt: bool = True,
        draw_pred: bool = True,
        **options: Any,
    ) -> np.ndarray:
        """Return the picture of a sample.

        Args:
            image: RGB, shape (H, W, 3), uint8.
            sample: ``gt_sem_seg`` and ``pred_sem_seg`` of shape (1, H, W); 255 is
                ignored.
            draw_gt: Whether to draw the truth.
            draw_pred: Whether to draw the prediction.
            options: Without effect.
        """
        size = image.shape[:2]
        truth = label_map(sample, 'gt_sem_seg', size) if draw_gt else None
        pred = label_map(sample, 'pred_sem_seg', size) if draw_pred else None
        ignored = np.zeros(size, bool) if truth is None else truth == 255
        panels = [Panel('image', image)]
        if truth is not None:
            panels.append(Panel('truth', self._paint(truth, ignored)))
        if pred is not None:
            panels.append(Panel('prediction', self._paint(pred, ignored)))
        if truth is not None and pred is not None:
            wrong = (truth != pred) & ~ignored
            share = 100 * wrong.sum() / max((~ignored).sum(), 1)
            title = f'errors in red: {share:.1f} %'
            panels.append(Panel(title, paint_errors(image, wrong, ignored)))
        legend = self._legend([x for x in (truth, pred) if x is not None])
        return arrange(panels, legend, self.min_size)

    def _colors(self) -> np.ndarray:
        """Return the color of every label, shape (256, 3); unknown ones are magenta."""
        table = np.tile(np.array(MAGENTA, np.uint8), (256, 1))
        palette = np.array(self.dataset_meta['palette'], np.uint8)
        table[: len(palette)] = palette
        return table

    def _paint(self, labels: np.ndarray, ignored: np.ndarray) -> np.ndarray:
        picture, lines = self._colors()[labels], hatch(labels.shape)
        picture[ignored & lines] = DARK
        picture[(labels == 255) & lines] = GRAY
        picture[(labels == 255) & ~lines] = DARK
        return picture

    def _legend(self, shown: list[np.ndarray]) -> list[Entry]:
        """Return the legend's entries: all labels in the picture."""
        seen = {int(label) for labels in shown for label in np.unique(labels)}
        classes, colors = self.dataset_meta['classes'], self._colors()
        entries = [
            Entry(name, tuple(colors[k].tolist()))
            for k, name in enumerate(classes)
            if k in seen
        ]
        if seen - {*range(len(classes)), 255}:
            entries.append(Entry('output without class', MAGENTA))
        if 255 in seen:
            entries.append(Entry('ignored', HATCHED))
        return entries


def paint_errors(
    image: np.ndarray, wrong: np.ndarray, ignored: np.ndarray
) -> np.ndarray:
    """Paint wrong pixels red and hatch ignored ones, on a pale gray image.

    Args:
        image: RGB, shape (H, W, 3), uint8.
        wrong: Shape (H, W), bool.
        ignored: Shape (H, W), bool.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    picture = np.repeat((128 + gray // 3)[..., None], 3, axis=2)
    picture[wrong] = RED
    picture[ignored & hatch(wrong.shape)] = DARK
    return picture
