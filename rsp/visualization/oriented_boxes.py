"""Draw oriented boxes so that the objects stay visible."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.structures import InstanceData
from mmrotate.structures.bbox import rbox2qbox
from mmrotate.visualization import RotLocalVisualizer

from rsp.registry import VISUALIZERS
from rsp.visualization.boxes import BoxPanels
from rsp.visualization.panels import write


@VISUALIZERS.register_module()
class OrientedBoxVisualizer(BoxPanels, RotLocalVisualizer):
    """Draw oriented boxes; see `BoxPanels`.

    Args:
        name: See `BoxPanels`.
        min_size: See `BoxPanels`.
        most_scores: Scores stand above the boxes, unless there are more predictions.
        kwargs: See `BoxPanels`.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        min_size: int = 600,
        most_scores: int = 20,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, min_size=min_size, **kwargs)
        self.most_scores = most_scores

    def corners(self, instances: InstanceData) -> np.ndarray:
        """Return the corners of rotated boxes, shape (N, 4, 2), pixels."""
        boxes = getattr(instances.bboxes, 'tensor', instances.bboxes)
        corners = boxes if boxes.shape[-1] == 8 else rbox2qbox(boxes)
        return corners.reshape(-1, 4, 2).numpy()

    def write_texts(
        self, image: np.ndarray, corners: np.ndarray, names: Sequence[str], scores: Any
    ) -> None:
        """Write scores above the boxes, while there are few."""
        if scores is None or len(names) > self.most_scores:
            return
        for box, score in zip(corners, scores.tolist(), strict=True):
            x, y = box[box[:, 1].argmin()].round().astype(int).tolist()
            write(image, f'{score:.2f}', (x + 2, y - 3), 0.72, outlined=True)
