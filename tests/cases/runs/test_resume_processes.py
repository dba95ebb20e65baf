"""Runs of two processes are killed and resumed, also on another number of them."""

import os
import signal
import time

import pytest
import torch
from launching import finish, launch, logged, start
from small_runs import scalars, small_config, train, write_data


@pytest.fixture
def root(tmp_path):
    return write_data(tmp_path)


@pytest.mark.slow
@pytest.mark.dist
def test_02_resume_other_process_count(root):
    """Twice the images a step: half the steps, and every schedule at its place."""
    train('cmid', root, 'a')
    cfg = small_config('cmid', root, 'b', root / 'a/iter_12.pth')
    output = finish(launch(cfg))
    assert 'goes on at batch 3 of epoch 2, iteration 6 instead of 12' in output
    lines = logged(root / 'b')
    assert [line['step'] for line in lines] == [7, 8, 9]
    momenta = {line['step']: line['teacher.momentum'] for line in logged(root / 'a')}
    # The cosine at 6, 7 and 8 of 9 is that at 12, 14 and 16 of 18.
    expected = [momenta[step] for step in (13, 15, 17)]
    assert [line['teacher.momentum'] for line in lines] == pytest.approx(expected)
    before, after = (
        torch.load(file, weights_only=False)['state_dict']
        for file in (root / 'a/iter_12.pth', root / 'b/iter_8.pth')
    )
    name = 'teacher.module.backbone.layer1.0.conv1.weight'
    assert not torch.equal(before[name], after[name])


@pytest.mark.dist
@pytest.mark.slow
@pytest.mark.parametrize('method', ['gersp', 'cmid_swin', 'moco', 'geokr'])
def test_killed_processes_end_bit_identical(method, root):
    """kill -9 of all of them in the middle of an epoch, twice."""
    # Of both processes four, so that there are 18 steps.
    halves = dict(train_dataloader__batch_size=2)
    whole = small_config(method, root, 'whole', **halves)
    finish(launch(whole))
    for attempt in range(3):
        cfg = small_config(method, root, 'rest', **halves)
        saved = sorted((root / 'rest').glob('iter_*.pth'), key=os.path.getmtime)
        cfg.load_from = str(saved[-1]) if saved else None
        process = launch(cfg)
        if attempt < 2:
            deadline = time.time() + 200
            while len([*(root / 'rest').glob('iter_*.pth')]) <= len(saved) + 1:
                assert process.poll() is None
                assert time.time() < deadline
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        else:
            finish(process)
    assert_same_ends(root, 'iter_18.pth')


def assert_same_ends(root, name):
    """Compare what two runs saved at their ends, bit by bit."""
    ends = [
        torch.load(root / f'{folder}/{name}', weights_only=False)
        for folder in ('whole', 'rest')
    ]
    for key, tensor in ends[0]['state_dict'].items():
        assert torch.equal(tensor, ends[1]['state_dict'][key]), key
    states = [end['optimizer']['state'] for end in ends]
    for number, state in states[0].items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, states[1][number][key]), (number, key)


@pytest.mark.dist
@pytest.mark.slow
def test_a_stopped_run_ends_bit_identical(root):
    """SIGTERM to the launcher inside an epoch, with workers; then --resume."""
    options = dict(
        train_dataloader__batch_size=2,
        train_dataloader__num_workers=2,
        train_dataloader__persistent_workers=True,
        default_hooks__checkpoint__by_epoch=True,
        default_hooks__checkpoint__interval=1,
        train_cfg__max_epochs=4,
    )
    finish(launch(small_config('gersp', root, 'whole', **options)))
    process = launch(small_config('gersp', root, 'rest', **options))
    deadline = time.time() + 200
    while len(logged(root / 'rest')) < 8:
        assert process.poll() is None
        assert time.time() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 75, output[-3000:]
    assert 'Stopped by SIGTERM after iteration' in output
    again = start(root / 'rest.py', 2, '--resume')
    output = finish(again)
    assert 'Nothing to resume' not in output
    assert_same_ends(root, 'epoch_4.pth')


@pytest.mark.dist
@pytest.mark.slow
def test_two_processes_go_on_as_one_with_the_same_images(root):
    """With the global batch kept; Swin has no batch norm that would tell them apart."""
    options = dict(
        train_dataloader__batch_size=2,
        model__backbone__drop_path_rate=0.0,
        model__neck=dict(type='rsp.Projector', widths=[128, 64, 128], _delete_=True),
        model__local_neck__norm_cfg=None,
        model__num_matches=-1,
        # Its weights are relative to the largest of a process's batch.
        model__loss_weights__loss_frequency=0.0,
        # Adaptive steps would make rounding errors large.
        optim_wrapper__optimizer=dict(
            type='SGD', lr=0.01, weight_decay=0.05, _delete_=True
        ),
    )
    finish(launch(small_config('cmid_swin', root, 'two', **options)))
    resumed = train(
        'cmid_swin',
        root,
        'one',
        root / 'two/iter_8.pth',
        **options | dict(train_dataloader__batch_size=4),
    )
    ours, theirs = scalars(resumed), logged(root / 'two')[8:]
    assert len(ours) == 10
    for name in ('step', 'lr', 'teacher.momentum'):
        assert [line[name] for line in ours] == [line[name] for line in theirs], name
    for name in ('loss_spatial', 'loss_frequency', 'loss_global', 'loss_local'):
        expected = pytest.approx([line[name] for line in theirs], rel=2e-4)
        assert [line[name] for line in ours] == expected, name
