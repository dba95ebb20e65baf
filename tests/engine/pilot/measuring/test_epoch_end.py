"""Epochs that end when wanted."""

import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader

from rsp.engine.pilot.measuring.epoch_end import make_endable, prefetched


def loader(sampler=DefaultSampler, **kwargs):
    items = list(range(20))
    return DataLoader(
        items, batch_size=2, sampler=sampler(items, shuffle=False), **kwargs
    )


@pytest.mark.parametrize('workers', [0, 2])
def test_an_epoch_ends_behind_what_was_asked_for_and_the_next_one_is_whole(workers):
    data = loader(num_workers=workers, persistent_workers=workers > 0)
    batches = make_endable(data)
    got = []
    for batch in data:
        got.append(batch.tolist())
        batches.ended = len(got) >= 3
    # The workers are ahead by four batches, and one more is asked for with each.
    assert got == [[2 * i, 2 * i + 1] for i in range(3 + (workers and 4))]
    assert len(data) == 10
    assert sum(1 for _ in data) == 10
    assert prefetched(data) == 2 * workers


def test_a_sampler_without_end_is_left_alone():
    assert make_endable(loader(InfiniteSampler)) is None
