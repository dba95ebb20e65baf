"""Seeded uniform numbers: uniform, independent, and a function of the seed alone."""

import numpy as np
import pytest
from scipy import stats

from rsp.ops.views import seeded_uniforms


def test_a_seed_gives_its_numbers_whatever_the_others():
    together = seeded_uniforms(np.array([5, 0, 2**32 - 1]), 7, stream=3)
    for row, seed in zip(together, (5, 0, 2**32 - 1), strict=True):
        assert (seeded_uniforms(np.array([seed]), 7, stream=3) == row).all()
    assert (seeded_uniforms(np.array([5]), 3, stream=3) == together[0, :3]).all()
    each = seeded_uniforms(np.array([5, 5]), 7, stream=np.array([1, 3]))
    assert (each[1] == together[0]).all()
    assert (each[0] == seeded_uniforms(np.array([5]), 7, stream=1)[0]).all()


def test_the_first_numbers_are_those_of_splitmix64():
    # By Python's whole numbers: the mix of seed and stream is where the state begins.
    def mix(word):
        word = ((word ^ word >> 30) * 0xBF58476D1CE4E5B9) % 2**64
        word = ((word ^ word >> 27) * 0x94D049BB133111EB) % 2**64
        return word ^ word >> 31

    start = mix(11 | 2 << 32)
    expected = [
        (mix((start + n * 0x9E3779B97F4A7C15) % 2**64) >> 11) / 2**53 for n in (1, 2, 3)
    ]
    assert seeded_uniforms(np.array([11]), 3, stream=2).tolist() == [expected]


@pytest.mark.parametrize('axis', [0, 1])
def test_numbers_are_uniform_and_independent_along_seeds_and_positions(axis):
    numbers = seeded_uniforms(np.arange(400), 300)
    numbers = numbers if axis else numbers.T
    assert stats.kstest(numbers.ravel(), 'uniform').pvalue > 0.01
    for lag in (1, 2, 7):
        pairs = numbers[:, :-lag].ravel(), numbers[:, lag:].ravel()
        assert abs(np.corrcoef(*pairs)[0, 1]) < 0.012  # four deviations
        table = np.histogram2d(*pairs, bins=10, range=[[0, 1]] * 2)[0]
        assert stats.chisquare(table.ravel()).pvalue > 0.001


def test_streams_and_neighboring_seeds_do_not_overlap():
    numbers = np.concatenate(
        [seeded_uniforms(np.arange(1000), 50, stream=view) for view in range(3)]
    )
    assert len(np.unique(numbers)) == numbers.size
