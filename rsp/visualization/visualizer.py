"""Draw samples as panels, and show, write or log the picture."""

from collections.abc import Callable
from typing import Any

import cv2
import mmcv
import numpy as np
from mmengine.dist import master_only
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer

from rsp.io.images import read_pixels


class PanelVisualizer(Visualizer):
    """Draw samples by `compose`, which a subclass defines.

    Args:
        name: Name by which mmengine finds the instance.
        min_size: Narrower images are enlarged by a whole factor to at least this width,
            pixels, so that the text above them can be read.
        kwargs: Arguments of the visualizer of the task's mm-project.
    """

    def __init__(
        self, name: str = 'visualizer', min_size: int = 320, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.min_size = min_size
        # Reads a further image of a sample by its path: RGB, uint8.
        self.picture: Callable[[str], np.ndarray] = read_pixels

    def compose(
        self,
        image: np.ndarray,
        sample: BaseDataElement,
        draw_gt: bool,
        draw_pred: bool,
        **options: Any,
    ) -> np.ndarray:
        """Return the picture of a sample, RGB, uint8; see `add_datasample`."""
        raise NotImplementedError

    @master_only
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
        step: int = 0,
        **options: Any,
    ) -> None:
        """Draw one image, and write it, show it, or give it to the backends.

        Args:
            name: Name of the picture, for the backends.
            image: RGB, shape (H, W, 3), 0 to 255.
            data_sample: Truth and prediction.
            draw_gt: Whether to draw the truth, where there is any.
            draw_pred: Whether to draw the prediction, where there is one.
            show: Whether to open a window.
            wait_time: Seconds it stays open; 0: until a key.
            out_file: File to write instead of the backends.
            step: Step of the run, for the backends.
            options: Those of the task's visualizer; unknown ones have no effect.
        """
        image = np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))
        sample = BaseDataElement() if data_sample is None else data_sample.cpu()
        picture = self.compose(image, sample, draw_gt, draw_pred, **options)
        self.set_image(picture)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(mmcv.rgb2bgr(picture), out_file)
        elif not show:
            self.add_image(name, picture, step)


def label_map(
    sample: BaseDataElement, key: str, size: tuple[int, ...]
) -> np.ndarray | None:
    """Return labels at the size of the picture, (H, W), uint8; None without any.

    Args:
        sample: mmseg's sample.
        key: ``gt_sem_seg`` or ``pred_sem_seg``.
        size: (H, W) of the picture.
    """
    if key not in sample:
        return None
    labels = getattr(sample, key).data.numpy().squeeze(0).astype(np.uint8)
    if labels.shape != size:
        labels = cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST)
    return labels
