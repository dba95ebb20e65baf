import math

import numpy as np
import pytest

from rsp.errors import UserError
from rsp.ops import check


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: check.between('ratio', 1.5, 0, 1), 'ratio between 0 and 1, got 1.5'),
        (lambda: check.between('ratio', math.nan, 0, 1), 'got nan'),
        (lambda: check.at_least('retries', -1, 0), 'retries of at least 0, got -1'),
        (lambda: check.at_least('retries', math.nan, 0), 'got nan'),
        (lambda: check.at_most('rate', 2, 1), 'rate of at most 1, got 2'),
        (lambda: check.at_most('rate', math.nan, 1), 'got nan'),
        (lambda: check.positive('temperature', 0), 'temperature above 0, got 0'),
        (lambda: check.positive('temperature', math.nan), 'got nan'),
        (lambda: check.one_of('mode', 'x', ('a', 'b')), "one of 'a', 'b', got 'x'"),
        (
            lambda: check.equal('width', 3, 2, 'set it to 2'),
            'expected width 2, got 3; set it to 2',
        ),
        (
            lambda: check.rising_pairs('limits', [(0, 1), (2, 2)]),
            r'limits as \(low, high\), or such a pair per band, got',
        ),
        (lambda: check.rising_pairs('share', (1, 0.5), equal=True), r'got \(1, 0.5\)'),
        (lambda: check.rising_pairs('limits', 'ab'), 'got ab'),
        (lambda: check.rising_pairs('limits', (0, 1, 2)), r'got \(0, 1, 2\)'),
        (lambda: check.rising_pairs('limits', [(0, math.nan)]), 'nan'),
        (
            lambda: check.same_shape('pred', np.ones((2, 1)), 'target', np.ones(2)),
            r'pred of the shape of target, \(2,\), got \(2, 1\)',
        ),
    ],
)
def test_a_refusal_says_expected_and_got(call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_bounds_are_valid_themselves():
    check.between('ratio', 0, 0, 1)
    check.between('ratio', 1, 0, 1)
    check.at_least('retries', 0, 0)
    check.positive('temperature', 1e-9)
    check.one_of('mode', 'a', ('a', 'b'))
    check.equal('width', 2, 2, '')
    check.same_shape('pred', np.ones((2, 1)), 'target', np.ones((2, 1)))
    check.rising_pairs('limits', (0, 1))
    check.rising_pairs('limits', [(0, 1)] * 3)


def test_equal_pairs_pass_where_they_are_allowed():
    check.rising_pairs('share', (1, 1), equal=True)
