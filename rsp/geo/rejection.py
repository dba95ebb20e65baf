"""Reject dark, flat, clouded or empty windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rsp.ops import check


@dataclass(frozen=True)
class RejectionConfig:
    """Configure which random windows are drawn again.

    Args:
        max_nodata: Largest share of pixels without data.
        rules: Arguments of `QualityRules`; True for the published ones, None or False
            for none.
        min_coverage: Least share of the ground of which land cover is known.
        retries: How often a window is drawn again before it is kept.
    """

    max_nodata: float = 0.1
    rules: dict[str, float] | bool | None = None
    min_coverage: float = 0.0
    retries: int = 10

    def __post_init__(self) -> None:
        check.between("'max_nodata' of 'rejection'", self.max_nodata, 0, 1)
        check.between("'min_coverage' of 'rejection'", self.min_coverage, 0, 1)
        check.at_least("'retries' of 'rejection'", self.retries, 0)

    @cached_property
    def quality(self) -> QualityRules | None:
        """Rules for what an image shows."""
        if isinstance(self.rules, dict):
            return QualityRules(**self.rules)
        return QualityRules() if self.rules else None


@dataclass(frozen=True)
class QualityRules:
    """Apply the published rules for a window (GeoKR's cropper).

    They look at the mean over bands of the 8-bit window.

    Args:
        dark: Gray value below which a pixel is dark.
        max_dark: Largest share of dark pixels; a window whose brightest pixel is dark
            is rejected by it, too.
        contrast: Least distance of the 1st and 99th percentile as a share of the 8-bit
            range (scikit-image's rule for images of low contrast).
        bright: Gray value above which a pixel is cloud.
        max_bright: Largest share of cloud.
    """

    dark: float = 20.0
    max_dark: float = 0.10
    contrast: float = 0.05
    bright: float = 230.0
    max_bright: float = 0.50

    def reason(self, image: np.ndarray) -> str | None:
        """Return why a window is rejected; None if it is kept.

        Args:
            image: Shape (H, W, C), uint8.

        Returns:
            ``'dark'``, ``'contrast'``, ``'cloud'`` or None, the first that applies.
        """
        bands = image.shape[2]
        counts = np.bincount(_sum_of_bands(image), minlength=255 * bands + 1)
        values = np.arange(len(counts)) / bands
        total = counts.sum()
        if (
            values[np.flatnonzero(counts)[-1]] < self.dark
            or counts[values < self.dark].sum() > self.max_dark * total
        ):
            return 'dark'
        low, high = percentiles_of_counts(values, counts, (1, 99))
        if (high - low) / 255 < self.contrast:
            return 'contrast'
        if counts[values > self.bright].sum() > self.max_bright * total:
            return 'cloud'
        return None


def percentiles_of_counts(
    values: np.ndarray, counts: np.ndarray, percentiles: tuple[float, ...]
) -> np.ndarray:
    """Compute percentiles, linear between neighbors, of values that occur so often.

    Args:
        values: Rising, shape (N,).
        counts: How often each occurs, shape (N,).
        percentiles: Ranks, per cent.
    """
    ends = np.cumsum(counts)
    place = np.asarray(percentiles) / 100 * (ends[-1] - 1)
    below = values[np.searchsorted(ends, np.floor(place), side='right')]
    above = values[np.searchsorted(ends, np.ceil(place), side='right')]
    return below + (above - below) * (place - np.floor(place))


def _sum_of_bands(image: np.ndarray) -> np.ndarray:
    total = image[..., 0].astype(np.int64)
    for band in range(1, image.shape[2]):
        total += image[..., band]
    return total.ravel()
