"""After as many samples, averages and schedules are where the recipe has them."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import LinearLR
from mmengine.runner import IterBasedTrainLoop
from mmpretrain.models.utils.ema import CosineEMA
from torch import nn

from rsp.cli import main
from rsp.engine.auto_scale_schedule import scale_schedules
from rsp.engine.hooks import TeacherHook, ValueScheduleHook
from rsp.engine.train import training_config
from rsp.models.heads import SelfDistillationHead
from rsp.models.modules import FeatureQueue, Teacher
from rsp.ops.schedules import share_of_steps

RUNS = Path(__file__).parents[1] / 'cases/runs'
sys.path.append(str(RUNS))


@pytest.mark.parametrize('share', [0.0, 0.001, 0.3, 1.0])
def test_a_step_stands_for_several(share):
    """Old values that go through eight small steps are those of one large one."""
    small = share_of_steps(share, 1 / 8)
    assert (1 - small) ** 8 == pytest.approx(1 - share, rel=1e-12)
    assert share_of_steps(small, 8) == pytest.approx(share, rel=1e-12)
    assert share_of_steps(share, 1) == pytest.approx(share, rel=1e-12)


def test_published_momentum_of_eight_processes_on_one():
    assert 1 - share_of_steps(0.001, 1 / 8) == pytest.approx(0.999 ** (1 / 8))


def model(**parts):
    return nn.ModuleDict(
        dict(teacher=Teacher(nn.ModuleDict(dict(a=nn.Linear(1, 1))), 0.2)) | parts
    )


def runner(hooks=(), schedules=None, loop=None, **parts):
    return SimpleNamespace(
        model=model(**parts),
        hooks=[*hooks],
        param_schedulers=schedules,
        train_loop=loop,
        max_iters=70,
    )


def test_a_teacher_that_follows_more_often_is_where_the_other_is():
    one, four = runner(), runner()
    scale_schedules(four, 1 / 4)
    for run, steps in ((one, 1), (four, 4)):
        run.model['teacher'].copy_from(nn.ModuleDict(dict(a=nn.Linear(1, 1))))
        nn.init.constant_(run.model['teacher'].module['a'].weight, 1.0)
        student = nn.ModuleDict(dict(a=nn.Linear(1, 1)))
        nn.init.constant_(student['a'].weight, 3.0)
        for _ in range(steps):
            run.model['teacher'].update_parameters(student)
    weights = [run.model['teacher'].module['a'].weight for run in (one, four)]
    torch.testing.assert_close(*weights)
    assert weights[0].item() == pytest.approx(1.4)


def test_every_average_is_told():
    run = runner(
        head=SelfDistillationHead(3, center_momentum=0.1),
        encoder_k=ExponentialMovingAverage(nn.Linear(1, 1), 0.01),
        queue=FeatureQueue(2, 16),
    )
    lines = scale_schedules(run, 0.5)
    assert run.model['teacher'].momentum == pytest.approx(1 - 0.8**0.5)
    assert run.model['head'].center_momentum == pytest.approx(1 - 0.9**0.5)
    assert run.model['encoder_k'].momentum == pytest.approx(1 - 0.99**0.5)
    assert lines == [
        'model.teacher.momentum 0.2 → 0.105573',
        'model.head.center_momentum 0.1 → 0.0513167',
        'model.encoder_k.momentum 0.01 → 0.00501256',
        'model.queue.length 16: stays, it counts images',
    ]


def test_milestones_in_images_stay():
    run = runner([TeacherHook(milestones=(0, 80))])
    [line] = scale_schedules(run, 0.5)
    assert run.model['teacher'].momentum == 0.2
    assert line == 'model.teacher.momentum 0.2: stays, its milestones count images'


def test_a_scheduled_momentum_is_scaled_at_each_of_its_values():
    hook = ValueScheduleHook('teacher.momentum', 'cosine', 0.4, 0.0)
    run = runner([hook])
    lines = scale_schedules(run, 0.25)
    assert lines == ['schedule of model.teacher.momentum: each m → m^0.25']
    assert run.model['teacher'].momentum == 0.2  # The hook sets it.
    place = SimpleNamespace(iter=30, max_iters=60, optim_wrapper=None)
    assert hook.value(place) == pytest.approx(1 - 0.8**0.25)


def test_other_values_keep_their_size_and_change_their_length():
    hook = ValueScheduleHook('temperature', 'linear', 0.1, 0.3, points=11)
    epochs = ValueScheduleHook('other', 'linear', 0.1, 0.3, by_epoch=True, points=11)
    run = runner([hook, epochs])
    lines = scale_schedules(run, 0.5)
    assert lines[-1] == 'schedule of model.temperature: points 11 → 21'
    place = SimpleNamespace(iter=10, max_iters=100, optim_wrapper=None)
    assert hook.value(place) == pytest.approx(0.2)
    assert epochs.points == 11


def test_schedules_in_steps_end_after_as_many_samples():
    schedules = [
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=4),
        dict(type=LinearLR, by_epoch=False, begin=4, end=6),
        dict(type='MultiStepLR', by_epoch=False, milestones=[10, 21], begin=6),
        dict(type='mmengine.ExponentialLR', by_epoch=False, gamma=0.81, end=10**9),
        dict(type='CosineAnnealingLR', T_max=3, end=3),
        dict(type='CosineRestartLR', by_epoch=False, periods=[8, 9]),
    ]
    lines = scale_schedules(runner(schedules=schedules), 0.5)
    assert [s.get('end') for s in schedules] == [8, 12, None, 10**9, 3, None]
    assert schedules[1]['begin'] == 8
    assert schedules[2]['milestones'] == [20, 42]
    assert schedules[3]['gamma'] == pytest.approx(0.9)
    assert schedules[4]['T_max'] == 3
    assert schedules[5]['periods'] == [16, 18]
    assert 'param_scheduler[2].milestones [10, 21] → [20, 42]' in lines


def test_a_short_warm_up_keeps_two_steps():
    schedules = dict(type='LinearLR', by_epoch=False, begin=0, end=4)
    scale_schedules(runner(schedules=schedules), 8)
    assert schedules['end'] == 2


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(loop=IterBasedTrainLoop.__new__(IterBasedTrainLoop)),
            r'got train_cfg.max_iters=70; train by train_cfg.max_epochs',
        ),
        (dict(hooks=[EMAHook()]), r'got EMAHook; remove it from custom_hooks'),
        (
            dict(momentum_net=CosineEMA(nn.Linear(1, 1))),
            r'got CosineEMA at model.momentum_net',
        ),
        (
            dict(slow=ExponentialMovingAverage(nn.Linear(1, 1), interval=2)),
            r'got ExponentialMovingAverage at model.slow',
        ),
        (
            dict(schedules=[dict(type='ReduceOnPlateauLR', by_epoch=False)]),
            r"got type='ReduceOnPlateauLR' at param_scheduler\[0\]",
        ),
        (dict(schedules=[object()]), r'got object at param_scheduler\[0\]'),
    ],
)
def test_what_has_no_rule_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        scale_schedules(runner(**changes), 0.5)


def test_the_flag_needs_the_recipes_step_and_our_runner(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text('optim_wrapper = dict(optimizer=dict(lr=1))')
    with pytest.raises(ValueError, match=r'schedule expects .*base_batch_size'):
        training_config(str(config), auto_scale_schedule=True)
    config.write_text('auto_scale_lr = dict(base_batch_size=8)')
    with pytest.raises(ValueError, match=r"'rsp.PortableRunner', got None; set it"):
        training_config(str(config), auto_scale_schedule=True)
    config.write_text(
        "auto_scale_lr = dict(base_batch_size=8)\nrunner_type = 'rsp.PortableRunner'"
    )
    cfg = training_config(str(config), auto_scale_schedule=True)
    assert cfg.auto_scale_lr == dict(base_batch_size=8, schedule=True)


def test_a_quarter_of_the_recipes_batch(tmp_path):
    """By the command; the log says what changed."""
    from small_runs import small_config, write_data

    cfg = small_config(
        'gersp',
        write_data(tmp_path, scenes=8, photos=8),
        'run',
        train_cfg__max_epochs=1,
        auto_scale_lr__base_batch_size=16,
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=2)
        ],
    )
    file = tmp_path / 'gersp.py'
    cfg.dump(file)
    flags = ('--auto-scale-lr', '--auto-scale-schedule')
    main('train', argv=[str(file), *flags])
    [log] = (tmp_path / 'run').glob('*/*.log')
    text = log.read_text()
    assert '4 pairs per step; the recipe was made for 16: model.teacher.mom' in text
    assert 'momentum 0.01 → 0.00250943; param_scheduler[0].end 2 → 8; model.q' in text
    assert 'queue.length 40: stays, it counts images.' in text
    assert 'lr 0.001 × 0.25 = 0.00025' in text
    saved = torch.load(tmp_path / 'run/iter_2.pth', weights_only=False)
    # A share of 1 / 7 per step from a tenth to the whole.
    [group] = saved['optimizer']['param_groups']
    assert group['lr'] / group['initial_lr'] == pytest.approx(0.1 + 0.9 * 2 / 7)
