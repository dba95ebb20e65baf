"""Pictures of a segmentation that explain themselves."""

from collections.abc import Sequence

import cv2
import mmcv
import numpy as np
from mmengine.dist import master_only
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from rsp.registry import VISUALIZERS
from rsp.visualization.panels import (
    DARK,
    LIGHT,
    MAGENTA,
    add_title,
    draw_legend,
    hatch,
    paint_errors,
)


@VISUALIZERS.register_module()
class SegmentationVisualizer(SegLocalVisualizer):
    """Image, truth, prediction and errors side by side, with a legend.

    mmseg blends colors into the image and writes white class names onto regions, which
    nobody reads on small or white ones. Here colors are those of the legend. Ignored
    pixels are hatched: in the truth as such, in prediction and errors because nothing
    counts there. Outputs beyond the classes (clutter) are magenta.

    Args:
        name: Under which the instance is found.
        panel: Least width of a panel, pixels; smaller images are enlarged.
        kwargs: Arguments of mmseg's SegLocalVisualizer.
    """

    def __init__(
        self, name: str = 'visualizer', panel: int = 320, **kwargs: object
    ) -> None:
        super().__init__(name, **kwargs)
        self.panel = panel

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
        **kwargs: object,
    ) -> None:
        """Draw one image with what is known of it.

        Args:
            name: Title of the image.
            image: RGB, shape (H, W, 3), uint8.
            data_sample: Truth and prediction, each (1, H, W) labels.
            draw_gt: Whether to draw the truth.
            draw_pred: Whether to draw the prediction.
            show: Whether to open a window.
            wait_time: Seconds to show it.
            out_file: File to write instead of the backends of the visualizer.
            step: Iteration that backends file the picture under.
            kwargs: Of mmseg's visualizer, without effect here.
        """
        size = image.shape[:2]
        truth = _labels(data_sample, 'gt_sem_seg', size) if draw_gt else None
        pred = _labels(data_sample, 'pred_sem_seg', size) if draw_pred else None
        picture = self.compose(image, truth, pred)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(mmcv.rgb2bgr(picture), out_file)
        elif not show:
            self.add_image(name, picture, step)

    def compose(
        self, image: np.ndarray, truth: np.ndarray | None, pred: np.ndarray | None
    ) -> np.ndarray:
        """Put the panels and the legend together.

        Args:
            image: RGB, shape (H, W, 3), uint8.
            truth: Labels, shape (H, W); 255 is ignored.
            pred: Labels, shape (H, W).

        Returns:
            RGB, uint8.
        """
        ignored = None if truth is None else truth == 255
        panels = [('image', image)]
        if truth is not None:
            panels.append(('truth', self._paint(truth, ignored)))
        if pred is not None:
            panels.append(('prediction', self._paint(pred, ignored)))
        if truth is not None and pred is not None:
            wrong = (truth != pred) & (truth != 255)
            scored = max(int((truth != 255).sum()), 1)
            title = f'errors in red: {100 * wrong.sum() / scored:.1f} %'
            panels.append((title, paint_errors(image, wrong, truth == 255)))
        fitted = [(title, self._fit(panel)) for title, panel in panels]
        # Lettering grows with the picture.
        unit = -(-fitted[0][1].shape[1] // 640)
        row = np.concatenate([add_title(*panel, unit) for panel in fitted], axis=1)
        strip = draw_legend(self._legend(truth, pred), row.shape[1], unit)
        return np.concatenate([row, strip], axis=0)

    def _colors(self) -> np.ndarray:
        """Color of every label, shape (256, 3); unknown ones are magenta."""
        table = np.tile(np.array(MAGENTA, np.uint8), (256, 1))
        palette = np.array(self.dataset_meta['palette'], np.uint8)
        table[: len(palette)] = palette
        return table

    def _paint(self, labels: np.ndarray, ignored: np.ndarray | None) -> np.ndarray:
        picture = self._colors()[labels]
        if ignored is None:
            return picture
        lines = hatch(labels.shape)
        picture[ignored & lines] = DARK
        picture[(labels == 255) & lines] = LIGHT
        picture[(labels == 255) & ~lines] = DARK
        return picture

    def _fit(self, panel: np.ndarray) -> np.ndarray:
        """Enlarge a small panel by a whole factor, so that pixels stay square."""
        factor = -(-self.panel // panel.shape[1])
        return panel.repeat(factor, axis=0).repeat(factor, axis=1)

    def _legend(
        self, truth: np.ndarray | None, pred: np.ndarray | None
    ) -> list[tuple[str, Sequence[int] | None]]:
        """Name and color (None: hatched) of all that can be seen."""
        seen = np.concatenate([np.unique(x) for x in (truth, pred) if x is not None])
        classes, colors = self.dataset_meta['classes'], self._colors()
        entries: list[tuple[str, Sequence[int] | None]] = [
            (name, colors[k].tolist()) for k, name in enumerate(classes) if k in seen
        ]
        if ((seen >= len(classes)) & (seen != 255)).any():
            entries.append(('output without class', MAGENTA))
        if 255 in seen:
            entries.append(('ignored', None))
        return entries


def _labels(
    sample: SegDataSample | None, key: str, size: tuple[int, int]
) -> np.ndarray | None:
    """Labels of one kind at the size of the picture, or None."""
    if sample is None or key not in sample:
        return None
    labels = getattr(sample, key).data.cpu().numpy().squeeze(0).astype(np.uint8)
    if labels.shape != size:
        labels = cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST)
    return labels
