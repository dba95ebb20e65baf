import pytest

from rsp.engine.report.run import find_runs, read_run
from rsp.errors import MissingData, UserError

EPOCH = 'INFO - Epoch(train) [1][ 5/10]  lr: 1.0e-01'


def test_of_a_resumed_run_the_later_start_wins(start, step):
    first = [step(n, 1.0) for n in (5, 10, 15, 20)]
    folder = start('20261127_100000', first)
    start('20261127_110000', [step(n, 2.0) for n in (15, 25)])
    run = read_run(folder, 'run')
    # What the first start logged at 20 belongs to weights that are gone.
    assert run.curves['loss'] == ([5, 10, 15, 25], [1.0, 1.0, 2.0, 2.0])


def test_validations_of_epochs_lie_at_their_iterations(start, step):
    records = [
        step(5, 1.0),
        {'acc/top1': 40.0, 'data_time': 0.1, 'time': 0.2, 'step': 1},
        step(15, 1.0, epoch=2),
        {'acc/top1': 60.0, 'data_time': 0.1, 'time': 0.2, 'step': 2},
    ]
    run = read_run(start(records=records, lines=[EPOCH]), 'run')
    assert run.curves['val/acc/top1'] == ([10, 20], [40.0, 60.0])
    assert run.curves['time'][0] == [5, 15]


def test_half_written_lines_are_named_and_left_out(start, step):
    records = [step(5, 1.0), '{"loss": 0.', 'null', step(10, 0.5)]
    run = read_run(start(records=records), 'run')
    assert run.curves['loss'] == ([5, 10], [1.0, 0.5])
    assert run.damaged[0].startswith('2 of 4 lines')


@pytest.mark.parametrize(
    ('lines', 'expected'),
    [
        ([EPOCH], 'stopped at epoch 2 of 3, iteration 15 of 30'),
        (
            [EPOCH, 'INFO - Saving checkpoint at 3 epochs'],
            'finished: 30 iterations, 3 epochs',
        ),
        ([EPOCH, 'INFO - Saving checkpoint at 2 epochs'], 'stopped at epoch 2 of 3'),
        ([], 'stopped at iteration 15'),
    ],
)
def test_the_state_says_until_where_a_run_came(start, step, lines, expected):
    run = read_run(start(records=[step(15, 1.0, epoch=2)], lines=lines), 'run')
    assert run.state.startswith(expected)


def test_a_run_that_gives_signs_of_life_runs(start, step):
    folder = start(records=[step(15, 1.0)])
    (folder / '.running').write_text('{"host": "here"}')
    assert read_run(folder, 'run').state == 'running, at iteration 15'


def test_samples_count_all_processes(start, step):
    assert read_run(start(records=[step(1, 1.0)]), 'run').batch == 16


def test_warnings_are_counted_but_for_those_of_every_run(start, step):
    noise = 'WARNING - backbone.conv1.weight is skipped since its requires_grad=False'
    lines = ['WARNING - a band is empty', noise, 'WARNING - a band is empty']
    run = read_run(start(records=[step(1, 1.0)], lines=lines), 'run')
    assert run.warnings == {'a band is empty': 2}


def test_damaged_summaries_are_named(start, step):
    folder = start(records=[step(1, 1.0)])
    (folder / 'health.json').write_text('{"alarms": [')
    (folder / 'scores.json').write_text('{"knn/top1": 61.5, "note": "x"}')
    run = read_run(folder, 'run')
    assert run.damaged[0].startswith('health.json is no whole JSON')
    (folder / 'analysis' / 'probe').mkdir(parents=True)
    (folder / 'analysis' / 'probe' / 'r.json').write_text('{"s1": {"top1": 7}}')
    (folder / 'transfer.json').write_text('{"settings": {"seed": 1}}')
    run = read_run(folder, 'run')
    assert run.scores == {
        'analysis/probe/r.json': {'s1.top1': 7},
        'scores.json': {'knn/top1': 61.5},
    }


def test_runs_are_found_below_a_folder(start, step):
    one = start(folder='all/b', records=[step(1, 1.0)])
    other = start(folder='all/a', records=[step(1, 1.0)])
    assert find_runs([one.parent]) == [other, one]
    assert find_runs([one]) == [one]


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match='holds no log'):
        find_runs([tmp_path])
    with pytest.raises(MissingData, match='no folder'):
        find_runs([tmp_path / 'nowhere'])
