"""Load a mask that must fit its image and its classes."""

from typing import Any

from mmseg.datasets.transforms import LoadAnnotations

from rsp.errors import UserError
from rsp.io.images import read_info
from rsp.registry import TRANSFORMS
from rsp.tasks.common.masks import (
    colors_to_labels,
    gray_to_labels,
    read_mask_values,
    refuse_blurred,
    require_known_colors,
    require_size,
)


@TRANSFORMS.register_module()
class LoadMaskAnnotations(LoadAnnotations):
    """Load the mask of an image of `rsp.MaskFolder`.

    mmseg's loader passes unknown gray values on, where they train as classes that do
    not exist or raise on the device, and lets a mask of another size through to the
    crop, which then cuts image and mask apart.

    Needs ``seg_map_path`` and ``label_map``, of a data set with colors ``color_map``;
    adds ``gt_seg_map`` (H, W), uint8. May stand before or after a resize of the image:
    the file's size counts.

    Args:
        kwargs: Those of mmseg's loader, without ``reduce_zero_label``: the data set
            says what gray value 0 means.

    Raises:
        UserError: If the mask has another size than its image, or holds a value or
            color that stands for nothing.
    """

    def __init__(self, **kwargs: Any) -> None:
        if kwargs.get('reduce_zero_label'):
            raise UserError(
                'expected no reduce_zero_label in rsp.LoadMaskAnnotations, it would '
                "have no effect; set 'ignored_values' of the data set to [0] and "
                "'mask_values' to those of the classes."
            )
        super().__init__(**kwargs)

    def _load_seg_map(self, results: dict[str, Any]) -> None:
        path = results['seg_map_path']
        colors = results.get('color_map')
        mask = read_mask_values(path, colors=colors is not None)
        require_size(mask[..., 0] if colors else mask, _image_size(results), path,
                     results['img_path'])  # fmt: skip
        if colors is not None:
            labels, unknown = colors_to_labels(mask, colors)
            require_known_colors(unknown, colors, path)
        else:
            refuse_blurred(mask, path, results['label_map'])
            try:
                labels = gray_to_labels(mask, results['label_map'])
            except UserError as error:
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
