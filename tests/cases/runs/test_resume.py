"""Killed anywhere, resumed anywhere: the run ends as if it had never stopped."""

import re
from pathlib import Path

import pytest
from small_runs import METHODS, assert_same, scalars, train, write_data

from rsp.datasets import SeededDataset
from rsp.errors import UserError

STEP = re.compile(r'Epoch\(train\) +\[(\d+)\]\[ *(\d+)/6\]')


def steps_of(runner) -> list[tuple[int, int]]:
    """Epoch and step of every line of the log, from 1."""
    (file,) = Path(runner.work_dir).glob('*/*.log')
    text = file.read_text()
    return [(int(a), int(b)) for a, b in STEP.findall(text)]


@pytest.fixture
def root(tmp_path):
    return write_data(tmp_path)


@pytest.mark.parametrize('method', METHODS)
def test_resuming_inside_an_epoch_ends_bit_identical(method, root):
    if method == 'geokr':
        pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    whole = train(method, root, 'whole')
    resumed = train(method, root, 'rest', root / 'whole/iter_8.pth')
    assert_same(resumed, whole)


def test_06_resume_inside_an_epoch(root):
    """Every step once: 3 epochs of 6, resumed after 8."""
    train('gersp', root, 'whole')
    resumed = train('gersp', root, 'rest', root / 'whole/iter_8.pth')
    expected = [(epoch, step) for epoch in (1, 2, 3) for step in range(1, 7)]
    assert steps_of(resumed) == expected[8:]


@pytest.mark.parametrize(('saved', 'steps'), [(8, 10), (12, 6), (18, 0)])
def test_r08_mid_epoch_checkpoint_replays(saved, steps, root):
    """Inside an epoch, after the last step of one, and after that of the run."""
    whole = train('gersp', root, 'whole')
    resumed = train('gersp', root, 'rest', root / f'whole/iter_{saved}.pth')
    assert len(steps_of(resumed)) == steps
    assert_same(resumed, whole)


@pytest.mark.parametrize(
    ('persistent', 'saved'),
    [
        (True, 'iter_8'),
        *(
            pytest.param(*values, marks=pytest.mark.slow)
            for values in [
                (True, 'iter_12'),
                (True, 'epoch_2'),
                (False, 'iter_8'),
                (False, 'iter_12'),
                (False, 'epoch_2'),
            ]
        ),
    ],
)
def test_workers_change_nothing(persistent, saved, root):
    """CMID draws patches in the training process, where loaders draw seeds too."""
    loader = dict(
        train_dataloader__num_workers=2,
        train_dataloader__persistent_workers=persistent,
    )
    if saved == 'epoch_2':
        loader |= dict(
            default_hooks__checkpoint__by_epoch=True,
            default_hooks__checkpoint__interval=1,
        )
    whole = train('cmid', root, 'whole', **loader)
    resumed = train('cmid', root, 'rest', root / f'whole/{saved}.pth', **loader)
    assert_same(resumed, whole)


@pytest.mark.parametrize('saved', [8, 12])
def test_runs_by_iteration_go_on_in_the_right_epoch(saved, root):
    loop = dict(by_epoch=False, max_iters=16, val_interval=100, _delete_=True)
    options = dict(
        train_cfg=loop,
        param_scheduler=[dict(type='PolyLR', by_epoch=False, end=16)],
        default_hooks__logger__log_metric_by_epoch=False,
    )
    whole = train('cmid_swin', root, 'whole', **options)
    resumed = train(
        'cmid_swin', root, 'rest', root / f'whole/iter_{saved}.pth', **options
    )
    assert_same(resumed, whole)


def test_images_behind_are_not_loaded(root, monkeypatch):
    train('moco', root, 'whole')
    loaded = []
    load = SeededDataset.__getitem__
    monkeypatch.setattr(
        SeededDataset,
        '__getitem__',
        lambda self, sample: (loaded.append(1), load(self, sample))[1],
    )
    train('moco', root, 'rest', root / 'whole/iter_8.pth')
    assert len(loaded) == (18 - 8) * 4


def test_the_seed_of_the_checkpoint_orders_the_images(root):
    """Without a seed in the config every start draws another one."""
    whole = train('moco', root, 'whole', randomness__seed=None)
    resumed = train(
        'moco', root, 'rest', root / 'whole/iter_8.pth', randomness__seed=None
    )
    assert_same(resumed, whole)


def log_of(runner) -> str:
    (file,) = Path(runner.work_dir).glob('*/*.log')
    return file.read_text()


def test_other_batches_go_on_at_the_same_share_of_the_epoch(root):
    """8 of 18 steps of 4 scenes are 4 of 9 steps of 8; all schedules follow."""
    train('cmid', root, 'whole')
    resumed = train(
        'cmid', root, 'rest', root / 'whole/iter_8.pth', train_dataloader__batch_size=8
    )
    straight = train('cmid', root, 'straight', train_dataloader__batch_size=8)
    text = log_of(resumed)
    assert 'goes on at batch 1 of epoch 2, iteration 4 instead of 8' in text
    ours, theirs = (scalars(run) for run in (resumed, straight))
    assert [line['step'] for line in ours] == [5, 6, 7, 8, 9]
    for one, other in zip(ours, theirs[4:], strict=True):
        for name in (
            'lr',
            'teacher.momentum',
            'local_head.teacher_temperature',
            'step',
        ):
            assert one[name] == other[name], name


