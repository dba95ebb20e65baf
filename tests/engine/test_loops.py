"""Skip what was learned from, in any loader."""

from itertools import chain

import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import BatchSampler, DataLoader, IterableDataset

from rsp.datasets import SeededDataset
from rsp.datasets.samplers import PairedBatchSampler, PairedSampler
from rsp.engine.loops import Batches


class Numbers:
    """Remembers what was loaded."""

    def __init__(self, length=22):
        self.length, self.loaded = length, []

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.loaded.append(index)
        return index


class OddsFirst(BatchSampler):
    """Takes more numbers than it gives at once."""

    def __iter__(self):
        numbers = [*self.sampler]
        numbers.sort(key=lambda n: n % 2 == 0)
        for first in range(0, len(numbers), self.batch_size):
            yield numbers[first : first + self.batch_size]


def loaders():
    """A data set of numbers, and a loader of it."""
    for sampler in (DefaultSampler, InfiniteSampler):
        dataset = Numbers()
        yield dataset, DataLoader(dataset, 4, sampler=sampler(dataset, seed=1))
    dataset = Numbers()
    batches = OddsFirst(DefaultSampler(dataset, seed=1), 4, False)
    yield dataset, DataLoader(dataset, batch_sampler=batches)
    dataset = Numbers()
    seeded = SeededDataset(dataset)
    batches = PairedBatchSampler(PairedSampler(seeded, seed=1), 4)
    yield dataset, DataLoader(seeded, batch_sampler=batches)


@pytest.mark.parametrize('number', range(4))
def test_the_rest_of_an_epoch_is_what_the_whole_one_ends_with(number):
    _, loader = [*loaders()][number]
    whole = [batch.tolist() for _, batch in zip(range(5), loader, strict=False)]
    dataset, loader = [*loaders()][number]
    later = Batches(loader)
    rest = [batch.tolist() for _, batch in zip(range(2), later(3), strict=False)]
    assert rest == whole[3:]
    assert not set(dataset.loaded) & set(chain(*whole[:3])) or number == 1
    if number != 1:  # the next epoch is a whole one
        assert [batch.tolist() for batch in later()][:5] == whole


def test_items_without_numbers_are_loaded_and_left_out():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(12))

    rest = [*Batches(DataLoader(Stream(), 4))(2)]
    assert [batch.tolist() for batch in rest] == [[8, 9, 10, 11]]


def test_an_epoch_that_is_behind_loads_nothing():
    dataset, loader = next(loaders())
    assert [*Batches(loader)(6)] == []
    assert dataset.loaded == []
