"""Several sources of images, drawn together."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from mmengine.dataset import DefaultSampler
from torch.utils.data import Dataset

from rsp.datasets.collate import stacked_collate
from rsp.datasets.samplers.pairing import balanced_draw, modulo_draw
from rsp.datasets.seeding import item_seed
from rsp.errors import UserError
from rsp.registry import DATA_SAMPLERS, DATASETS, FUNCTIONS


class Draw(NamedTuple):
    """What the sampler asks of the dataset for one item.

    Attributes:
        images: Image numbers, those of the first source first.
        seed: Seed of the item's augmentations, 0 to 2**32 - 1.
    """

    images: tuple[int, ...]
    seed: int


@DATASETS.register_module()
class PairedDataset(Dataset):
    """Items that hold images of every source, e.g. a scene and a photo.

    The longer source is seen once per epoch, the others as evenly as its length
    allows. Which images meet is drawn anew each epoch from (seed, epoch) by
    ``rsp.PairedSampler`` and reaches the workers inside the indices: with
    persistent workers a ``set_epoch`` of the dataset never would.

    The official GeRSP code pairs item i with image i modulo length, the same in
    every epoch, so that the first files of the shorter source are always the ones
    seen twice; ``pairing='modulo'`` reproduces it.

    Args:
        sources: Named data sets, as configs or ready; GeRSP expects ``remote`` and
            ``natural``.
        pairing: ``'shuffle'`` (new pairs every epoch) or ``'modulo'``.
        ratio: Images of each source per item; sources left out give 1.

    Item:
        ``{source: [sample, ...]}``, to be batched by ``rsp.paired_collate``.

    Raises:
        FileNotFoundError, ValueError: As raised by a source, with its config key.
    """

    def __init__(
        self,
        sources: dict[str, Any],
        pairing: str = 'shuffle',
        ratio: dict[str, int] | None = None,
    ) -> None:
        if pairing not in ('shuffle', 'modulo'):
            raise UserError(f"expected pairing='shuffle' or 'modulo', got {pairing!r}.")
        if not sources:
            raise UserError("expected at least one source, got none; set 'sources'.")
        self.ratio = {name: (ratio or {}).get(name, 1) for name in sources}
        _check_ratio(self.ratio, ratio or {})
        self.pairing = pairing
        self.sources = {name: _build(name, source) for name, source in sources.items()}

    @property
    def metainfo(self) -> dict[str, Any]:
        """Meta information of each source, by name."""
        return {
            name: getattr(source, 'metainfo', {})
            for name, source in self.sources.items()
        }

    def __len__(self) -> int:
        """Items until every image of the longest source was seen."""
        return max(
            math.ceil(len(source) / self.ratio[name])
            for name, source in self.sources.items()
        )

    @property
    def arranged(self) -> bool:
        """Whether a source arranges its images in batches; then nothing is shuffled."""
        return any(
            getattr(source, 'arranged', False) for source in self.sources.values()
        )

    def draw_pairs(
        self, rng: np.random.Generator, batch: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Image numbers of all items of an epoch.

        Args:
            rng: Generator of the epoch; ``pairing='modulo'`` leaves it alone.
            batch: Items of a batch per process, and processes, where known.

        Returns:
            Shape (len(self), images per item), the first source's columns first; more
            rows if a source fills its last batch.
        """
        columns = []
        for name, source in self.sources.items():
            ratio = self.ratio[name]
            slots = len(self) * ratio
            if getattr(source, 'arranged', False):
                items = source.draw_images(slots, rng, batch, ratio)
            elif self.pairing == 'modulo':
                items = modulo_draw(len(source), slots)
            else:
                items = balanced_draw(len(source), slots, rng)
            columns.append(items.reshape(-1, ratio))
        rows = max(map(len, columns))
        return np.concatenate(
            [np.resize(column, (rows, column.shape[1])) for column in columns], axis=1
        )

    def __getitems__(self, draws: list[Draw]) -> list[dict[str, list[Any]]]:
        """Load a batch, after telling the sources what it will take of them."""
        first = 0
        for name, source in self.sources.items():
            last = first + self.ratio[name]
            if hasattr(source, 'ahead'):
                source.ahead([n for draw in draws for n in draw.images[first:last]])
            first = last
        return [self[draw] for draw in draws]

    def __getitem__(self, draw: Draw) -> dict[str, list[Any]]:
        """Load the images of one draw, with augmentations from its seed."""
        if not isinstance(draw, Draw):
            raise UserError(
                f'expected an index drawn by the sampler, got {draw!r}; pairs come '
                "from the sampler: set sampler=dict(type='rsp.PairedSampler') in the "
                'data loader.'
            )
        images = iter(draw.images)
        with item_seed(draw.seed):
            return {
                name: [source[next(images)] for _ in range(self.ratio[name])]
                for name, source in self.sources.items()
            }


