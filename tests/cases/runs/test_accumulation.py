"""Teacher, queue and schedules follow steps of the optimizer, not passes."""

import pytest
import torch
from small_runs import assert_same, scalars, train, write_data

OPTIONS = dict(
    optim_wrapper__accumulative_counts=2, default_hooks__checkpoint__interval=1
)
TEACHERS = dict(moco='encoder_k', gersp='teacher', cmid='teacher', geokr='teacher')


@pytest.fixture
def root(tmp_path):
    return write_data(tmp_path)


def test_05_teacher_moves_every_pass(root):
    """One epoch of six passes is one step, and one update."""
    runner = train(
        'gersp',
        root,
        'run',
        train_cfg__max_epochs=1,
        optim_wrapper__accumulative_counts=6,
    )
    assert runner.model.teacher.steps == 1


def test_r09_gersp_teacher_moves_per_pass(root):
    runner = train('gersp', root, 'run', **OPTIONS)
    (steps,) = {int(s['step']) for s in runner.optim_wrapper.optimizer.state.values()}
    assert (steps, runner.model.teacher.steps) == (9, 9)


@pytest.mark.parametrize('method', TEACHERS)
def test_every_teacher_moves_once_a_step(method, root):
    if method == 'geokr':
        pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    runner = train(method, root, 'run', train_cfg__max_epochs=1, **OPTIONS)
    assert getattr(runner.model, TEACHERS[method]).steps == 3


@pytest.mark.parametrize(
    ('method', 'queue'), [('gersp', 'queue.feats'), ('moco', 'queue')]
)
def test_keys_of_a_step_are_stored_together(method, queue, root):
    """Two passes of four store their eight keys when the optimizer steps."""
    train(method, root, 'run', train_cfg__max_epochs=1, **OPTIONS)

    def state(number):
        saved = torch.load(root / f'run/iter_{number}.pth', weights_only=False)
        return saved['state_dict'][queue]

    changed = (state(2) != state(3)).any(dim=0), (state(3) != state(4)).any(dim=0)
    assert [int(columns.sum()) for columns in changed] == [0, 8]


@pytest.mark.parametrize('method', ['gersp', 'cmid', 'moco'])
@pytest.mark.parametrize('saved', [7, 8])
def test_resuming_inside_a_step_ends_bit_identical(method, saved, root):
    """Steps of four passes go on over the ends of epochs: 18 are four and a half."""
    options = OPTIONS | dict(optim_wrapper__accumulative_counts=4)
    if method == 'gersp':
        options['model__queue__length'] = 48
    whole = train(method, root, 'whole', **options)
    resumed = train(method, root, 'rest', root / f'whole/iter_{saved}.pth', **options)
    assert_same(resumed, whole)


def test_schedules_are_those_of_the_large_batch(root):
    """Warm-up in iterations, cosine over epochs, momentum: equal at every step."""
    schedules = [
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=4),
        dict(
            type='CosineAnnealingLR',
            T_max=3,
            end=3,
            by_epoch=True,
            convert_to_iter_based=True,
        ),
    ]
    large = train(
        'cmid', root, 'large', train_dataloader__batch_size=8, param_scheduler=schedules
    )
    small = train('cmid', root, 'small', **OPTIONS, param_scheduler=schedules)
    ours, theirs = scalars(small), scalars(large)
    assert (len(ours), len(theirs)) == (18, 9)
    for name in ('lr', 'teacher.momentum'):
        every = [line[name] for line in ours]
        expected = [line[name] for line in theirs]
        assert every[::2] == every[1::2]
        assert every[::2] == pytest.approx(expected), name


def test_resumed_schedules_count_steps_too(root):
    """With another rate they are made anew, and set to the fourth step."""
    schedule = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=8)]
    changes = dict(optim_wrapper__optimizer__lr=0.002, param_scheduler=schedule)
    train('gersp', root, 'whole', **OPTIONS)
    resumed = train(
        'gersp', root, 'rest', root / 'whole/iter_9.pth', **OPTIONS, **changes
    )
    straight = train('gersp', root, 'straight', **OPTIONS, **changes)
    ours, theirs = scalars(resumed), scalars(straight)
    assert [x['lr'] for x in ours] == [x['lr'] for x in theirs][9:]


def test_the_queue_has_to_hold_the_keys_of_a_step(root):
    with pytest.raises(Exception, match=r'48 keys per step do not fit a queue of 40'):
        train('gersp', root, 'run', optim_wrapper__accumulative_counts=12)
