"""Change colors, or the brightness and contrast of bands that are none."""

import warnings
from typing import Any

import numpy as np
from mmpretrain.datasets.transforms import ColorJitter as MMPretrainColorJitter

from rsp.datasets.transforms.value_range import (
    band_means,
    in_type_of,
    map_bands,
    value_range,
)
from rsp.errors import UserError
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ColorJitter(MMPretrainColorJitter):
    r"""Jitter brightness and contrast of any bands, saturation and hue of colors.

    Three bands of 8 bits are changed as mmpretrain does. Of other images, with low l of
    the `value_range`, and m the band's mean over the image:

    .. math::
        v' = l + b\,(v - l),\qquad v' = m + c\,(v - m)

    for brightness b and contrast c, in random order. Each band draws factors of its
    own, which changes ratios of bands, as saturation and hue do for colors; these two
    mean nothing of other bands, and are refused. mmcv's warning at every image, about
    an argument that mmpretrain does not pass, is left out.

    Required and modified key: ``img``, (H, W, C), BGR if it has three bands of 8 bits.
    Optional key: ``value_range``.

    Args:
        per_band: Whether the bands of other images draw factors of their own, or share
            one, which is a change of illumination.
        kwargs: mmpretrain's ``brightness``, ``contrast``, ``saturation``, ``hue``.
    """

    def __init__(self, *args: Any, per_band: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.per_band = per_band

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``img``.

        Raises:
            UserError: If saturation or hue is to change in other than three bands of 8
                bits, or black is not known.
        """
        image = results['img']
        if image.dtype != np.uint8 or image.shape[2:] != (3,):
            results['img'] = self._jitter_bands(results)
            return results
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', "Only use 'alpha' for pillow backend")
            return super().transform(results)

    def _jitter_bands(self, results: dict[str, Any]) -> np.ndarray:
        image = results['img']
        bands = image.shape[2] if image.ndim == 3 else 1
        if self.saturation is not None or self.hue is not None:
            raise UserError(
                'rsp.ColorJitter expects three bands in 8 bits to change saturation '
                f"and hue, got {bands} bands of {image.dtype} in '"
                f"{results.get('img_path')}'; set saturation=0 and hue=0."
            )
        low, _ = value_range(results, 'rsp.ColorJitter')
        values = image.reshape(*image.shape[:2], bands).astype(np.float32)
        # Both are affine: one pass does them, and the mean follows.
        share, shift, mean = np.ones(bands), np.zeros(bands), None
        for step in np.random.permutation(2):
            bounds = (self.brightness, self.contrast)[step]
            if bounds is None:
                continue
            if step and mean is None:
                mean = band_means(values)
            center = share * mean + shift if step else low
            count = bands if self.per_band else 1
            factors = np.random.uniform(bounds[0], bounds[1], size=count)
            share, shift = factors * share, factors * (shift - center) + center
        return in_type_of(map_bands(values, share, shift), image)