@DATA_SAMPLERS.register_module()
class PairedSampler(DefaultSampler):
    """Order, pairs and augmentation seeds of an epoch, all from (seed, epoch).

    Every rank draws the same epoch and takes each W-th item; the epoch is filled
    up to a multiple of the ranks by its first items.

    Args:
        dataset: A ``rsp.PairedDataset``.
        shuffle: Whether items come in random order.
        seed: The same on all ranks; None lets rank 0 draw one.
        round_up: Whether to fill up, so that all ranks get as many items.
        batch_size: Items of a batch per process, for datasets that arrange batches;
            ``rsp.PortableRunner`` takes it from the loader.
    """

    def __init__(
        self, *args: Any, batch_size: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Draw]:
        """Draw the epoch set by ``set_epoch``; yield this rank's items."""
        rng = np.random.default_rng((self.seed, self.epoch))
        batch = self.batch_size and (self.batch_size, self.world_size)
        pairs = self.dataset.draw_pairs(rng, batch)
        order = np.arange(len(pairs))
        if self.shuffle and not getattr(self.dataset, 'arranged', False):
            rng.shuffle(order)
        order = np.resize(order, self.total_size)
        seeds = rng.integers(2**32, size=(self.total_size,))
        mine = slice(self.rank, self.total_size, self.world_size)
        for item, seed in zip(order[mine], seeds[mine], strict=True):
            yield Draw(tuple(pairs[item].tolist()), int(seed))


@FUNCTIONS.register_module()
def paired_collate(items: list[dict[str, list[dict]]]) -> dict[str, dict[str, Any]]:
    """Batch the items of a ``rsp.PairedDataset``.

    Labels become one tensor here, in the worker, so that no step loops over
    samples.

    Args:
        items: ``{source: [sample, ...]}``; a sample holds ``inputs``, an image
            (C, H, W) or a list of views, and ``data_samples``.

    Returns:
        ``{source: dict(inputs, data_samples)}``: inputs (N, C, H, W) or a list of
        views of that shape; one DataSample with ``gt_label`` (N,) where the source
        has labels, and ``img_path``, the list of files.

    Raises:
        ValueError: If the images of a source differ in size.
    """
    return {
        name: _collate_source(name, [s for item in items for s in item[name]])
        for name in items[0]
    }


def _collate_source(name: str, samples: list[dict]) -> dict[str, Any]:
    try:
        return stacked_collate(samples)
    except ValueError as error:
        raise UserError(f"source '{name}': {error}") from error


def _build(name: str, source: Any) -> Any:
    """Build a source; its errors tell the config key."""
    key = f'train_dataloader.dataset.sources.{name}'
    try:
        dataset = DATASETS.build(source) if isinstance(source, dict) else source
    except UserError as error:
        raise type(error)(f'{key}: {error}') from error
    if len(dataset) == 0:
        raise UserError(
            f'{key}: expected at least one image, got none; check its folder or list.'
        )
    return dataset


def _check_ratio(ratio: dict[str, int], given: dict[str, int]) -> None:
    unknown = sorted(set(given) - set(ratio))
    wrong = {n: r for n, r in ratio.items() if not (isinstance(r, int) and r >= 1)}
    if unknown or wrong:
        raise UserError(
            f"expected 'ratio' to give whole numbers of at least 1 for "
            f'{sorted(ratio)}, got {given}.'
        )
