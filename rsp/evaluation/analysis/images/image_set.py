"""Hold the images that backbones are compared on, with what is known of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.datasets.transforms.shown_bands import band_names, find_shown
from rsp.evaluation.analysis.images.objects import inside_boxes, inside_mask

# Of a longer side, pixels: what a CPU maps in seconds.
LARGEST = 1024


@dataclass
class ImageSet:
    """Hold a set of images; pixels are read when they are asked for.

    Attributes:
        paths: Of the files.
        classes: Names; empty if unknown.
        labels: Class of each image, shape (N,); None without.
        dataset: Of a config, which knows boxes and masks; None for a folder.
        reader: Reads files as the config says.
        masks: Of a folder: files whose pixels are objects where they are not black.
        is_folder: Whether no config tells how they are read.
    """

    paths: list[str]
    classes: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    dataset: Any = None
    reader: LoadImageFromFile = field(default_factory=LoadImageFromFile)
    masks: list[str] | None = None
    is_folder: bool = False

    def __len__(self) -> int:
        return len(self.paths)

    def names(self, indices: Sequence[int] | None = None) -> list[str]:
        """Return the file names with their folders, as results call images."""
        chosen = range(len(self)) if indices is None else indices
        return ['/'.join(Path(self.paths[i]).parts[-2:]) for i in chosen]

    def pixels(self, index: int) -> np.ndarray:
        """Read an image to look at, shape (H, W, 3), uint8, RGB."""
        return np.ascontiguousarray(self.reader.picture(self.paths[index]))

    def caption(self) -> str:
        """Say which bands pictures show as red, green and blue; empty of plain ones."""
        said = self.reader.look(self.paths[0])[1]
        if said or Path(self.paths[0]).suffix.lower() not in ('.tif', '.tiff'):
            return said
        plain = LoadImageFromFile(bands=self.reader.bands)
        count = len(band_names(plain, self.paths[0]))
        return find_shown(plain, self.paths[0], count)[1] if count > 3 else ''

    def class_of(self, index: int) -> str:
        """Return the name of an image's class; empty if it has none."""
        if self.labels is None:
            return ''
        return str(self.classes[self.labels[index]])

    def inside(self, index: int, size: tuple[int, int]) -> np.ndarray | None:
        """Return where the objects of an image are.

        Args:
            index: Of the image.
            size: Height and width of the image, pixels.

        Returns:
            Shape (H, W), bool: inside of any box that is not to be ignored, or where a
            mask has a class other than the background; None if nothing is known.

        Raises:
            UserError: If the mask has no class of the background.
        """
        if self.masks is not None:
            return np.any(self.reader.picture(self.masks[index]), axis=2)
        if self.dataset is None:
            return None
        info = self.dataset.get_data_info(index)
        if info.get('seg_map_path'):
            return inside_mask(self.dataset, info)
        if 'instances' in info:
            return inside_boxes(info['instances'], size)
        return None

    def only(self, indices: Sequence[int]) -> 'ImageSet':
        """Return some of the images, with labels and without boxes and masks."""
        labels = None if self.labels is None else self.labels[list(indices)]
        paths = [self.paths[i] for i in indices]
        return replace(self, paths=paths, labels=labels, dataset=None, masks=None)


def resize(pixels: np.ndarray, size: int | None, square: bool = False) -> np.ndarray:
    """Scale an image, and cut out its center where all have to be of one size.

    Args:
        pixels: Shape (H, W, C).
        size: Of the shorter side; None leaves it, but for sides above `LARGEST`.
        square: Whether to cut out the square in its middle.
    """
    height, width = pixels.shape[:2]
    factor = size / min(height, width) if size else min(1, LARGEST / max(height, width))
    if factor != 1:
        new = max(1, round(width * factor)), max(1, round(height * factor))
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        pixels = per_band(pixels, lambda x: cv2.resize(x, new, interpolation=way))
    if square:
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[top : top + side, left : left + side]
    return np.ascontiguousarray(pixels)


def per_band(
    pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Apply a function of OpenCV's, some of which take four bands at most.

    Args:
        pixels: Shape (H, W, C).
        change: Of images, (H, W, C) or (H, W).

    Returns:
        Shape (h, w, C).
    """
    if pixels.shape[2] <= 4:
        return change(pixels)
    return np.stack([change(band) for band in np.moveaxis(pixels, 2, 0)], axis=2)
