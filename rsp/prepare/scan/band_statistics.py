"""Compute mean, deviation and percentiles of a band, piece by piece."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsp.errors import UserError

# Bits of a float32's mantissa that a histogram ignores.
IGNORED = 15
# Integers of a smaller range are counted by a table, which is fast.
NARROW = 2**20


class BandStatistics:
    """Compute the statistics of one band from pieces in any order.

    Count, mean, deviation and extremes are exact (Chan's update, float64). The
    histogram keeps 8 bits of a value's mantissa: integers up to 512 exactly, others
    within 0.2 %, whatever their range; so percentiles need no range beforehand.

    Attributes:
        count: Number of values.
        mean: Their mean, 0 if there are none.
        squares: Sum of squared deviations from the mean.
        low: Smallest value; inf if there are none.
        high: Largest value; -inf if there are none.
        bins: Number of values by rounded value.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0
        self.low, self.high = np.inf, -np.inf
        self.bins: dict[float, int] = {}

    def add(self, values: NDArray[Any]) -> None:
        """Add values of any shape and type; ignore those that are not finite."""
        values = np.ravel(values)
        if values.dtype.kind == 'f':
            values = values[np.isfinite(values)]
        if not values.size:
            return
        piece = BandStatistics()
        piece.count = int(values.size)
        piece.low, piece.high = float(values.min()), float(values.max())
        if values.dtype.kind in 'iu' and piece.high - piece.low < NARROW:
            # Counting first makes all that follows cheap.
            low = int(values.min())
            counts = np.bincount(values.astype(np.int64) - low)
            occurring = np.flatnonzero(counts)
            counts = counts[occurring]
            occurring = (occurring + low).astype(np.float64)
            piece.mean = float(occurring @ counts / values.size)
            piece.squares = float((occurring - piece.mean) ** 2 @ counts)
            piece.bins = _histogram(occurring, counts)
        else:
            piece.mean = float(values.mean(dtype=np.float64))
            piece.squares = float(np.square(values - piece.mean).sum(dtype=np.float64))
            piece.bins = _histogram(values)
        self.merge(piece)

    def merge(self, other: 'BandStatistics') -> None:
        """Add the values of another one."""
        if not other.count:
            return
        total = self.count + other.count
        delta = other.mean - self.mean
        self.squares += other.squares + delta**2 * self.count * other.count / total
        self.mean += delta * other.count / total
        self.count = total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        for value, count in other.bins.items():
            self.bins[value] = self.bins.get(value, 0) + count

    @property
    def std(self) -> float:
        """Return the standard deviation of the population, 0 if there are no values."""
        return float(np.sqrt(self.squares / max(self.count, 1)))

    def percentiles(self, ranks: list[float]) -> list[float]:
        """Return percentiles: the smallest values that so many percent do not exceed.

        Args:
            ranks: Percentages, 0 to 100.

        Raises:
            UserError: If there are no values.
        """
        if not self.count:
            raise UserError('expected values to compute percentiles of, got none.')
        values, counts = self.histogram()
        counted = np.asarray(ranks) / 100 * self.count
        places = np.searchsorted(np.cumsum(counts), np.maximum(counted, 1) - 1e-6)
        return np.clip(values[places], self.low, self.high).tolist()

    def histogram(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return rounded values, rising, and their counts."""
        values = np.array(sorted(self.bins))
        return values, np.array([self.bins[value] for value in values.tolist()], int)

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as JSON, compressed for a line of the progress log."""
        values, counts = self.histogram()
        packed = values.astype('<f4').tobytes() + counts.astype('<i8').tobytes()
        return dict(
            count=self.count,
            mean=self.mean,
            squares=self.squares,
            range=[self.low, self.high] if self.count else None,
            bins=base64.b85encode(zlib.compress(packed)).decode(),
        )

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> 'BandStatistics':
        """Build statistics from the result of `to_json`."""
        band = cls()
        if written['count']:
            band.count, band.mean = written['count'], written['mean']
            band.squares = written['squares']
            band.low, band.high = written['range']
            packed = zlib.decompress(base64.b85decode(written['bins']))
            size = 4 * (len(packed) // 12)
            values = np.frombuffer(packed[:size], '<f4').tolist()
            counts = np.frombuffer(packed[size:], '<i8').tolist()
            band.bins = dict(zip(values, counts, strict=True))
        return band


def _histogram(
    values: NDArray[Any], counts: NDArray[Any] | None = None
) -> dict[float, int]:
    """Count values by float32 with 8 bits of mantissa, rounded to the nearest."""
    # Adding 0 makes -0 a 0.
    bits = (values.astype(np.float32) + 0).view(np.uint32).astype(np.int64)
    keys = (bits + (1 << (IGNORED - 1))) >> IGNORED
    sums = np.bincount(keys, weights=counts)
    found = np.flatnonzero(sums)
    rounded = (found << IGNORED).astype(np.uint32).view(np.float32)
    return dict(
        zip(rounded.tolist(), sums[found].astype(np.int64).tolist(), strict=True)
    )
