import math

import pytest

from rsp.evaluation.comparison import format_table, mean_and_deviation, summarize

RUNS = dict(
    random=[dict(knn=40.0, linear=50.0), dict(knn=44.0, linear=51.0)],
    pretrained=[dict(knn=60.0, linear=66.0)],
)


def test_the_deviation_is_that_of_a_sample():
    mean, deviation = mean_and_deviation([1.0, 2.0, 6.0])
    assert mean == 3
    assert deviation == pytest.approx(math.sqrt((4 + 1 + 9) / 2))


def test_one_value_has_no_deviation():
    assert mean_and_deviation([7.0]) == (7.0, None)


def test_no_value_is_refused():
    with pytest.raises(ValueError, match='at least one value, got none'):
        mean_and_deviation([])


def test_summary_holds_means_deviations_and_seeds():
    summary = summarize(RUNS)
    assert summary['random'] == dict(knn=42.0, linear=50.5)
    assert summary['pretrained'] == dict(knn=60.0, linear=66.0)
    assert summary['deviation']['random']['knn'] == pytest.approx(math.sqrt(8))
    assert summary['deviation']['pretrained'] == dict(knn=None, linear=None)
    assert summary['seeds']['random'] == dict(knn=[40.0, 44.0], linear=[50.0, 51.0])


def test_seeds_with_different_metrics_are_refused():
    with pytest.raises(ValueError, match='seeds of random have different metrics'):
        summarize(dict(random=[dict(knn=1.0), dict(linear=2.0)]))


def test_the_table_shows_both_backbones_and_the_gain():
    lines = format_table(
        summarize(RUNS), 'random', 'pretrained', ('knn', 'linear')
    ).splitlines()
    assert lines[0].split() == ['top-1,', '%', 'knn', 'linear']
    assert lines[2].split() == 'random (2 seeds) 42.0 ± 2.8 50.5 ± 0.7'.split()
    assert lines[3].split() == 'pretrained (1 seed) 60.0 66.0'.split()
    assert lines[5].split() == 'gain, points +18.0 +15.5'.split()
    assert len({len(line) for line in lines}) == 1
