import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.datasets.samplers.stratified import cap_weights, draw_batches

SHARES = st.lists(st.floats(0.001, 1), min_size=1, max_size=20).map(
    lambda values: np.array(values) / sum(values)
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(SHARES, st.integers(1, 9), st.integers(1, 40), st.integers(0, 99))
def test_counts_of_a_batch_and_of_an_epoch_follow_the_shares(shares, n, size, seed):
    rng = np.random.default_rng(seed)
    batches = draw_batches(shares, n, size, rng)
    assert batches.shape == (n, size)
    per_batch = np.stack([np.bincount(b, minlength=len(shares)) for b in batches])
    assert (np.abs(per_batch - shares * size) < 1 + 1e-9).all()
    # Stratified: at most one item off per batch place at a stratum's border.
    assert (np.abs(per_batch.sum(0) - shares * n * size) <= 2 * size + 1).all()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(SHARES, st.integers(1, 4), st.integers(1, 30), st.integers(0, 99))
def test_no_group_exceeds_its_bound(shares, most, size, seed):
    rng = np.random.default_rng(seed)
    if len(shares) * most < size:
        with pytest.raises(ValueError, match=f'at least {-(-size // most)} groups'):
            draw_batches(shares, 5, size, rng, most)
        return
    for batch in draw_batches(shares, 5, size, rng, most):
        assert np.bincount(batch).max() <= most


def test_what_a_bound_cuts_off_goes_to_the_others_in_proportion():
    shares = cap_weights(np.array([0.7, 0.2, 0.1]), 0.5)
    np.testing.assert_allclose(shares, [0.5, 1 / 3, 1 / 6])
    # The second one exceeds the bound only after it got its part of the first.
    shares = cap_weights(np.array([0.6, 0.3, 0.05, 0.05]), 0.4)
    np.testing.assert_allclose(shares, [0.4, 0.4, 0.1, 0.1])
    with pytest.raises(ValueError, match='at least 1 / 2'):
        cap_weights(np.array([0.5, 0.5]), 0.4)


def test_shares_within_the_bound_stay():
    shares = np.array([0.25, 0.35, 0.4])
    np.testing.assert_array_equal(cap_weights(shares, 0.4), shares)


def test_any_two_groups_meet_in_some_epoch():
    shares = np.full(6, 1 / 6)
    rng = np.random.default_rng(0)
    met = np.zeros((6, 6), bool)
    for _ in range(60):
        for first, second in draw_batches(shares, 4, 2, rng):
            met[first, second] = met[second, first] = True
    assert met.sum() == 30


def test_the_order_within_a_batch_is_random():
    rng = np.random.default_rng(0)
    first = draw_batches(np.full(4, 0.25), 2000, 4, rng)[:, 0]
    assert np.abs(np.bincount(first) - 500).max() < 80
