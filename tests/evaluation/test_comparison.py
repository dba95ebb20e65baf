import json
import math

import pytest

from rsp.evaluation.comparison import format_table, mean_and_deviation, summarize
from rsp.visualization.curves import draw
from rsp.visualization.scalars import training_curves

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


def write_log(work_dir, time, *records):
    log = work_dir / time / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(''.join(json.dumps(record) + '\n' for record in records))


def test_curves_are_those_of_the_latest_run(tmp_path):
    write_log(tmp_path, '20250101_000000', dict(loss=9.0, step=1))
    write_log(
        tmp_path,
        '20250102_000000',
        dict(loss=3.0, step=5),
        dict(loss=2.0, lr=0.1, step=10),
        dict(accuracy=1.0),
    )
    curves = training_curves(tmp_path)
    assert curves == dict(loss=([5, 10], [3.0, 2.0]), lr=([10], [0.1]))


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'scalars\.json.*did the training start'
    ):
        training_curves(tmp_path)


@pytest.mark.parametrize('lengths', [(3,), (3, 3), (3, 2)])
def test_the_figure_is_drawn_for_any_seeds(tmp_path, lengths):
    names = ('loss_contrast', 'loss_supervised', 'contrast_top1', 'supervised_top1')
    curves = [
        {name: (list(range(n)), [float(i) for i in range(n)]) for name in names}
        for n in lengths
    ]
    draw(tmp_path / 'figure.png', curves, summarize(RUNS), num_classes=10)
    assert (tmp_path / 'figure.png').read_bytes().startswith(b'\x89PNG')
