"""Turn the outlines of a COCO json, polygons or RLE, into boxes."""

import warnings
from typing import Any

import cv2
import numpy as np

from rsp.errors import UserError
from rsp.tasks.common.values import refuse_no_pixels


def outline(segmentation: Any, height: int, width: int) -> np.ndarray:
    """Return points whose hull is that of an object.

    Args:
        segmentation: Polygons, each a list x1, y1, x2, y2, ... in pixels; or a mask in
            COCO's run-length encoding, which needs pycocotools.
        height: Of the image, pixels.
        width: Of the image, pixels.

    Returns:
        Shape (N, 2): x and y in pixels; of a mask, corners of its pixels.

    Raises:
        UserError: If it is neither, or empty.
    """
    if isinstance(segmentation, dict):
        return _mask_outline(_decode(segmentation, height, width))
    parts = segmentation if isinstance(segmentation, list) else []
    if parts and not isinstance(parts[0], list):
        parts = [parts]  # One polygon alone, as some tools write it.
    points = []
    for part in parts:
        numbers = all(isinstance(v, int | float) for v in part)
        if not numbers or len(part) < 6 or len(part) % 2:
            raise UserError(
                'expected polygons of at least three corners x1, y1, x2, y2, ... as '
                f'its segmentation, got {str(part)[:60]}; correct it.'
            )
        refuse_no_pixels(part, 'polygon')
        points.append(np.reshape(part, (-1, 2)))
    if not points:
        raise UserError(
            f'expected polygons as its segmentation, got {segmentation!r}; draw one, '
            'or add a bbox.'
        )
    return np.concatenate(points).astype(np.float64)


def upright_box(points: np.ndarray) -> list[float]:
    """Return left, top, right and bottom of points (N, 2)."""
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


def rotated_corners(points: np.ndarray) -> list[float]:
    """Return the corners x1, y1, ..., x4, y4 of the smallest rectangle around points.

    Args:
        points: Shape (N, 2).
    """
    # Single precision is OpenCV's; counted from the middle, little is lost.
    middle = points.mean(axis=0)
    box = cv2.boxPoints(cv2.minAreaRect((points - middle).astype(np.float32)))
    return (box.astype(np.float64) + middle).reshape(-1).tolist()


def _decode(segmentation: dict[str, Any], height: int, width: int) -> np.ndarray:
    """Return the mask (H, W) of a run-length encoding."""
    try:
        from pycocotools import mask  # type: ignore[import-untyped]
    except ImportError as error:
        raise UserError(
            'expected pycocotools to read a segmentation in run-length encoding; pip '
            'install pycocotools, or add a bbox.'
        ) from error
    size = segmentation.get('size')
    if size != [height, width] or not segmentation.get('counts'):
        raise UserError(
            f"expected 'counts' and the size {[height, width]} (height, width) of its "
            f'image in its segmentation, got {size}; correct it.'
        )
    counts = segmentation['counts']
    if isinstance(counts, list):
        # pycocotools would write beyond the mask.
        if min(counts) < 0 or sum(counts) != height * width:
            raise UserError(
                f'expected runs of {height * width} pixels in its segmentation, got '
                f'{sum(counts)}; correct it.'
            )
        segmentation = mask.frPyObjects(segmentation, height, width)
    with warnings.catch_warnings():  # It is not made for NumPy 2.
        warnings.simplefilter('ignore', DeprecationWarning)
        return mask.decode(segmentation)


def _mask_outline(mask: np.ndarray) -> np.ndarray:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        raise UserError('expected a segmentation with pixels, got an empty mask.')
    pixels = np.concatenate(contours).reshape(-1, 1, 2)
    # A pixel reaches from its number to the next one.
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    return (pixels + corners).reshape(-1, 2).astype(np.float64)
