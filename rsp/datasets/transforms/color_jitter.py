"""Change the colors of images that have colors."""

import warnings
from typing import Any

import numpy as np
from mmpretrain.datasets.transforms import ColorJitter as MMPretrainColorJitter

from rsp.errors import UserError
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ColorJitter(MMPretrainColorJitter):
    """Jitter colors as mmpretrain does, of images in red, green and blue alone.

    Saturation and hue mean nothing of other bands, and reflectances would be cut to
    whole numbers: both are refused. mmcv's warning at every image, about an argument
    that mmpretrain does not pass, is left out.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change the colors of ``img``, shape (H, W, 3), uint8, BGR.

        Raises:
            UserError: If it is anything else.
        """
        image = results['img']
        if image.dtype != np.uint8 or image.shape[2:] != (3,):
            raise UserError(
                'rsp.ColorJitter expects images of three bands in 8 bits, got '
                f'{image.shape[-1]} bands of {image.dtype} in '
                f"'{results.get('img_path')}'; take it out of the pipeline, or select "
                "three bands and 'stretch' them."
            )
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', "Only use 'alpha' for pillow backend")
            return super().transform(results)
