"""Tell how much of a window of an open scene has data."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.nodata import valid_pixels
from rsp.geo.scene import Scene, decimation_of, read_small
from rsp.geo.windows.window import Window
from rsp.io.images.masking import declared_valid


class ValidShares:
    """Compute the shares of windows of a scene with data.

    A read at a fraction of the size tells windows that have data everywhere or nowhere;
    only what lies between is read in full.

    Args:
        dataset: The scene, opened.
        file: Its name, for messages.

    Raises:
        UserError: If the file is damaged.
    """

    def __init__(self, dataset: rasterio.DatasetReader, file: Path) -> None:
        self.dataset, self.file = dataset, file
        _, self.small, self.alphas = read_small(dataset, file)
        self.decimation = decimation_of(*dataset.shape)

    def __call__(self, window: Window) -> float:
        """Return the share of a window that has data, 0 to 1.

        Exact but for windows of more than a quarter of a large scene, whose share is
        that of every 20th pixel each way, about.

        Raises:
            UserError: If the file is damaged.
        """
        margin = 0 if self.decimation == 1 else 1
        near = coarse_part(self.small, self.decimation, window, margin)
        large = 4 * window.height * window.width > np.prod(self.dataset.shape)
        if self.decimation == 1 or near.all() or not near.any() or large:
            return float(coarse_part(self.small, self.decimation, window).mean())
        return float(self._read(window).mean())

    def _read(self, window: Window) -> np.ndarray:
        where = RasterWindow(window.left, window.top, window.width, window.height)
        bands = [band for band in self.dataset.indexes if band not in self.alphas]
        nodata = [self.dataset.nodatavals[band - 1] for band in bands]
        try:
            declared = declared_valid(self.dataset, self.alphas, where)
            if declared is not None and self.dataset.dtypes[0][0] in 'iu':
                return declared
            return valid_pixels(
                self.dataset.read(bands, window=where), nodata, declared
            )
        except RasterioIOError as error:
            raise UserError(
                f"cannot read all of '{self.file}': {error.__cause__ or error}; copy "
                'it anew or remove it.'
            ) from None


def coarse_share(scene: Scene, mask: np.ndarray, window: Window) -> float:
    """Return the share of a window with data, as far as the index tells it.

    Args:
        scene: Of the index.
        mask: Its ``valid_mask``, computed once for many windows.
        window: In pixels of the scene.
    """
    return float(coarse_part(mask, scene.decimation, window).mean())


def coarse_part(
    mask: np.ndarray, decimation: int, window: Window, margin: int = 0
) -> np.ndarray:
    """Return the cells of a coarse mask (h, w) under a window and around it."""
    rows, columns = (
        slice(max(start // decimation - margin, 0), -(-stop // decimation) + margin)
        for start, stop in (
            (window.top, window.bottom),
            (window.left, window.right),
        )
    )
    return mask[rows, columns]
