"""One data set whose augmentations can be repeated."""

from typing import Any

import numpy as np
from torch.utils.data import Dataset

from rsp.datasets.paired import Draw
from rsp.datasets.seeding import item_seed
from rsp.errors import UserError
from rsp.registry import DATASETS


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

    @property
    def arranged(self) -> bool:
        """Whether the data set arranges its images in batches."""
        return getattr(self.dataset, 'arranged', False)

    def draw_pairs(
        self, rng: np.random.Generator, batch: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Every image once, or what the data set draws; shape (items, 1)."""
        if self.arranged:
            return self.dataset.draw_images(len(self), rng, batch)[:, None]
        return np.arange(len(self), dtype=np.int64)[:, None]

    def __getitems__(self, draws: list[Draw]) -> list[Any]:
        """Load a batch, after telling the data set what it will take of it."""
        if hasattr(self.dataset, 'ahead'):
            self.dataset.ahead([draw.images[0] for draw in draws])
        return [self[draw] for draw in draws]

    def __getitem__(self, draw: Draw) -> Any:
        """Load one image, with augmentations from its seed."""
        if not isinstance(draw, Draw):
            raise UserError(
                f'expected an index drawn by the sampler, got {draw!r}; seeds come '
                "from the sampler: set sampler=dict(type='rsp.PairedSampler') in the "
                'data loader.'
            )
        with item_seed(draw.seed):
            return self.dataset[draw.images[0]]
