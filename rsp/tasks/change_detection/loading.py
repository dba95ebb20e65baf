"""Load two dates as one image, so that every transform acts on both."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.errors import UserError
from rsp.registry import TRANSFORMS
from rsp.tasks.change_detection.masks import read_mask
from rsp.tasks.common.masks import require_size, show_size


@TRANSFORMS.register_module()
class LoadChangePair(LoadImageFromFile):
    """Load both dates and stack them along the channels.

    Flips, turns, crops and resizes of mmcv and mmseg then treat the six channels
    alike, and `rsp.SiameseEncoderDecoder` parts them again. Transforms of colors do
    not, and are refused: they expect three channels. `rsp.ColorJitter` changes
    brightness and contrast of each channel of each date.

    Required keys: ``img_path``, ``img_path2``. Added: ``img`` of shape (H, W, 6),
    uint8, red, green, blue of the earlier date, then of the later one, or (H, W, 2 C)
    of C bands; ``img_shape`` and ``ori_shape`` (H, W); ``value_range`` where it is
    known. Arguments, such as ``bands`` and ``reflectance``, and what becomes of which
    file: see `rsp.LoadImageFromFile`.
    """

    channel_order = 'RGB'

    @property
    def channels(self) -> int | None:
        """Number of channels of both dates; None if only the files tell."""
        bands = super().channels
        return None if bands is None else 2 * bands

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load a pair.

        Raises:
            UserError: If a file cannot be read, or the two differ in size.
        """
        first = self.read(results['img_path'], 'rgb')
        second = self.read(results['img_path2'], 'rgb')
        sizes = [show_size(date.shape) for date in (first, second)]
        bands = [date.shape[2] for date in (first, second)]
        if sizes[0] == sizes[1] and bands[0] != bands[1]:
            sizes = [f'{count} bands' for count in bands]
        if sizes[0] != sizes[1]:
            raise UserError(
                f'expected two dates of one size, got {sizes[0]} in '
                f"'{results['img_path']}' and {sizes[1]} in '{results['img_path2']}'."
            )
        shape = first.shape[:2]
        image = np.concatenate([first, second], axis=2)
        results |= dict(img=image, img_shape=shape, ori_shape=shape)
        limits = self.value_range('rgb', first)
        if limits is not None:
            per_band = limits.ndim == 2
            results['value_range'] = np.tile(limits, (2, 1)) if per_band else limits
        return results


@TRANSFORMS.register_module()
class LoadChangeAnnotations(BaseTransform):
    """Load the mask of change, as the classes 0 and 1.

    Required keys: ``seg_map_path``; ``img``, if there is one, tells the size. Added:
    ``gt_seg_map`` of shape (H, W), uint8.

    Args:
        lossy: See `read_mask`; True for CDD.
    """

    def __init__(self, lossy: bool = False) -> None:
        self.lossy = lossy

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load a mask.

        Raises:
            MissingData, UserError: See `read_mask`; also if the mask has not the
                size of the images.
        """
        mask = read_mask(results['seg_map_path'], self.lossy)
        if 'img' in results:
            size, file = results['img'].shape, results['seg_map_path']
            require_size(mask, size, file, results['img_path'])
        fields = [*results.get('seg_fields', []), 'gt_seg_map']
        return results | dict(gt_seg_map=mask, seg_fields=fields)
