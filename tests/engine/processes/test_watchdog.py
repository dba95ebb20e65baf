"""A run that stands still says where."""

import sys
import threading
import time

import pytest
import torch
from mmengine.runner import BaseLoop
from torch.utils.data import DataLoader

from rsp.engine.processes import WatchdogHook, watchdog
from rsp.engine.processes.workers import guard_workers


class Standing(BaseLoop):
    """A loop at some iteration."""

    def __init__(self, iteration):
        self.iter = iteration

    def run(self):
        raise NotImplementedError


class Run:
    """A runner that does one thing under the eyes of a hook."""

    def __init__(self, iteration):
        self._train_loop = Standing(iteration)

    def train(self, hook, do):
        hook.before_run(self)
        do()


@pytest.fixture
def told(monkeypatch):
    lines = []
    monkeypatch.setattr(watchdog, 'print_log', lambda text, **_: lines.append(text))
    # Coverage and debuggers trace; the hook is off then.
    monkeypatch.setattr(sys, 'gettrace', lambda: None)
    return lines


def stand_still(seconds):
    time.sleep(seconds)


def test_a_run_that_stands_still_is_told_with_its_stack(told):
    hook = WatchdogHook(seconds=0.2)
    Run(7).train(hook, lambda: stand_still(0.6))
    hook.after_run(None)
    assert 'rank 0 of 1 has made no step for' in told[0]
    assert 'after iteration 7; it computes' in told[0]
    assert 'in stand_still' in told[0]
    # Told after 0.2 s and after 0.4 s.
    assert len(told) <= 2


def test_steps_keep_it_quiet(told):
    hook = WatchdogHook(seconds=0.4)

    def step():
        for _ in range(8):
            time.sleep(0.1)
            hook.after_train_iter(None, batch_idx=0)

    Run(7).train(hook, step)
    hook.after_run(None)
    assert told == []


def test_a_run_that_was_left_without_a_word_is_watched_no_more(told):
    before = threading.active_count()
    hook = WatchdogHook(seconds=0.2)
    Run(7).train(hook, lambda: None)
    stand_still(0.6)
    assert told == []
    assert threading.active_count() <= before


@pytest.mark.parametrize('seconds', [0, 300])
def test_it_is_off_by_0_and_in_a_debugger(monkeypatch, seconds):
    monkeypatch.setattr(sys, 'gettrace', lambda: print)
    before = threading.active_count()
    Run(0).train(WatchdogHook(seconds), lambda: None)
    assert threading.active_count() == before


class Slow(torch.utils.data.Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        read_forever()
        return index


def read_forever():
    time.sleep(1.5)


@pytest.mark.skipif(sys.platform != 'linux', reason='workers are forked')
def test_a_worker_that_stands_still_prints_its_own_stack(told, capfd):
    loader = DataLoader(Slow(), num_workers=1, multiprocessing_context='fork')
    guard_workers(loader)
    hook = WatchdogHook(seconds=0.3)
    Run(7).train(hook, lambda: list(loader))
    hook.after_run(None)
    assert 'it waits for a batch of the workers [' in told[0]
    assert 'in read_forever' in capfd.readouterr().err
