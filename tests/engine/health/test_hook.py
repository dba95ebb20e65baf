"""The hook measures without a trace, writes everywhere, and tells once."""

import json

import numpy as np
import pytest
import torch
import trainings
from methods import PREPROCESSOR, backbone, geokr, gersp, moco
from mmengine.config import Config

from rsp.engine.health import budget as budgets
from rsp.engine.health.hook import HealthHook
from rsp.engine.health.rules import Alarm
from rsp.engine.replay.snapshot import random_states
from rsp.engine.train import build_runner
from rsp.errors import UserError

TWICE = dict(type='rsp.HealthHook', interval=2, max_share=1.0)
PROBE = str(
    trainings.ROOT
    / 'configs/downstream/classification/_base_/recipes/quickstart_probe.py'
)


def config(tmp_path, hook=TWICE, model=None, data=None, steps=6, **keys):
    data = data or trainings.folder(trainings.views())
    cfg = trainings.training(model or moco(queue_len=64), data, 8, steps=steps)
    cfg['default_hooks'].pop('health')
    if hook:
        cfg['default_hooks']['health'] = hook
    # Reached within these few steps.
    cfg['param_scheduler'][0]['end'] = steps
    return cfg | dict(work_dir=str(tmp_path / 'run'), experiment_name='run') | keys


def trained(cfg):
    runner = build_runner(Config(cfg))
    runner.train()
    return runner


def test_a_training_with_it_is_the_same_training(tmp_path):
    probing = TWICE | dict(probe=dict(config=PROBE, train=20, test=10))
    found = []
    for number, hook in enumerate((None, TWICE, probing)):
        # A name of its own: runs of one name share a history of losses.
        cfg = config(tmp_path / str(number), hook)
        runner = trained(cfg | dict(experiment_name=f'run_{number}'))
        state = runner.model.state_dict()
        states = random_states()
        found.append((state, states, runner.message_hub.get_scalar('train/loss').data))
    plain, *others = found
    for state, states, losses in others:
        assert all(torch.equal(plain[0][name], state[name]) for name in plain[0])
        assert torch.equal(plain[1]['torch'], states['torch'])
        assert np.array_equal(plain[1]['numpy'][1], states['numpy'][1])
        assert plain[1]['python'] == states['python']
        np.testing.assert_array_equal(plain[2][0], losses[0])


def test_numbers_reach_every_backend_and_the_summary(tmp_path):
    backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
    visualizer = dict(type='Visualizer', vis_backends=backends, name='health')
    runner = trained(config(tmp_path, visualizer=visualizer))
    (file,) = (tmp_path / 'run').rglob('scalars.json')
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line['step'] for line in lines] == [1, 2, 4, 6]
    names = ('rank', 'alignment', 'neighbor_top1', 'queue_age', 'teacher_distance')
    for name in (*names, 'gradient_norm', 'dead_units', 'share_of_time'):
        assert np.isfinite(lines[-1][f'health/{name}'])
    # 64 keys, 8 of them new in each step.
    assert lines[-1]['health/queue_age'] == 8
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (events,) = (tmp_path / 'run').rglob('events.*')
    reader = EventAccumulator(str(events))
    reader.Reload()
    values = [event.value for event in reader.Scalars('health/rank')]
    np.testing.assert_allclose(values, [line['health/rank'] for line in lines], 1e-6)
    summary = json.loads((tmp_path / 'run/health.json').read_text())
    assert (summary['measurements'], summary['alarms']) == (4, [])
    assert 0 < summary['share_of_time'] < 1
    runner.visualizer.close()


def warned(monkeypatch, runner):
    lines = []
    monkeypatch.setattr(runner.logger, 'warning', lines.append)
    return lines


