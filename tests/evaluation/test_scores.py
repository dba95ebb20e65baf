import math

import pytest
from scipy import stats

from rsp.evaluation.scores import Score, is_within_noise, show, verdicts


def test_the_interval_is_students():
    score = Score((60.0, 62.0, 67.0))
    low, high = stats.t.interval(0.95, 2, loc=63, scale=stats.sem(score.values))
    assert score.mean - score.half_width == pytest.approx(low)
    assert score.mean + score.half_width == pytest.approx(high)
    assert show(score) == f'63.00 ± {math.sqrt(13):.2f} [{low:.2f}, {high:.2f}]'


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        ((60.0, 61.0, 62.0), (60.5, 61.5, 63.0)),
        ((60.0, 61.0, 62.0), (63.0, 64.0, 65.0)),
        ((60.0, 70.0), (71.0, 71.2, 71.1)),
        ((10.0, 10.5, 10.2, 10.1), (11.0, 13.0)),
    ],
)
def test_noise_is_what_welch_cannot_tell(one, other):
    expected = stats.ttest_ind(one, other, equal_var=False).pvalue >= 0.05
    assert is_within_noise(Score(one), Score(other)) == expected


def test_one_seed_tells_nothing():
    assert is_within_noise(Score((1.0,)), Score((9.0, 9.1))) is None
    assert is_within_noise(Score((2.0, 2.0)), Score((2.0, 2.0))) is True
    assert is_within_noise(Score((2.0, 2.0)), Score((3.0, 3.0))) is False
    assert show(Score((1.0,))) == '1.00'
    assert show(None) == '–'


def test_every_checkpoint_is_judged_beside_the_best():
    scores = dict(
        a=Score((60.0, 60.1, 60.2)),
        b=Score((65.0, 65.5, 66.0)),
        c=Score((64.8, 65.6, 65.9)),
        d=Score((70.0,)),
    )
    assert verdicts(scores) == dict(a='one seed', b='one seed', c='one seed', d='best')
    del scores['d']
    assert verdicts(scores) == dict(a='lower', b='best', c='within noise')


def test_nothing_is_best_where_all_are_equal():
    nothing = dict(a=Score((0.0,)), b=Score((0.0,)))
    assert verdicts(nothing) == dict(a='equal', b='equal')
    assert verdicts(nothing | dict(c=Score((1.0,))))['c'] == 'best'