def test_iterations_of_other_batches_are_refused(root):
    options = dict(
        train_cfg=dict(by_epoch=False, max_iters=8, val_interval=100, _delete_=True),
        param_scheduler=[dict(type='PolyLR', by_epoch=False, end=8)],
    )
    train('moco', root, 'whole', **options)
    with pytest.raises(UserError, match=r'expected 4 items .* got 8 .*batch_size=4,'):
        train(
            'moco',
            root,
            'rest',
            root / 'whole/iter_4.pth',
            train_dataloader__batch_size=8,
            **options,
        )


@pytest.mark.parametrize('method', ['gersp', 'cmid'])
def test_settings_of_this_config_apply_and_are_named(method, root):
    """A new rate, decay and schedule act on a resumed run as on a new one."""
    changes = dict(
        optim_wrapper__optimizer__lr=0.002,
        optim_wrapper__optimizer__weight_decay=0.3,
        param_scheduler=[dict(type='MultiStepLR', milestones=[1, 2], gamma=0.5)],
    )
    train(method, root, 'whole')
    resumed = train(method, root, 'rest', root / 'whole/iter_8.pth', **changes)
    straight = train(method, root, 'straight', **changes)
    assert [x['lr'] for x in scalars(resumed)] == [x['lr'] for x in scalars(straight)][
        8:
    ]
    for one, other in zip(
        resumed.optim_wrapper.param_groups,
        straight.optim_wrapper.param_groups,
        strict=True,
    ):
        assert one['weight_decay'] == other['weight_decay']
    text = log_of(resumed)
    assert re.search(r'optimizer, lr: \S+ in the checkpoint, 0\.002 applies', text)
    assert re.search(r'weight_decay: 0\.0\d in the checkpoint, 0\.3 applies', text)
    assert 'param_scheduler: 2 schedules in the checkpoint, 1 apply' in text


def test_auto_scale_lr_acts_on_a_resumed_run(root):
    whole = train('gersp', root, 'whole')
    resumed = train(
        'gersp', root, 'rest', root / 'whole/iter_8.pth', auto_scale_lr=True
    )
    expected = [line['lr'] / 16 for line in scalars(whole)][8:]
    assert [line['lr'] for line in scalars(resumed)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            dict(optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1), _delete_=True)),
            r'got SGD with .*momentum.*; restore optim_wrapper\.optimizer\.type',
        ),
        (
            dict(optim_wrapper__paramwise_cfg=dict(bias_decay_mult=0.0)),
            r'in 1 groups of the optimizer, as in the checkpoint, got',
        ),
    ],
)
def test_the_state_of_another_optimizer_is_refused(change, message, root):
    train('gersp', root, 'whole', train_cfg__max_epochs=1)
    with pytest.raises(UserError, match=message):
        train('gersp', root, 'rest', root / 'whole/iter_4.pth', **change)


def test_every_difference_of_the_configs_is_told(root):
    """Applied or ignored, a line per key; none for a config that is the same."""
    train('cmid', root, 'whole', train_cfg__max_epochs=2)
    start = root / 'whole/iter_8.pth'
    same = train('cmid', root, 'same', start, train_cfg__max_epochs=2)
    assert 'in the checkpoint' not in log_of(same)
    other = train(
        'cmid',
        root,
        'other',
        start,
        train_cfg__max_epochs=2,
        randomness__seed=7,
        model__teacher__momentum=0.5,
        train_dataloader__dataset__dataset__pipeline__1__mask_ratio=0.5,
        model__backbone__init_cfg=[dict(type='Kaiming', layer='Conv2d')],
    )
    told = {
        line.partition(' - INFO - ')[2] or line.partition(' - WARNING - ')[2]
        for line in log_of(other).splitlines()
        if 'in the checkpoint, ' in line
    }
    assert {line.partition(':')[0]: line.rpartition(' ')[2] for line in told} == {
        'randomness.seed': 'on.',
        'model.teacher.momentum': 'applies.',
        'model.backbone.init_cfg': 'checkpoint.',
        'train_dataloader.dataset.dataset.pipeline.1.mask_ratio': 'applies.',
    }
    assert (
        'randomness.seed: 0 in the checkpoint, 7 here, which is ignored: the order of '
        'images and their augmentations go on.' in told
    )


@pytest.mark.parametrize('saved', [8, 12])
def test_a_resumed_run_tells_that_nothing_is_left(saved, root):
    """Inside of its second epoch and after it, of a run that ends with the first."""
    train('gersp', root, 'whole', train_cfg__max_epochs=2)
    file = root / f'whole/iter_{saved}.pth'
    short = train('gersp', root, 'short', file, train_cfg__max_epochs=1)
    assert short.iter == saved
    (log,) = (root / 'short').glob('*/*.log')
    told = f'Nothing is left to train: the checkpoint was saved after iteration {saved}'
    assert f'{told}, this run ends after 6; raise' in log.read_text()