def test_an_alarm_is_told_once_and_again_when_it_returns(tmp_path, monkeypatch):
    runner = build_runner(Config(config(tmp_path, steps=12)))
    lines = warned(monkeypatch, runner)
    bad = iter([False, True, True, False, True, False, False])
    alarm = Alarm('rate', 'too fast; slow down')
    monkeypatch.setattr(
        'rsp.engine.health.hook.find_alarms', lambda _: [alarm] if next(bad) else []
    )
    runner.train()
    assert lines == [
        f'health, iteration {n}: too fast; slow down. If it is meant: --cfg-options '
        '"default_hooks.health.ignore=[\'rate\']".'
        for n in (2, 8)
    ]
    summary = json.loads((tmp_path / 'run/health.json').read_text())
    assert [alarm['iter'] for alarm in summary['alarms']] == [2, 8]


def test_an_alarm_ends_the_run_where_it_shall(tmp_path):
    long = moco(queue_len=2400)
    hook = TWICE | dict(stop_on_alarm=True)
    with pytest.raises(
        UserError, match=r'^health, iteration 1: the queue of 2400 keys'
    ):
        trained(config(tmp_path, hook, long))
    summary = json.loads((tmp_path / 'run/health.json').read_text())
    assert [alarm['rule'] for alarm in summary['alarms']] == ['queue_length']
    silent = hook | dict(ignore=['queue_length'])
    trained(config(tmp_path / 'silent', silent, long, steps=2))


def test_a_supervised_training_is_left_alone(tmp_path):
    model = dict(
        type='ImageClassifier',
        backbone=backbone(),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
        data_preprocessor=PREPROCESSOR
        | dict(type='ClsDataPreprocessor', num_classes=10),
    )
    data = trainings.photos()
    trained(config(tmp_path, model=model, data=data, steps=2))
    assert not (tmp_path / 'run/health.json').exists()


def test_accumulated_passes_are_measured_when_the_optimizer_steps(tmp_path):
    data = trainings.paired(trainings.folder(trainings.views()), trainings.photos())
    model = gersp(queue=dict(dim=64, length=64))
    cfg = config(tmp_path, TWICE | dict(interval=4), model, data, steps=9)
    cfg['optim_wrapper']['accumulative_counts'] = 3
    runner = build_runner(Config(cfg))
    hook = next(hook for hook in runner.hooks if isinstance(hook, HealthHook))
    runner.train()
    # Multiples of 6, the next whole number of steps, and the first one.
    assert len(hook.history.found) == 2
    assert all('update_ratio' in found for found in hook.history.found)


def test_a_labeled_set_is_scored_by_its_neighbors(tmp_path):
    probe = dict(config=PROBE, train=100, test=60)
    data = trainings.land_cover()
    cfg = config(tmp_path, TWICE | dict(probe=probe), geokr(), data, steps=2)
    runner = build_runner(Config(cfg))
    hook = next(hook for hook in runner.hooks if isinstance(hook, HealthHook))
    runner.train()
    scores = [found['knn_top1'] for found in hook.history.found]
    # Of ten classes; color alone tells some.
    assert all(15 < score < 80 for score in scores), scores
    assert runner.model.backbone.training


def test_a_probe_without_labels_is_refused(tmp_path):
    hook = TWICE | dict(probe=str(trainings.ROOT / 'configs/moco/r18_quickstart.py'))
    with pytest.raises(UserError, match='expected a classification config with'):
        trained(config(tmp_path, hook))


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (dict(interval=0), "expected 'interval' of rsp.HealthHook of at least 1"),
        (dict(max_share=2), "expected 'max_share' of rsp.HealthHook between 0 and 1"),
    ],
)
def test_wrong_arguments_are_refused(options, told):
    with pytest.raises(UserError, match=told):
        HealthHook(**options)


def test_the_budget_keeps_to_its_share(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(budgets.time, 'perf_counter', lambda: now[0])
    budget, measured = budgets.Budget(0.01), []
    for step in range(1, 1001):
        now[0] += 1.0
        if step % 20 == 0 and budget.allows(0.5):
            with budget.spending():
                now[0] += 0.5
            measured.append(step)
    # Half a second is allowed every 50, so 60 is the first of twenties.
    assert measured[:4] == [60, 100, 160, 200]
    assert budget.share <= 0.01
