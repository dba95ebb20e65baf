"""Repeat the augmentations of a data set."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.registry import DATASETS as ALL_DATASETS
from torch.utils.data import Dataset

from rsp.datasets.samplers.protocol import (
    BatchShape,
    SampleIndex,
    SampleSource,
    checked,
    prefetch,
)
from rsp.datasets.seeding import item_seed, states_kept
from rsp.registry import DATASETS


def seeded_loader(cfg: dict[str, Any]) -> dict[str, Any]:
    """Wrap the data set of a loader config that has a ``rsp.PairedSampler``.

    Args:
        cfg: Of a data loader; not modified.

    Returns:
        The same, the data set in a `SeededDataset` unless it takes the sampler's
        indices itself; and a ``drop_last`` of the loader handed to its
        ``rsp.PairedBatchSampler``.
    """
    cfg = dict(cfg)
    batches: Any = cfg.get('batch_sampler')
    if _is_of(batches, 'PairedBatchSampler') and 'drop_last' in cfg:
        cfg['batch_sampler'] = dict(batches, drop_last=cfg.pop('drop_last'))
    dataset = cfg['dataset']
    if _is_of(cfg.get('sampler'), 'PairedSampler') and isinstance(dataset, dict):
        kind = dataset['type']
        if isinstance(kind, str):
            with ALL_DATASETS.switch_scope_and_registry(None) as registry:
                kind = registry.get(kind)
        if kind is not None and not hasattr(kind, 'sample_indices'):
            cfg['dataset'] = dict(type='rsp.SeededDataset', dataset=dataset)
    return cfg


def _is_of(cfg: Any, name: str) -> bool:
    kind: Any = cfg.get('type') if isinstance(cfg, dict) else None
    kind = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
    return kind.rpartition('.')[2] == name


@DATASETS.register_module()
class SeededDataset(Dataset):
    """Seed the random transforms of a data set by seed, epoch and item alone.

    They do not depend on the number of workers or on where a run was resumed. The seeds
    come from ``rsp.PairedSampler``, for which this is a source of one image per item.
    In a config, that sampler is enough: the runner wraps the loader's data set.

    Args:
        dataset: Config or ready data set.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset

    @property
    def metainfo(self) -> dict[str, Any]:
        """Meta information of the data set."""
        return getattr(self.dataset, 'metainfo', {})

    def __len__(self) -> int:
        """Count the images."""
        return len(self.dataset)

    @property
    def is_batched(self) -> bool:
        """True if the data set arranges its images in batches."""
        return isinstance(self.dataset, SampleSource) and self.dataset.is_batched

    def sample_indices(
        self,
        rng: np.random.Generator,
        batch: BatchShape | None = None,
        num_items: int | None = None,
        per_item: int = 1,
    ) -> np.ndarray:
        """Return every image once, or what the data set draws."""
        if isinstance(self.dataset, SampleSource):
            return self.dataset.sample_indices(rng, batch, num_items, per_item)
        return np.arange(len(self), dtype=np.int64)[:, None]

    def prefetch(self, indices: Sequence[int]) -> None:
        """Let the data set begin to read images."""
        prefetch(self.dataset, indices)

    def __getitems__(self, samples: list[SampleIndex]) -> list[Any]:
        """Load a batch, which the data set may prefetch."""
        self.prefetch([checked(sample).indices[0] for sample in samples])
        with states_kept():
            return [self[sample] for sample in samples]

    def __getitem__(self, sample: SampleIndex) -> Any:
        """Load one image, with augmentations from its seed."""
        with item_seed(checked(sample).seed):
            return self.dataset[sample.indices[0]]
