"""Read a small georeferenced image whole."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from rsp.errors import UserError
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadGeoTiff(BaseTransform):
    """Load an 8-bit image by GDAL, for files that OpenCV reads wrongly or not at all.

    mmcv's loader does for most GeoTIFFs of three 8-bit bands, tiled, deflated and COG
    included. It fails for other compressions (zstd, LERC) and returns wrong pixels,
    without a word, where three bands are not marked as colors (photometric
    interpretation MINISBLACK), and it takes the first three of more bands.

    Required key: ``img_path``. Added keys: ``img``, ``img_shape``, ``ori_shape``.

    Args:
        bands: Numbers of the bands from 1; of three, the order is red, green, blue,
            and ``img`` gets them as BGR, like mmcv's loader (H, W, 3). Any other
            number of bands comes in the order given (H, W, C).

    Raises:
        UserError: If a file cannot be read, lacks a band or is not 8-bit.
    """

    def __init__(self, bands: Sequence[int] = (1, 2, 3)) -> None:
        if not bands or min(bands) < 1:
            raise UserError(
                f"expected numbers of bands from 1 as 'bands', got {tuple(bands)}."
            )
        self.bands = tuple(bands)

    def transform(self, results: dict) -> dict:
        """Load the image of ``results['img_path']``."""
        try:
            from rasterio.errors import RasterioIOError

            from rsp.geo.rasters import open_raster
        except ImportError as error:
            raise UserError(
                f'expected rasterio to load GeoTIFFs ({error}); pip install '
                "'rsp-pretrain[geo]'."
            ) from error
        path = results['img_path']
        with open_raster(path) as data:
            kinds = {*data.dtypes}
            if max(self.bands) > data.count or kinds != {'uint8'}:
                raise UserError(
                    f"expected 8-bit bands {self.bands} in '{path}', got {data.count} "
                    f"of type {', '.join(sorted(kinds))}; change 'bands', or read it "
                    "through 'rsp.SceneDataset', which stretches any type."
                )
            try:
                pixels = data.read(self.bands)  # (C, H, W)
            except RasterioIOError as error:
                raise UserError(
                    f"cannot read the pixels of '{path}' ({error}); is it complete?"
                ) from error
        if len(self.bands) == 3:
            pixels = pixels[::-1]
        results['img'] = np.ascontiguousarray(pixels.transpose(1, 2, 0))
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(bands={self.bands})'
