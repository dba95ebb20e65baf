import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cloudpickle
import pytest
from distributed import Future, TimeoutError
from distributed.nanny import WorkerProcess

from rsp.errors import UserError
from rsp.prepare.jobs import run_jobs
from rsp.prepare.progress_log import ProgressLog

ROOT = Path(__file__).parents[2]
# Workers import torch before they begin; one such test is enough by default.
SLOW_START = pytest.mark.slow
JOBS = [dict(key=f'{n}', number=n) for n in range(12)]
SQUARES = [{'key': f'{n}', 'square': n * n} for n in range(12)]


@pytest.fixture(autouse=True)
def sent_by_value():
    """Send what is defined here by value: workers cannot import the tests."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def square(job):
    return {'square': job['number'] ** 2}


def refuse_seven(job):
    if job['number'] == 7:
        raise UserError('expected anything but 7')
    return square(job)


def has_a_bug(job):
    return {'square': job['numbers']}


def count_and_square(job):
    with Path(job['counter']).open('a') as file:
        file.write(f'{job["key"]}\n')
    return square(job)


def die_once(job):
    """Kill this very worker at job 5, the first time."""
    mark = Path(job['mark'])
    if job['number'] == 5 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return square(job)


def die_always(job):
    if job['number'] == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(job)


def run(work, jobs, file, settings=None, **arguments):
    return run_jobs(work, jobs, ProgressLog(file, settings), **arguments)


def log_lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_negative_number_of_processes_is_refused(tmp_path):
    log = ProgressLog(tmp_path / 'log.jsonl')
    with pytest.raises(UserError, match='expected --workers of at least 0, got -1'):
        run_jobs(square, JOBS, log, workers=-1)


def test_results_come_in_the_order_of_the_jobs(tmp_path):
    assert run(square, JOBS, tmp_path / 'a/log.jsonl', workers=0) == SQUARES


@SLOW_START
def test_two_processes(tmp_path):
    assert run(square, JOBS, tmp_path / 'log.jsonl', workers=2) == SQUARES
    assert len(log_lines(tmp_path / 'log.jsonl')) == 1 + len(JOBS)


def test_a_killed_worker_loses_nothing_and_doubles_nothing(tmp_path):
    jobs = [job | dict(mark=str(tmp_path / 'died')) for job in JOBS]
    assert run(die_once, jobs, tmp_path / 'log.jsonl', workers=2) == SQUARES
    assert (tmp_path / 'died').exists()
    keys = [line.get('key') for line in log_lines(tmp_path / 'log.jsonl')]
    assert sorted(keys[1:], key=int) == [job['key'] for job in JOBS]


@pytest.mark.slow  # dask tries a job on several workers before it gives up.
@pytest.mark.parametrize('workers', [1, 2])
def test_a_job_that_kills_every_worker_is_told_and_the_others_done(tmp_path, workers):
    """Also those that wait for the same worker, which dask blames as well."""
    results = run(die_always, JOBS, tmp_path / 'log.jsonl', workers=workers)
    assert [r for r in results if r['key'] != '5'] == [
        s for s in SQUARES if s['key'] != '5'
    ]
    assert 'died' in results[5]['error']


@SLOW_START
def test_processes_that_cannot_be_started_again_are_told(tmp_path, monkeypatch):
    """Not waited for: as where the disk is full."""
    start = WorkerProcess.start
    starts = []

    def start_once(self):
        starts.append(self)
        if len(starts) > 1:
            raise OSError('no space left')
        return start(self)

    monkeypatch.setattr(WorkerProcess, 'start', start_once)
    monkeypatch.setattr('rsp.prepare.jobs.PATIENCE', 1)
    log = tmp_path / 'log.jsonl'
    with pytest.raises(RuntimeError, match='the same command goes on from there'):
        run(die_always, JOBS, log, workers=1)
    assert len(starts) == 2
    assert run(square, JOBS, log, workers=0) == SQUARES


@SLOW_START
def test_results_that_do_not_arrive_are_made_again(tmp_path, monkeypatch):
    """A worker may die after its job is done and before the result was fetched."""
    lost, result = [], Future.result

    def lose_two(future, timeout):
        if len(lost) < 2:
            lost.append(future.key)
            raise TimeoutError
        return result(future, timeout)

    monkeypatch.setattr(Future, 'result', lose_two)
    log = tmp_path / 'log.jsonl'
    assert run(square, JOBS, log, workers=1) == SQUARES
    assert len(lost) == 2
    keys = [line.get('key') for line in log_lines(log)]
    assert sorted(keys[1:], key=int) == [job['key'] for job in JOBS]


@SLOW_START
def test_a_result_that_never_arrives_is_told(tmp_path, monkeypatch):
    def lose(future, timeout):
        raise TimeoutError('nobody knows')

    monkeypatch.setattr(Future, 'result', lose)
    (told,) = run(square, JOBS[:1], tmp_path / 'log.jsonl', workers=1)
    assert told == {'key': '0', 'error': 'nobody knows'}


def test_a_second_call_does_only_what_is_left(tmp_path):
    counter, log = tmp_path / 'counter', tmp_path / 'log.jsonl'
    jobs = [job | dict(counter=str(counter)) for job in JOBS]
    run(count_and_square, jobs[:7], log, workers=0)
    assert run(count_and_square, jobs, log, workers=0) == SQUARES
    assert counter.read_text().split() == [job['key'] for job in JOBS]


@pytest.mark.parametrize('cut', [1, 5, 20])
def test_a_line_that_was_cut_short_is_done_again(tmp_path, cut):
    log = tmp_path / 'log.jsonl'
    run(square, JOBS, log, workers=0)
    whole = log.read_bytes()
    log.write_bytes(whole[:-cut])
    assert run(square, JOBS, log, workers=0) == SQUARES
    assert log.read_bytes() == whole


def test_what_failed_is_told_and_tried_again(tmp_path):
    log = tmp_path / 'log.jsonl'
    results = run(refuse_seven, JOBS, log, workers=0)
    assert results[7] == {'key': '7', 'error': 'expected anything but 7'}
    assert [r for r in results if 'error' not in r] == SQUARES[:7] + SQUARES[8:]
    assert run(square, JOBS, log, workers=0) == SQUARES


@pytest.mark.parametrize('workers', [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_bug_is_not_taken_for_bad_input(tmp_path, workers):
    with pytest.raises(KeyError, match='numbers'):
        run(has_a_bug, JOBS, tmp_path / 'log.jsonl', workers=workers)


def test_a_scheduler_that_is_none_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"at 'foo://x', got: .*leave --scheduler out"):
        run(square, JOBS, tmp_path / 'log.jsonl', scheduler='foo://x')


def test_other_settings_are_refused(tmp_path):
    log = tmp_path / 'log.jsonl'
    run(square, JOBS, log, workers=0, settings=dict(stride=200))
    run(square, JOBS, log, workers=0, settings=dict(stride=200))
    expected = re.escape("{'stride': 200}, got {'stride': 100}")
    with pytest.raises(ValueError, match=expected):
        run(square, JOBS, log, workers=0, settings=dict(stride=100))


def test_a_log_of_another_version_is_refused(tmp_path):
    (tmp_path / 'log.jsonl').write_text('{"size": 1024, "labelled": true}\n')
    with pytest.raises(UserError, match='expected a progress log of this version'):
        ProgressLog(tmp_path / 'log.jsonl', dict(size=1024))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / 'precious').touch()
    with pytest.raises(ValueError, match=r'expected an empty folder.*\(log\.jsonl\)'):
        ProgressLog(tmp_path / 'log.jsonl', new_folder=True)
    ProgressLog(tmp_path / 'log.jsonl').append(dict(key='a', n=1))
    again = ProgressLog(tmp_path / 'log.jsonl', new_folder=True)
    assert again.results == {'a': dict(key='a', n=1)}


@SLOW_START
def test_workers_that_cannot_import_the_work_are_told(tmp_path):
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    try:
        with pytest.raises(ValueError, match='install rsp with its geo extra there'):
            run(square, JOBS, tmp_path / 'log.jsonl', workers=1)
    finally:
        cloudpickle.register_pickle_by_value(sys.modules[__name__])


def test_keys_are_unique(tmp_path):
    with pytest.raises(ValueError, match="got '3' 2 times"):
        run(square, [*JOBS, JOBS[3]], tmp_path / 'log.jsonl', workers=0)


# Starting and stopping takes seconds.
@pytest.fixture
def scheduler(tmp_path):
    """Start a scheduler and a worker as one would on a cluster; return the address."""
    info = tmp_path / 'scheduler.json'
    environment = os.environ | dict(PYTHONPATH=f'{ROOT}:{Path(__file__).parent}')
    quiet = dict(env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    start = [sys.executable, '-m']
    file = ['--scheduler-file', str(info), '--no-dashboard']
    commands = [
        [*start, 'distributed.cli.dask_scheduler', '--port', '0', *file],
        [*start, 'distributed.cli.dask_worker', '--nthreads', '1', *file],
    ]
    processes = [subprocess.Popen(command, **quiet) for command in commands]
    while not info.exists():
        assert processes[0].poll() is None
        time.sleep(0.1)
    yield json.loads(info.read_text())['address']
    for process in reversed(processes):
        process.terminate()
        process.wait(timeout=30)


@SLOW_START
def test_the_same_call_runs_on_a_cluster(scheduler, tmp_path):
    log = tmp_path / 'log.jsonl'
    assert run(square, JOBS, log, scheduler=scheduler) == SQUARES
    # A second time, with the same jobs on the same scheduler.
    log.unlink()
    assert run(square, JOBS, log, scheduler=scheduler) == SQUARES
