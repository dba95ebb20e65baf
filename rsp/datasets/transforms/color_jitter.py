"""Changing colours of images that have colours."""

from typing import Any

import numpy as np
from mmpretrain.datasets.transforms import ColorJitter as MMPretrainColorJitter

from rsp.errors import UserError
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ColorJitter(MMPretrainColorJitter):
    """mmpretrain's colour jitter, for images in red, green and blue alone.

    Saturation and hue mean nothing of other bands, and reflectances would be cut to
    whole numbers: both are refused.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change the colours of ``img``, shape (H, W, 3), uint8, BGR.

        Raises:
            ValueError: If it is anything else.
        """
        image = results['img']
        if image.dtype != np.uint8 or image.shape[2:] != (3,):
            raise UserError(
                'rsp.ColorJitter expects images of three bands in 8 bits, got '
                f'{image.shape[-1]} bands of {image.dtype} in '
                f"'{results.get('img_path')}'; take it out of the pipeline, or select "
                "three bands and 'stretch' them."
            )
        return super().transform(results)
