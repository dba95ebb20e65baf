import time
from itertools import chain

import numpy as np
import pytest

from rsp.datasets import SampleIndex, SeededDataset
from rsp.datasets.samplers import (
    BatchShape,
    PairedBatchSampler,
    PairedSampler,
    SampleSource,
)
from rsp.registry import DATASETS, RUNNERS


@DATASETS.register_module(force=True)
class ArrangedNumbers:
    """Draws its samples by itself, and remembers for which batches."""

    is_batched = True

    def __init__(self):
        self.batches = []

    def __len__(self):
        return 7

    def __getitem__(self, sample):
        assert isinstance(sample, SampleIndex)
        return sample.indices[0]

    def sample_indices(self, rng, batch=None, num_items=None, per_item=1):
        self.batches.append(batch)
        return np.arange(len(self))[::-1, None]

    def prefetch(self, indices):
        pass


@pytest.mark.parametrize(('drop_last', 'sizes'), [(False, [3, 3, 1]), (True, [3, 3])])
def test_a_loader_tells_the_data_set_how_large_its_batches_are(drop_last, sizes):
    loader = RUNNERS.get('rsp.PortableRunner').build_dataloader(
        dict(
            batch_size=3,
            num_workers=0,
            sampler=dict(type='rsp.PairedSampler', shuffle=True),
            batch_sampler=dict(type='rsp.PairedBatchSampler', drop_last=drop_last),
            collate_fn=dict(type='pseudo_collate'),
            dataset=dict(type='ArrangedNumbers', _scope_='rsp'),
        ),
        seed=0,
    )
    assert isinstance(loader.dataset, SampleSource)
    batches = [*loader]
    assert [*map(len, batches)] == sizes
    # Not shuffled: the data set arranged them.
    assert [*chain(*batches)] == [6, 5, 4, 3, 2, 1, 0][: sum(sizes)]
    assert loader.dataset.batches == [BatchShape(3, 1)]


class Plain:
    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length


def batches_of(ranks, batch_size, length=26, skip=0, drop_last=True):
    """What all ranks together learn from, batch by batch."""
    parts = []
    for rank in range(ranks):
        sampler = PairedSampler(SeededDataset(Plain(length)), seed=5)
        sampler.rank, sampler.world_size = rank, ranks
        sampler.set_length(length)
        batches = PairedBatchSampler(sampler, batch_size, drop_last)
        sampler.skip(skip * batch_size)
        parts.append([*batches])
    return [[*chain(*batch)] for batch in zip(*parts, strict=True)]


@pytest.mark.parametrize('ranks', [2, 4])
def test_any_number_of_ranks_learns_the_same_batches_in_the_same_order(ranks):
    assert batches_of(ranks, 8 // ranks) == batches_of(1, 8)


@pytest.mark.parametrize('ranks', [1, 2])
@pytest.mark.parametrize('drop_last', [True, False])
def test_skipped_batches_are_those_before(ranks, drop_last):
    whole = batches_of(ranks, 4, drop_last=drop_last)
    assert batches_of(ranks, 4, skip=2, drop_last=drop_last) == whole[2:]
    assert len(whole[-1]) == (4 * ranks if drop_last else 26 % (4 * ranks))


def test_only_the_next_iteration_is_shortened():
    sampler = PairedSampler(SeededDataset(Plain(10)), seed=5)
    whole = [*sampler]
    sampler.skip(7)
    assert [*sampler] == whole[7:]
    assert [*sampler] == whole
    with pytest.raises(ValueError, match='0 to 10 samples to skip, got 11'):
        sampler.skip(11)


def test_ten_million_items_are_skipped_in_seconds():
    sampler = PairedSampler(SeededDataset(Plain(10_000_000)), seed=5)
    sampler.skip(9_999_999)
    start = time.process_time()
    assert len([*sampler]) == 1
    assert time.process_time() - start < 5
