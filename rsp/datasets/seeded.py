"""One data set whose augmentations can be repeated."""

from typing import Any

import numpy as np
from torch.utils.data import Dataset

from rsp.registry import DATASETS

from .paired import Draw
from .seeding import item_seed


@DATASETS.register_module()
class SeededDataset(Dataset):
    """A data set whose random transforms depend on seed, epoch and item alone.

    Not on the number of workers, nor on where a run was resumed. The seeds come from
    ``rsp.PairedSampler``, to which this is a source of one image per item.

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
        """Number of images."""
        return len(self.dataset)

    def draw_pairs(self, rng: np.random.Generator) -> np.ndarray:
        """Every image once; shape (len(self), 1)."""
        return np.arange(len(self), dtype=np.int64)[:, None]

    def __getitem__(self, draw: Draw) -> Any:
        """Load one image, with augmentations from its seed."""
        if not isinstance(draw, Draw):
            raise ValueError(
                f'expected an index drawn by the sampler, got {draw!r}; seeds come '
                "from the sampler: set sampler=dict(type='rsp.PairedSampler') in the "
                'data loader.'
            )
        with item_seed(draw.seed):
            return self.dataset[draw.images[0]]
