"""Draw a pair of dates, its truth, and the predicted change."""

from typing import Any

import numpy as np
from mmengine.structures import BaseDataElement

from rsp.registry import VISUALIZERS
from rsp.visualization.panels import Entry, Panel, arrange
from rsp.visualization.visualizer import PanelVisualizer, label_map

# Red, green, blue; told apart by people with any kind of color vision
# (https://jfly.uni-koeln.de/color/).
COLORS = dict(
    hit=(255, 255, 255), false_alarm=(230, 159, 0), miss=(0, 114, 178), rest=(0, 0, 0)
)
IGNORED = (128, 128, 128)


@VISUALIZERS.register_module()
class ChangeVisualizer(PanelVisualizer):
    """Draw the two dates, the true mask, and the predicted one, side by side.

    In the prediction hits are white, false alarms orange, misses blue, and what neither
    changed nor was found black; ignored pixels are gray. Without the truth, predicted
    change is white.

    Args:
        name: See `PanelVisualizer`.
        min_size: See `PanelVisualizer`.
        kwargs: Arguments of mmengine's Visualizer.
    """

    def __init__(
        self, name: str = 'visualizer', min_size: int = 256, **kwargs: Any
    ) -> None:
        super().__init__(name=name, min_size=min_size, **kwargs)

    def compose(
        self,
        image: np.ndarray,
        sample: BaseDataElement,
        draw_gt: bool = True,
        draw_pred: bool = True,
        **options: Any,
    ) -> np.ndarray:
        """Return the picture of a pair.

        Args:
            image: The earlier date, (H, W, 3), RGB; the later one is read from
                ``sample.img_path2``.
            sample: ``gt_sem_seg`` and ``pred_sem_seg`` of shape (1, H, W).
            draw_gt: Whether to draw the truth.
            draw_pred: Whether to draw the prediction.
            options: Without effect.
        """
        size = image.shape[:2]
        truth = label_map(sample, 'gt_sem_seg', size) if draw_gt else None
        found = label_map(sample, 'pred_sem_seg', size) if draw_pred else None
        panels = [Panel('earlier date', image)]
        if 'img_path2' in sample:
            later = self.picture(sample.img_path2)
            panels.append(Panel('later date', later))
        if truth is not None:
            title = f'truth: {100 * (truth == 1).mean():.1f} % changed'
            panels.append(Panel(title, paint_comparison(truth, truth)))
        legend = []
        if found is not None:
            title = 'prediction'
            if truth is not None:
                title += f': F1 {_f1(found, truth):.1f} %'
                shown = ('hit', 'false_alarm', 'miss')
                legend = [Entry(n.replace('_', ' '), COLORS[n]) for n in shown]
            panels.append(Panel(title, paint_comparison(found, truth)))
        return arrange(panels, legend, self.min_size)


def paint_comparison(found: np.ndarray, truth: np.ndarray | None) -> np.ndarray:
    """Color a predicted mask by what is true.

    Args:
        found: Shape (H, W), 1 where change was predicted.
        truth: Shape (H, W), 1 where it changed, 255 where it is unknown; None if all
            is.

    Returns:
        Shape (H, W, 3), uint8, RGB, see `COLORS`.
    """
    truth = found if truth is None else truth
    picture = np.empty((*found.shape, 3), dtype=np.uint8)
    for name, is_true, is_found in (
        ('hit', True, True),
        ('false_alarm', False, True),
        ('miss', True, False),
        ('rest', False, False),
    ):
        picture[((truth == 1) == is_true) & ((found == 1) == is_found)] = COLORS[name]
    picture[truth == 255] = IGNORED
    return picture


def _f1(found: np.ndarray, truth: np.ndarray) -> float:
    """Return F1 of the changed pixels in percent, 0 where nothing is or was found."""
    true, positive = truth == 1, (found == 1) & (truth != 255)
    return 200 * (true & positive).sum() / max(true.sum() + positive.sum(), 1)
