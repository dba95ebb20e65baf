"""Mean, deviation and percentiles of values that come in pieces and fit no memory."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsp.errors import UserError

# Bits of a float32's mantissa that a histogram ignores.
IGNORED = 15
# Integers that differ by less are counted one by one.
NARROW = 2**20


class BandStatistics:
    """Statistics of one band, from any number of pieces in any order.

    Count, mean, deviation and extremes are exact (Chan's update, float64). The
    histogram keeps 8 bits of a value's mantissa: integers up to 512 exactly, others
    within 0.2 %, whatever their range; so percentiles need no range beforehand.

    Attributes:
        count: Values seen.
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
        """Add values of any shape and type; those that are not finite are not seen."""
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
            kinds = np.flatnonzero(counts)
            counts = counts[kinds]
            kinds = (kinds + low).astype(np.float64)
            piece.mean = float(kinds @ counts / values.size)
            piece.squares = float((kinds - piece.mean) ** 2 @ counts)
            piece.bins = _histogram(kinds, counts)
        else:
            piece.mean = float(values.mean(dtype=np.float64))
            piece.squares = float(np.square(values - piece.mean).sum(dtype=np.float64))
            piece.bins = _histogram(values)
        self.merge(piece)

    def merge(self, other: 'BandStatistics') -> None:
        """Add the values that another one has seen."""
        if not other.count:
            return
        total = self.count + other.count
        apart = other.mean - self.mean
        self.squares += other.squares + apart**2 * self.count * other.count / total
        self.mean += apart * other.count / total
        self.count = total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        for value, count in other.bins.items():
            self.bins[value] = self.bins.get(value, 0) + count

    @property
    def deviation(self) -> float:
        """Standard deviation of the population, 0 if there are no values."""
        return float(np.sqrt(self.squares / max(self.count, 1)))

    def percentiles(self, shares: list[float]) -> list[float]:
        """Smallest values that so many percent do not exceed.

        Args:
            shares: 0 to 100.

        Raises:
            ValueError: If there are no values.
        """
        if not self.count:
            raise UserError('expected values to take percentiles of, got none.')
        values, counts = self.histogram()
        wanted = np.asarray(shares) / 100 * self.count
        places = np.searchsorted(np.cumsum(counts), np.maximum(wanted, 1) - 1e-6)
        return np.clip(values[places], self.low, self.high).tolist()

    def histogram(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Rising rounded values and how often they occur."""
        values = np.array(sorted(self.bins))
        return values, np.array([self.bins[value] for value in values.tolist()], int)

    def to_json(self) -> dict[str, Any]:
        """All of it, small enough for a line of a file."""
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
        """What `to_json` wrote."""
        found = cls()
        if written['count']:
            found.count, found.mean = written['count'], written['mean']
            found.squares = written['squares']
            found.low, found.high = written['range']
            packed = zlib.decompress(base64.b85decode(written['bins']))
            kinds = len(packed) // 12
            values = np.frombuffer(packed[: 4 * kinds], '<f4').tolist()
            counts = np.frombuffer(packed[4 * kinds :], '<i8').tolist()
            found.bins = dict(zip(values, counts, strict=True))
        return found


def _histogram(
    values: NDArray[Any], counts: NDArray[Any] | None = None
) -> dict[float, int]:
    """Number of values by float32 with 8 bits of mantissa, rounded to the nearest."""
    # Adding 0 makes -0 a 0.
    bits = (values.astype(np.float32) + 0).view(np.uint32).astype(np.int64)
    keys = (bits + (1 << (IGNORED - 1))) >> IGNORED
    sums = np.bincount(keys, weights=counts)
    found = np.flatnonzero(sums)
    rounded = (found << IGNORED).astype(np.uint32).view(np.float32)
    return dict(
        zip(rounded.tolist(), sums[found].astype(np.int64).tolist(), strict=True)
    )
