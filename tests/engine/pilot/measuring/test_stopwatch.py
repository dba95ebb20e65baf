"""Where the time goes: parts within parts, and the parts of a real step."""

import time
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import BaseModel, ExponentialMovingAverage
from mmengine.optim import OptimWrapper

from rsp.engine.pilot.measuring.hook import shares
from rsp.engine.pilot.measuring.stopwatch import (
    BACKWARD,
    FORWARD,
    HOOKS,
    OPTIMIZER,
    PARTS,
    TEACHER,
    TRANSFER,
    WAIT,
    Stopwatch,
    instrument,
)
from rsp.engine.pilot.report import percentages


class Clock:
    now = 0.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


def test_a_moment_belongs_to_the_innermost_part():
    clock = Clock()
    watch = Stopwatch(clock)
    clock.pass_by(1)
    with watch.timing(FORWARD):
        clock.pass_by(2)
        with watch.timing(TEACHER):
            clock.pass_by(4)
        clock.pass_by(8)
    clock.pass_by(16)
    seconds = watch.read()
    assert (seconds[HOOKS], seconds[FORWARD], seconds[TEACHER]) == (17, 10, 4)
    assert sum(seconds.values()) == clock.now


def test_a_part_that_fails_ends():
    clock = Clock()
    watch = Stopwatch(clock)
    with pytest.raises(ZeroDivisionError), watch.timing(BACKWARD):
        1 / 0  # noqa: B018
    clock.pass_by(3)
    assert watch.read()[HOOKS] == 3


def test_the_device_is_waited_for_at_both_ends_of_a_part():
    clock = Clock()
    watch = Stopwatch(clock)
    pending = [0.0]

    def synchronize():
        clock.pass_by(pending.pop() if pending else 0)

    watch.synchronize = synchronize
    with watch.timing(BACKWARD):
        pending.append(5.0)  # started, and computed later
    assert watch.read()[BACKWARD] == 5


class Sleeper(BaseModel):
    """Sleeps for a number of milliseconds in each part of a step."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.teacher = ExponentialMovingAverage(torch.nn.Linear(1, 1))
        self.teacher.update_parameters = lambda _: time.sleep(0.03)
        self.data_preprocessor.forward = lambda data, training: time.sleep(0.02) or data

    def forward(self, inputs, mode):
        time.sleep(0.05)
        self.teacher.update_parameters(None)
        return dict(loss=Slow.apply(self.weight * inputs))


class Slow(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        time.sleep(0.08)
        return grad


def test_every_part_of_a_step_is_found():
    model = Sleeper()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    plain = optimizer.step
    optimizer.step = lambda: time.sleep(0.04) or plain()
    wrapper = OptimWrapper(optimizer)
    watch = Stopwatch()
    runner = SimpleNamespace(model=model, optim_wrapper=wrapper, hooks=[])
    instrument(runner, watch)
    watch.restart()
    begin = time.perf_counter()
    model.train_step(dict(inputs=torch.ones(())), wrapper)
    seconds = watch.read()

    # Sleep lasts at least as long as told.
    expected = {TRANSFER: 20, FORWARD: 50, TEACHER: 30, BACKWARD: 80, OPTIMIZER: 40}
    for part, milliseconds in expected.items():
        assert seconds[part] * 1000 >= milliseconds - 1, part
    assert seconds[WAIT] == 0
    passed = time.perf_counter() - begin
    assert sum(seconds.values()) == pytest.approx(passed, abs=0.01)


def test_the_wait_is_that_of_a_run_that_does_not_stop_at_every_part():
    waiting = dict.fromkeys(PARTS, 0.0) | {WAIT: 2.0, HOOKS: 8.0}
    alone = dict.fromkeys(PARTS, 0.0) | {WAIT: 0.5, FORWARD: 6.0, BACKWARD: 10.0}
    found = shares(waiting, alone)
    assert found[WAIT] == pytest.approx(0.2)
    assert found[FORWARD] == pytest.approx(0.8 * 6 / 16)
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize('seed', range(5))
def test_percentages_sum_to_a_hundred_and_are_nearest(seed):
    shares = torch.rand(7, generator=torch.Generator().manual_seed(seed)).double()
    parts = dict(zip(PARTS, (shares / shares.sum()).tolist(), strict=True))
    rounded = percentages(parts)
    assert sum(rounded.values()) == 100
    assert all(abs(rounded[part] - 100 * parts[part]) < 1 for part in PARTS)
