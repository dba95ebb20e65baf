"""Tell where the objects of an image are, by its boxes or its mask."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from rsp.errors import UserError


def inside_boxes(instances: Sequence[Mapping], size: tuple[int, int]) -> np.ndarray:
    """Return what is inside of any box that is not to be ignored, (H, W), bool.

    Args:
        instances: Each with ``bbox``: two corners or four, x and y in pixels.
        size: Height and width of the image, pixels.
    """
    inside = np.zeros(size, np.uint8)
    for instance in instances:
        if instance.get('ignore_flag'):
            continue
        box = np.asarray(instance['bbox'], np.float64)
        if len(box) == 4:
            box = box[[0, 1, 2, 1, 2, 3, 0, 3]]
        # Corners; the color of a pixel is that of its center.
        cv2.fillPoly(inside, [np.round(box.reshape(-1, 2)).astype(np.int32)], 1)
    return inside.astype(bool)


def inside_mask(dataset: Any, info: dict[str, Any]) -> np.ndarray:
    """Return where the mask of an image has a class but the background, (H, W), bool.

    Args:
        dataset: Whose pipeline loads the masks.
        info: Of the image.

    Raises:
        UserError: If it loads none, or no class is the background.
    """
    steps = dataset.pipeline.transforms
    loads = [step for step in steps if type(step).__name__.endswith('Annotations')]
    if not loads:
        raise UserError(
            f'the pipeline of {type(dataset).__name__} does not load its masks; give '
            'a config whose test pipeline does.'
        )
    info.setdefault('seg_fields', [])
    mask = loads[0](info)['gt_seg_map']
    classes = [str(name).lower() for name in dataset.metainfo.get('classes') or ()]
    if 'background' not in classes:
        raise UserError(
            "expected masks with a class 'background', to tell objects from the rest, "
            f'got {classes}; a score inside of objects needs one.'
        )
    return np.asarray((mask != classes.index('background')) & (mask != 255))
