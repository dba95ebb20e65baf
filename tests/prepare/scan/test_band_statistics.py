import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.prepare.scan.band_statistics import BandStatistics


def filled(*pieces):
    statistics = BandStatistics()
    for piece in pieces:
        statistics.add(piece)
    return statistics


VALUES = {
    'reflectance': lambda rng: rng.gamma(4, 400, 5000).astype(np.uint16),
    '8-bit': lambda rng: rng.integers(256, size=5000).astype(np.uint8),
    'heights': lambda rng: rng.normal(-20, 80, 5000).astype(np.int16),
    'decibels': lambda rng: rng.normal(-12, 4, 5000).astype(np.float32),
    'indices': lambda rng: rng.normal(0, 1e-4, 5000),
    'wide': lambda rng: rng.integers(-(2**31), 2**31 - 1, 5000).astype(np.int32),
}


@pytest.mark.parametrize('name', VALUES)
def test_pieces_give_what_all_values_together_give(name):
    values = VALUES[name](np.random.default_rng(0))
    statistics = filled(*np.split(values, [7, 8, 900, 4000]))
    values = values.astype(np.float64)
    assert statistics.count == len(values)
    assert statistics.mean == pytest.approx(values.mean(), rel=1e-9)
    assert statistics.std == pytest.approx(values.std(), rel=1e-9)
    assert (statistics.low, statistics.high) == (values.min(), values.max())
    shares = [0, 1, 25, 50, 98, 100]
    expected = np.percentile(values, shares, method='inverted_cdf')
    np.testing.assert_allclose(statistics.percentiles(shares), expected, rtol=2e-3)


def test_small_integers_have_exact_percentiles():
    values = np.random.default_rng(1).integers(513, size=1001).astype(np.uint16)
    expected = np.percentile(values, range(101), method='inverted_cdf')
    np.testing.assert_array_equal(filled(values).percentiles(range(101)), expected)


def test_values_that_are_not_finite_are_not_seen():
    statistics = filled(np.array([1.0, np.nan, np.inf, 3.0, -np.inf]))
    assert (statistics.count, statistics.mean, statistics.std) == (2, 2.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(-5000, 5000), max_size=20),
        min_size=2,
        max_size=5,
    )
)
def test_order_and_json_change_nothing(pieces):
    pieces = [np.array(piece, np.int32) for piece in pieces]
    forward, backward = filled(*pieces), BandStatistics()
    for piece in reversed(pieces):
        written = json.loads(json.dumps(filled(piece).to_json()))
        backward.merge(BandStatistics.from_json(written))
    assert forward.count == backward.count
    assert forward.mean == pytest.approx(backward.mean, abs=1e-9)
    assert forward.std == pytest.approx(backward.std, abs=1e-6)
    assert forward.bins == backward.bins
    assert (forward.low, forward.high) == (backward.low, backward.high)


def test_no_values_have_no_percentiles():
    with pytest.raises(ValueError, match='expected values'):
        BandStatistics().percentiles([50])
