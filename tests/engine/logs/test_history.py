"""Logged values wait on the device, and read the same."""

import copy
import pickle

import numpy as np
import pytest
import torch
from device_waits import waits_of_device
from mmengine.hooks import RuntimeInfoHook as MMRuntimeInfoHook
from mmengine.logging import HistoryBuffer, MessageHub

from rsp.engine.logs import History, RuntimeInfoHook
from rsp.engine.logs.history import MOST_WAITING


def fill(buffer, values):
    for value in values:
        number = isinstance(value, torch.Tensor) and type(buffer) is HistoryBuffer
        buffer.update(value.item() if number else value)
    return buffer


VALUES = [torch.tensor(0.1), 2.5, torch.tensor(3, dtype=torch.int64), torch.ones(1, 1)]


@pytest.mark.parametrize('start', [[], [4.0, 5.0], [7]])
@pytest.mark.parametrize('values', [VALUES, VALUES[2:3], [3, 4]])
def test_it_reads_as_the_buffer_of_mmengine(start, values):
    def new():
        return HistoryBuffer(start, [1] * len(start), max_length=4)

    ours, theirs = fill(History(new()), values), fill(new(), values)
    for a, b in zip(ours.data, theirs.data, strict=True):
        assert a.tolist() == b.tolist()
        assert a.dtype == b.dtype or not start
    for name in ('mean', 'max', 'min', 'current'):
        assert ours.statistics(name) == theirs.statistics(name)
    assert ours.mean(2) == theirs.mean(2)


def test_nothing_is_fetched_until_it_is_read():
    history = History(HistoryBuffer())
    with waits_of_device() as waits:
        fill(history, VALUES)
        history.update(8.0)
        assert history.current() == 8.0
    assert waits.found == []
    with waits_of_device() as waits:
        history.mean()
    # One copy for each kind of tensor.
    assert [place.split()[0] for place in waits.found] == ['tolist'] * 2


def test_a_value_keeps_no_graph_alive():
    history, weight = History(HistoryBuffer()), torch.ones(2, requires_grad=True)
    history.update((2 * weight).sum())
    assert not history._waiting[0][0].requires_grad


def test_unread_values_do_not_pile_up():
    history = fill(History(HistoryBuffer()), range(MOST_WAITING + 3))
    assert len(history._waiting) == 3
    assert history.data[0].tolist() == [*range(MOST_WAITING + 3)]


@pytest.mark.parametrize(
    'copied', [copy.deepcopy, lambda h: pickle.loads(pickle.dumps(h))]
)
def test_checkpoints_hold_the_class_of_mmengine(copied):
    other = copied(fill(History(HistoryBuffer()), VALUES))
    assert type(other) is HistoryBuffer
    assert other.mean() == pytest.approx((0.1 + 2.5 + 3 + 1) / 4)


class Wrapper:
    def get_lr(self):
        return dict(lr=[0.25])


class Run:
    iter = 3
    optim_wrapper = Wrapper()

    def __init__(self, name):
        self.message_hub = MessageHub.get_instance(name)


def test_the_hook_records_what_that_of_mmengine_does():
    outputs = dict(loss=torch.tensor(0.5), top1=torch.tensor([60.0]), share=0.3)
    states = []
    for name, hook in (('ours', RuntimeInfoHook()), ('theirs', MMRuntimeInfoHook())):
        run = Run(name)
        run.message_hub.update_scalar('train/time', 1.5)
        for _ in range(3):
            hook.before_train_iter(run, 0)
            hook.after_train_iter(run, 0, outputs=outputs)
        state = run.message_hub.state_dict()
        scalars = {
            k: [a.tolist() for a in b.data] for k, b in state['log_scalars'].items()
        }
        states.append((scalars, state['resumed_keys'], state['runtime_info']))
    assert states[0] == states[1]
    assert all(np.isfinite(v[0]).all() for v in states[0][0].values())
