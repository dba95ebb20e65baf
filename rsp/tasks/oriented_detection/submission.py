"""Merge detections in patches into whole images and write them for DOTA's server."""

import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmcv.ops import nms_quadri, nms_rotated
from mmrotate.structures.bbox import rbox2qbox

from rsp.errors import UserError
from rsp.tasks.common.dota_patches import Patch


@dataclass(frozen=True)
class Detections:
    """Store the detections of one patch, or of one whole image.

    Args:
        patch: Its name.
        boxes: Shape (N, 5): center x, y, width, height in pixels of it and angle in
            radians; or (N, 8), corners.
        scores: Shape (N,), 0 to 1.
        labels: Class numbers, shape (N,).
    """

    patch: str
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


def merge(
    detections: Sequence[Detections], num_classes: int, iou_threshold: float
) -> dict[str, list[np.ndarray]]:
    """Move detections to where their patches lie, and drop duplicates of overlaps.

    Rotated non-maximum suppression per image and class, as mmrotate merges.

    Args:
        detections: Of all patches.
        num_classes: K.
        iou_threshold: Of two boxes that overlap more, the better one stays.

    Returns:
        By image, in order of first appearance: for each class, shape (M, 6) or (M, 9):
        box in pixels of the image, score; best first.

    Raises:
        UserError: If a patch's name does not tell where it lies.
    """
    per_image: dict[str, list[list[np.ndarray]]] = defaultdict(
        lambda: [[] for _ in range(num_classes)]
    )
    for found in detections:
        patch = Patch.from_name(found.patch)
        boxes = _moved(found.boxes.astype(np.float64), patch)
        scored = np.concatenate([boxes, found.scores[:, None]], axis=1)
        for number in range(num_classes):
            per_image[patch.image][number].append(scored[found.labels == number])
    return {
        image: [_suppress(np.concatenate(parts), iou_threshold) for parts in classes]
        for image, classes in per_image.items()
    }


def by_class(
    detections: Sequence[Detections], num_classes: int
) -> dict[str, list[np.ndarray]]:
    """Sort the detections of whole images by class, in the form of `merge`."""
    return {
        found.patch: [
            np.concatenate([found.boxes, found.scores[:, None]], axis=1)[
                found.labels == number
            ].astype(np.float64)
            for number in range(num_classes)
        ]
        for found in detections
    }


def write(
    merged: dict[str, list[np.ndarray]], classes: Sequence[str], folder: Path
) -> Path:
    """Write ``Task1_<class>.txt`` for each class, and a zip file of them.

    Lines are ``<image> <score> x1 y1 x2 y2 x3 y3 x4 y4``, corners in pixels of the
    image. Scores have four decimals: mmrotate's two make hundreds of detections equal,
    and their order is what is measured.

    Args:
        merged: See `merge`.
        classes: Names in the order of their numbers.
        folder: Where to; must not exist.

    Returns:
        The zip file, ``<folder>/<name of folder>.zip``.

    Raises:
        UserError: If the folder exists.
    """
    refuse_existing(folder)
    folder.mkdir(parents=True)
    archive = folder / f'{folder.name}.zip'
    with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as zipped:
        for number, name in enumerate(classes):
            file = folder / f'Task1_{name}.txt'
            lines = [
                line
                for image, found in merged.items()
                for line in _lines(image, found[number])
            ]
            file.write_text(''.join(lines), encoding='utf-8')
            zipped.write(file, file.name)
    return archive


def refuse_existing(folder: Path) -> None:
    """Refuse a folder for a submission that is there already.

    Raises:
        UserError: If it exists.
    """
    if folder.exists():
        raise UserError(
            f"expected a new folder for the submission, '{folder}' exists; remove "
            'it or choose another prefix.'
        )


def _moved(boxes: np.ndarray, patch: Patch) -> np.ndarray:
    offset = np.array([patch.x, patch.y], dtype=np.float64)
    if boxes.shape[1] == 8:
        return boxes + np.tile(offset, 4)
    boxes = boxes.copy()
    boxes[:, :2] += offset
    return boxes


def _suppress(scored: np.ndarray, iou_threshold: float) -> np.ndarray:
    if not len(scored):
        return scored
    # Every pair of boxes is compared: minutes on a CPU for a crowded image.
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    boxes, scores = (
        torch.from_numpy(scored).to(device).split([scored.shape[1] - 1, 1], 1)
    )
    suppress = nms_quadri if boxes.shape[1] == 8 else nms_rotated
    _, order = suppress(boxes.contiguous(), scores[:, 0].contiguous(), iou_threshold)
    return scored[order.cpu().numpy()]


def _lines(image: str, scored: np.ndarray) -> list[str]:
    boxes = torch.from_numpy(scored[:, :-1])
    corners = boxes if boxes.shape[1] == 8 else rbox2qbox(boxes)
    return [
        f'{image} {score:.4f} {" ".join(f"{value:.2f}" for value in box)}\n'
        for box, score in zip(corners.tolist(), scored[:, -1].tolist(), strict=True)
    ]
