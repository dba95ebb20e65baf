"""Load a mask that must fit its image and its classes."""

from typing import Any

import mmcv
import numpy as np
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations

from rsp.errors import UserError, shorten
from rsp.io.images import read_info
from rsp.registry import TRANSFORMS
from rsp.tasks.common.masks import require_size

UNKNOWN = 254


def gray_to_labels(mask: np.ndarray, labels: dict[int, int]) -> np.ndarray:
    """Replace gray values by labels.

    Args:
        mask: Gray values, shape (H, W).
        labels: Label in 0 to 253, or 255 for ignored pixels, of every known value.

    Returns:
        Shape (H, W), uint8.

    Raises:
        UserError: With the unknown values and how often they occur.
    """
    known = np.full(256, UNKNOWN, dtype=np.uint8)
    known[list(labels)] = list(labels.values())
    codes = mask.astype(np.uint8)
    out = known[codes]
    strange = (out == UNKNOWN) | (codes != mask)
    if strange.any():
        values, counts = np.unique(mask[strange], return_counts=True)
        shown = [f'{v} ({n} pixels)' for v, n in zip(values, counts, strict=True)]
        raise UserError(
            f'expected the gray values {sorted(labels)}, got also '
            f'{shorten(shown, 8, f"and {len(shown) - 8} more")}'
        )
    return out


@TRANSFORMS.register_module()
class LoadMaskAnnotations(LoadAnnotations):
    """Load the mask of an image of `rsp.MaskFolder`.

    mmseg's loader passes unknown gray values on, where they train as classes that do
    not exist or raise on the device, and lets a mask of another size through to the
    crop, which then cuts image and mask apart.

    Needs ``seg_map_path`` and ``label_map``; adds ``gt_seg_map`` (H, W), uint8. May
    stand before or after a resize of the image: the file's size counts.

    Raises:
        UserError: If the mask is no single channel, has another size than its image,
            or holds a value that stands for nothing.
    """

    def _load_seg_map(self, results: dict[str, Any]) -> None:
        path = results['seg_map_path']
        try:
            content = fileio.get(path, backend_args=self.backend_args)
            mask = mmcv.imfrombytes(
                content, flag='unchanged', backend=self.imdecode_backend
            )
        except OSError as error:
            raise UserError(
                f"cannot read the mask '{path}' ({error}); repair it, or remove it "
                'with its image.'
            ) from error
        if mask.ndim != 2:
            raise UserError(
                f"expected one gray value per pixel in '{path}', got an image of shape "
                f'{mask.shape}; convert colors to class numbers first.'
            )
        require_size(mask, _image_size(results), path, results['img_path'])
        try:
            labels = gray_to_labels(mask, results['label_map'])
        except ValueError as error:
            raise UserError(
                f"'{path}': {error}; correct the mask, or name the value in "
                "'mask_values' or 'ignored_values' of the data set."
            ) from error
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')


def _image_size(results: dict[str, Any]) -> tuple[int, int]:
    """Return (H, W) of the image's file, from its header if it is not loaded."""
    if 'ori_shape' in results:
        return results['ori_shape'][:2]
    return read_info(results['img_path']).shape
