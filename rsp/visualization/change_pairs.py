"""Pictures of a pair, its truth, and what was found."""

from typing import Any

import cv2
import mmcv
import numpy as np
from mmengine.visualization import Visualizer
from torch import Tensor

from rsp.ops.confusion import count_pixels
from rsp.registry import VISUALIZERS

# Red, green, blue; told apart by people with any kind of color vision
# (https://jfly.uni-koeln.de/color/).
COLORS = dict(
    hit=(255, 255, 255), false_alarm=(230, 159, 0), miss=(0, 114, 178), rest=(0, 0, 0)
)
IGNORED = (128, 128, 128)
INK, PAPER = (30, 30, 30), (245, 245, 245)
GAP, TITLE, TEXT = 8, 26, 0.5


@VISUALIZERS.register_module()
class ChangeVisualizer(Visualizer):
    """Paint the two dates, the true mask, and the predicted one, side by side.

    In the prediction hits are white, false alarms orange, misses blue, and what neither
    changed nor was found black; pixels that do not count are gray. Without the truth,
    what was found is white.

    Args:
        name: By which mmengine finds it again.
        min_size: Smaller images are enlarged to at least this many pixels, so that the
            text beside them stays readable.
        kwargs: Those of mmengine's Visualizer.
    """

    def __init__(
        self, name: str = 'visualizer', min_size: int = 256, **kwargs: Any
    ) -> None:
        super().__init__(name, **kwargs)
        self.min_size = min_size

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: Any = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
    ) -> None:
        """Paint a pair, and write it, show it, or give it to the backends.

        Args:
            name: Of the picture, for the backends.
            image: The earlier date, (H, W, 3), RGB; the later one is read from
                ``data_sample.img_path2``.
            data_sample: Holds ``gt_sem_seg`` and ``pred_sem_seg`` of shape (1, H, W).
            draw_gt: Whether to paint the truth.
            draw_pred: Whether to paint the prediction.
            show: Open a window.
            wait_time: Seconds it stays open.
            out_file: File to write.
            step: For the backends.
        """
        picture = self._compose(image, data_sample, draw_gt, draw_pred)
        self.set_image(picture)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(picture[..., ::-1], out_file)
        elif not show:
            self.add_image(name, picture, step)

    def _compose(
        self, image: np.ndarray, sample: Any, draw_gt: bool, draw_pred: bool
    ) -> np.ndarray:
        truth = _mask(sample, 'gt_sem_seg') if draw_gt else None
        found = _mask(sample, 'pred_sem_seg') if draw_pred else None
        panels = [('earlier date', image)]
        if sample is not None and 'img_path2' in sample:
            later = mmcv.imread(sample.img_path2, channel_order='rgb')
            panels.append(('later date', later))
        if truth is not None:
            share = 100 * (truth == 1).float().mean()
            title = f'truth: {share:.1f} % changed'
            panels.append((title, paint_comparison(truth, truth)))
        if found is not None:
            title = 'prediction'
            if truth is not None:
                title += f': F1 {count_pixels(found, truth).scores()["F1"]:.1f} %'
            panels.append((title, paint_comparison(found, truth)))
        compared = truth is not None and found is not None
        return self._set_side_by_side(panels, legend=compared)

    def _set_side_by_side(
        self, panels: list[tuple[str, np.ndarray]], legend: bool
    ) -> np.ndarray:
        height, width = panels[0][1].shape[:2]
        enlarged = -(-self.min_size // min(height, width))
        height, width = height * enlarged, width * enlarged
        page = np.full(
            (height + 2 * TITLE + GAP, len(panels) * (width + GAP) + GAP, 3),
            PAPER,
            dtype=np.uint8,
        )
        for number, (title, pixels) in enumerate(panels):
            left = GAP + number * (width + GAP)
            page[TITLE : TITLE + height, left : left + width] = cv2.resize(
                pixels, (width, height), interpolation=cv2.INTER_NEAREST
            )
            _write(page, title, left, TITLE - GAP)
        if legend:  # below the last panel, the prediction
            _draw_legend(page, left, TITLE + height + 18)
        return page


def paint_comparison(found: Tensor, truth: Tensor | None) -> np.ndarray:
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
        here = ((truth == 1) == is_true) & ((found == 1) == is_found)
        picture[here.numpy()] = COLORS[name]
    picture[(truth == 255).numpy()] = IGNORED
    return picture


def _mask(sample: Any, key: str) -> Tensor | None:
    if sample is None or key not in sample:
        return None
    return getattr(sample, key).data[0].cpu()


def _draw_legend(page: np.ndarray, left: int, baseline: int) -> None:
    for name in ('hit', 'false_alarm', 'miss'):
        corners = (left, baseline - 11), (left + 12, baseline + 1)
        cv2.rectangle(page, *corners, COLORS[name], thickness=-1)
        cv2.rectangle(page, *corners, INK, thickness=1)
        left = _write(page, name.replace('_', ' '), left + 18, baseline) + 16


def _write(page: np.ndarray, text: str, left: int, baseline: int) -> int:
    """Write a line in place; return where it ends."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(page, text, (left, baseline), font, TEXT, INK, 1, cv2.LINE_AA)
    return left + cv2.getTextSize(text, font, TEXT, 1)[0][0]
