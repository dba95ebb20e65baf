"""A pilot of a small run in this process, by a clock that the model moves."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import Dataset

from rsp.engine.logs.report_hook import ReportHook
from rsp.engine.pilot.measuring import hook as measuring
from rsp.engine.pilot.measuring import validation
from rsp.engine.pilot.measuring.hook import PilotHook
from rsp.engine.pilot.measuring.stopwatch import BACKWARD, FORWARD, WAIT
from rsp.engine.pilot.pilot import bills


class Clock:
    now = 0.0

    @classmethod
    def read(cls):
        return cls.now


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    stand_in = SimpleNamespace(perf_counter=Clock.read, time=lambda: 0.0)
    monkeypatch.setattr(measuring, 'time', stand_in)
    monkeypatch.setattr(validation, 'time', stand_in)


class Numbers(Dataset):
    metainfo = {}

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return dict(inputs=torch.full((3,), float(index)))


class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, inputs, mode):
        Clock.now += 0.01
        value = self.layer(torch.stack(list(inputs)))
        return dict(loss=value.square().mean()) if mode == 'loss' else [value]


class Count(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(count=len(results))


class Rare(Hook):
    def __init__(self):
        self.interval, self.calls = 10_000, 0

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if self.every_n_train_iters(runner, self.interval):
            assert 'loss' in outputs
            self.calls += 1


def loader(length, **kwargs):
    sampler = dict(type='DefaultSampler', shuffle=False)
    return dict(batch_size=2, dataset=Numbers(length), sampler=sampler, **kwargs)


def pilot(tmp_path, train_cfg, length=400, seconds=0.5, whole=True):
    runner = Runner(
        model=Line(),
        work_dir=str(tmp_path),
        train_dataloader=loader(length, num_workers=0),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-4)),
        train_cfg=train_cfg,
        val_dataloader=loader(300, num_workers=0),
        val_cfg=dict(),
        val_evaluator=Evaluator(Count(prefix='n')),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)
        ),
        custom_hooks=[Rare(), ReportHook()],
        default_scope='mmengine',
        experiment_name=f'pilot_{tmp_path.name}',
        log_level='ERROR',
    )
    hook = PilotHook(seconds, 0.0, whole)
    runner.register_hook(hook)
    runner.train()
    facts = dict(gpu=False, cores=2, batch=2)
    return runner, hook.measured | dict(facts=facts, end=dict(wall=0.0))


def test_a_part_of_a_long_run_is_measured(tmp_path):
    cfg = dict(by_epoch=True, max_epochs=30, val_interval=10)
    runner, found = pilot(tmp_path, cfg)
    # Nothing is left to report.
    assert not any(isinstance(hook, ReportHook) for hook in runner.hooks)
    assert found['schedule'] == dict(
        iterations=6000, epochs=30, validations=3, checkpoints=3000
    )
    assert found['steps']['step'] == pytest.approx(0.01)
    assert found['steps']['count'] == pytest.approx(0.9 * 35, abs=3)
    assert runner.epoch == 1  # which was ended to see another one begin
    assert sum(found['parts'].values()) == pytest.approx(1)
    assert all(found['parts'][part] > 0 for part in (WAIT, FORWARD, BACKWARD))
    # One file, written to be timed, of thousands that were due.
    assert len([*tmp_path.glob('*.pth')]) == 1
    assert found['checkpoint']['mib'] > 0
    assert found['validation']['share'] == pytest.approx(15 / 150, abs=0.02)
    assert found['validation']['wall'] == pytest.approx(1.5)
    (rare,) = [one for one in found['rare'] if one['interval'] == 10_000]
    assert rare['wall'] > 0
    hook = next(hook for hook in runner.hooks if isinstance(hook, Rare))
    assert (hook.calls, hook.interval) == (1, 10_000)
    bill = bills(found)['bill']
    assert bill['validation'] == pytest.approx(3 * found['validation']['wall'])
    assert bill['training'] == pytest.approx(60, abs=0.5)


def test_runs_by_iteration_have_no_epochs(tmp_path):
    cfg = dict(by_epoch=False, max_iters=50_000, val_interval=1000)
    _, found = pilot(tmp_path, cfg, length=10)
    assert found['schedule']['iterations'] == 50_000
    assert found['schedule']['validations'] == 50
    assert found['steps']['epoch'] == 0


@pytest.mark.parametrize('max_iters', [1, 2, 5])
def test_a_schedule_shorter_than_a_pilot_is_run_whole(tmp_path, max_iters):
    cfg = dict(by_epoch=False, max_iters=max_iters)
    runner, found = pilot(tmp_path, cfg, seconds=30, whole=False)
    assert runner.iter == max_iters
    assert found['steps']['count'] == max(max_iters - 1, 1)


def test_steps_on_a_gpu_are_split_behind_those_that_are_summed(tmp_path, monkeypatch):
    waits = []
    cuda = SimpleNamespace(
        is_available=lambda: True,
        synchronize=lambda: waits.append(1),
        max_memory_reserved=lambda: 30,
        max_memory_allocated=lambda: 20,
    )
    monkeypatch.setattr(measuring, 'torch', SimpleNamespace(cuda=cuda))
    cfg = dict(by_epoch=True, max_epochs=30)
    _, found = pilot(tmp_path, cfg, whole=False)
    assert len(waits) > 10
    assert found['memory']['gpu'] == 30
    assert sum(found['parts'].values()) == pytest.approx(1)
    assert found['steps']['count'] >= 1


def test_steps_that_take_longer_than_the_time_are_seen_all_the_same(tmp_path):
    cfg = dict(by_epoch=True, max_epochs=30)
    _, found = pilot(tmp_path, cfg, seconds=1e-6, whole=False)
    assert found['steps']['warmup'] == 1
    assert found['steps']['count'] >= 1
