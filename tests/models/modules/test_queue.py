from collections import deque

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from rsp.models.modules import FeatureQueue


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from([1, 2, 15, 16, 17]), st.lists(st.integers(1, 17), max_size=12))
def test_push_keeps_the_last_keys(length, batches):
    queue = FeatureQueue(dim=2, length=length)
    model = deque(range(-length, 0), maxlen=length)
    queue.feats.copy_(torch.arange(-length, 0).float().expand(2, -1))
    count = 0
    for size in batches:
        if size > length:
            continue
        keys = torch.arange(count, count + size)
        queue.push(keys[:, None].expand(-1, 2).float())
        model.extend(keys.tolist())
        count += size
    assert sorted(queue.feats[0].int().tolist()) == sorted(model)
    assert queue.ptr.item() == count % length


def test_the_pointer_and_columns_move_as_published():
    """K = 16, G = 4."""
    queue = FeatureQueue(dim=3, length=16)
    initial = queue.feats.clone()
    pointers = []
    for step in range(5):
        queue.push(torch.full((4, 3), 10.0 + step))
        pointers.append(queue.ptr.item())
        if step == 3:
            assert not (queue.feats == initial).any()
    assert pointers == [4, 8, 12, 0, 4]
    steps = queue.feats[0].view(4, 4)[:, 0].tolist()
    assert steps == [14, 11, 12, 13]


def test_a_batch_that_passes_the_end_wraps_around():
    """Unlike the official code, which refuses lengths no multiple of the batch."""
    queue = FeatureQueue(dim=1, length=5)
    queue.push(torch.arange(0.0, 3.0)[:, None])
    queue.push(torch.arange(3.0, 7.0)[:, None])
    assert queue.feats[0].tolist() == [5, 6, 2, 3, 4]
    assert queue.ptr.item() == 2


def test_push_leaves_other_columns_and_its_input_alone():
    queue, keys = FeatureQueue(dim=3, length=8), torch.randn(2, 3)
    before, given_keys = queue.feats.clone(), keys.clone()
    queue.push(keys)
    assert_close(queue.feats[:, :2], keys.T)
    assert torch.equal(queue.feats[:, 2:], before[:, 2:])
    assert torch.equal(keys, given_keys)


def test_negatives_are_a_snapshot():
    queue = FeatureQueue(dim=3, length=4)
    negatives = queue.negatives()
    before = negatives.clone()
    queue.push(torch.randn(4, 3))
    assert torch.equal(negatives, before)


def test_it_starts_with_unit_columns():
    queue = FeatureQueue(dim=7, length=5)
    assert queue.feats.shape == (7, 5)
    assert queue.ptr.dtype == torch.int64
    assert queue.ptr.tolist() == [0]
    assert_close(queue.feats.norm(dim=0), torch.ones(5))
    assert not list(queue.parameters())


def test_more_keys_than_the_queue_holds_are_refused():
    with pytest.raises(ValueError, match=r"9 keys per step.*queue of 8.*'length'"):
        FeatureQueue(dim=2, length=8).push(torch.zeros(9, 2))


def test_an_empty_queue_is_refused():
    with pytest.raises(ValueError, match=r"'length' of the queue above 0, got 0"):
        FeatureQueue(dim=2, length=0)


def push_by_rank(keys):
    queue = FeatureQueue(dim=2, length=5)
    queue.feats.zero_()
    mine = torch.tensor(keys[torch.distributed.get_rank()])
    for _ in range(2):
        queue.push(mine)
    return queue.feats.tolist(), queue.ptr.item()


@pytest.mark.dist
def test_two_ranks_push_what_one_process_would(gloo):
    """Rank order, each key once."""
    keys = [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]]
    first, second = gloo(push_by_rank, keys)
    alone = FeatureQueue(dim=2, length=5)
    alone.feats.zero_()
    for _ in range(2):
        alone.push(torch.tensor(keys[0] + keys[1]))
    assert first == second == (alone.feats.tolist(), alone.ptr.item())
