"""Read chosen bands of a small georeferenced image whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadGeoTiff(LoadImageFromFile):
    """Load bands by their numbers; `LoadImageFromFile` goes by the file's own words.

    Sentinel-2's 13 bands as reflectances, for the class, segmentation and change
    tasks::

        dict(
            type='rsp.LoadGeoTiff',
            bands=[*range(1, 14)],
            reflectance=dict(scale=1e-4, value_range=(0, 1)),
            shown=(4, 3, 2),
        )

    Args:
        bands: Numbers of the bands from 1, or names; of three, the order is red, green,
            blue, and ``img`` gets them as BGR, like mmcv's loader (H, W, 3). Any other
            number of bands comes in the order given (H, W, C).
        kwargs: Further arguments of `LoadImageFromFile`, such as ``reflectance``.

    Raises:
        UserError: If a file cannot be read, lacks a band, or has more than 8 bits and
            there is neither ``stretch`` nor ``reflectance``.
    """

    def __init__(
        self,
        bands: Sequence[int | str] | Mapping[str, Any] = (1, 2, 3),
        **kwargs: Any,
    ) -> None:
        super().__init__(bands=bands, **kwargs)
