"""Signals in the middle of accumulated passes and of validations; then --resume."""

import signal
import time
from dataclasses import replace

import pytest
import torch
from cases.runs.task_runs import TASKS
from reliability.comparing import fault_at_end, train_whole
from reliability.signals import SAVED
from reliability.tiny_runs import make_run

pytestmark = [pytest.mark.dist, pytest.mark.slow]


def wait_for(job, text, count=1):
    """Wait until a text was printed so often, while the run is alive."""
    while job.text.count(text) < count:
        assert job.status is None, job.text[-2000:]
        assert job.seconds < 120, job.text[-2000:]
        time.sleep(0.005)


def stop(job, pids, number=signal.SIGTERM):
    """Send a signal, and let all processes leave in time."""
    assert job.send(number, pids)
    assert job.wait(30), f'{job.clear()} processes left'
    assert job.status == SAVED, job.text[-3000:]
    assert 'Traceback' not in job.text


@pytest.mark.parametrize('passes', [2, 3, 4])
def test_accumulated_passes_end_with_their_step(passes, server, tmp_path):
    """Three do not divide the 24 passes of the run's end evenly into epochs of 6."""
    options = dict(optim_wrapper__accumulative_counts=passes)
    run = make_run('accumulated', tmp_path, **options)
    train_whole(server, run)
    for logged in (passes - 1, passes, 2 * passes + 1):
        work_dir = tmp_path / f'stopped_{logged}'
        words = [run.config, '--work-dir', work_dir, '--resume']
        log = work_dir.with_suffix('.log')
        job = server.start(log, *words)
        wait_for(job, 'Epoch(train)', logged)
        stop(job, [job.pid])
        content = torch.load(
            work_dir / (work_dir / 'last_checkpoint').read_text(), weights_only=False
        )
        # Whole steps alone: nothing of one that has begun has to be kept.
        assert content['meta']['iter'] % passes == 0
        assert content['resume']['window'] is None
        assert fault_at_end(server, run, work_dir, log, words) == ''


IMAGES = dict(TASKS['classification'][1]['val_dataloader.dataset'])
del IMAGES['_delete_']
VALIDATED = dict(
    # Seconds of validation.
    val_dataloader__dataset=dict(
        type='RepeatDataset', times=24, dataset=IMAGES, _delete_=True
    ),
    val_dataloader__batch_size=1,
)
BY_EPOCH = dict(
    train_cfg=dict(by_epoch=True, max_epochs=6, val_interval=1, _delete_=True),
    default_hooks__checkpoint__by_epoch=True,
    default_hooks__checkpoint__interval=1,
    # Counts epochs; what compares two runs knows files by this name.
    default_hooks__checkpoint__filename_tmpl='iter_{}.pth',
)


@pytest.mark.parametrize(
    ('kind', 'receiver'),
    [
        ('by iteration', 'launcher'),
        ('by iteration', 'rank 0'),
        ('by epoch', 'launcher'),
        ('by epoch', 'rank 1'),
        ('not saved before', 'rank 1'),
    ],
)
def test_a_validation_is_cut_off_and_not_repeated(kind, receiver, server, tmp_path):
    more = {
        'by epoch': BY_EPOCH,
        'not saved before': dict(default_hooks__checkpoint__interval=24),
    }
    options = VALIDATED | more.get(kind, {})
    run = make_run('classification', tmp_path, **options)
    if kind == 'by epoch':
        run = replace(run, steps=6)
    train_whole(server, run)
    work_dir = tmp_path / 'stopped'
    words = [run.config, '--work-dir', work_dir, '--resume']
    log = work_dir.with_suffix('.log')
    job = server.start(log, *words)
    wait_for(job, '(val)', 5)
    told = job.pid if receiver == 'launcher' else job.ranks()[int(receiver[-1])]
    stop(job, [told])
    steps = sorted(int(file.stem[5:]) for file in work_dir.glob('iter_*.pth'))
    assert steps == [1 if kind == 'by epoch' else 4]
    # No score of half a validation chose a best one.
    assert [*work_dir.glob('best_*')] == []
    before = len(log.read_text())
    assert fault_at_end(server, run, work_dir, log, words) == ''
    later = log.read_text()[before:]
    lines = [
        line for line in later.splitlines() if '(train)' in line or '(val)' in line
    ]
    assert '(train)' in lines[0]
