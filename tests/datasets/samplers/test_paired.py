from itertools import chain

import numpy as np
import pytest

from rsp.datasets import SampleIndex
from rsp.datasets.samplers import BatchShape, SampleSource
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
