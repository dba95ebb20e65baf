"""Write TIFFs as users have them."""

from pathlib import Path
from typing import Any

import numpy as np


def write_tiff(
    path: Path, pixels: np.ndarray, colors: tuple[str, ...] = (), **options: Any
) -> Path:
    """Write bands (C, H, W); ``colors`` is the color interpretation of each."""
    import rasterio

    count, height, width = pixels.shape
    facts = dict(count=count, height=height, width=width, dtype=pixels.dtype)
    place = dict(crs='EPSG:32633', transform=rasterio.Affine(1, 0, 5e5, 0, -1, 5e6))
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, 'w', **(dict(driver='GTiff') | facts | place | options)
    ) as data:
        if colors:
            data.colorinterp = [rasterio.enums.ColorInterp[name] for name in colors]
        data.write(pixels)
    return path
