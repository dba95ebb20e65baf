"""Draw images of several sources together."""

import math
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from rsp.datasets.collate import stacked_collate
from rsp.datasets.samplers.pairing import balanced_draw, modulo_draw
from rsp.datasets.samplers.protocol import (
    BatchShape,
    SampleIndex,
    SampleSource,
    checked,
    prefetch,
)
from rsp.datasets.seeding import item_seed, states_kept
from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import DATASETS, FUNCTIONS


@DATASETS.register_module()
class PairedDataset(Dataset):
    """Combine images of several sources in each item, e.g. a scene and a photo.

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
        UserError: As raised by a source, with its config key.
    """

    def __init__(
        self,
        sources: dict[str, Any],
        pairing: str = 'shuffle',
        ratio: dict[str, int] | None = None,
    ) -> None:
        check.one_of('pairing', pairing, ('shuffle', 'modulo'))
        if not sources:
            raise UserError("expected at least one source, got none; set 'sources'.")
        self.ratio = {name: (ratio or {}).get(name, 1) for name in sources}
        _check_ratio(self.ratio, ratio or {})
        self.pairing = pairing
        self.sources = {name: _build(name, source) for name, source in sources.items()}

    @property
    def metainfo(self) -> dict[str, Any]:
        """Meta information by source."""
        return {
            name: getattr(source, 'metainfo', {})
            for name, source in self.sources.items()
        }

    def __len__(self) -> int:
        """Count the items until every image of the longest source was seen."""
        return max(
            math.ceil(len(source) / self.ratio[name])
            for name, source in self.sources.items()
        )

    @property
    def is_batched(self) -> bool:
        """True if a source arranges its images in batches; then nothing is shuffled."""
        return any(map(_is_batched, self.sources.values()))

    def sample_indices(
        self, rng: np.random.Generator, batch: BatchShape | None = None
    ) -> np.ndarray:
        """Draw the images of an epoch's items.

        Args:
            rng: Generator of the epoch; ``pairing='modulo'`` leaves it alone.
            batch: Where known.

        Returns:
            Shape (items, images per item), the first source's columns first; more than
            ``len(self)`` items if a source fills its last batch.
        """
        columns = []
        for name, source in self.sources.items():
            ratio = self.ratio[name]
            if _is_batched(source):
                column = source.sample_indices(rng, batch, len(self), ratio)
            elif self.pairing == 'modulo':
                column = modulo_draw(len(source), len(self) * ratio)
            else:
                column = balanced_draw(len(source), len(self) * ratio, rng)
            columns.append(column.reshape(-1, ratio))
        rows = max(map(len, columns))
        return np.concatenate(
            [np.resize(column, (rows, column.shape[1])) for column in columns], axis=1
        )

    def __getitems__(self, samples: list[SampleIndex]) -> list[dict[str, list[Any]]]:
        """Load a batch, which the sources may prefetch."""
        first = 0
        for name, source in self.sources.items():
            last = first + self.ratio[name]
            prefetch(
                source, [n for s in samples for n in checked(s).indices[first:last]]
            )
            first = last
        with states_kept():
            return [self[sample] for sample in samples]

    def __getitem__(self, sample: SampleIndex) -> dict[str, list[Any]]:
        """Load the images of one item, with augmentations from its seed."""
        images = iter(checked(sample).indices)
        with item_seed(sample.seed):
            return {
                name: [source[next(images)] for _ in range(self.ratio[name])]
                for name, source in self.sources.items()
            }


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
        UserError: If the images of a source differ in size.
    """
    return {
        name: _collate_source(name, [s for item in items for s in item[name]])
        for name in items[0]
    }


def _collate_source(name: str, samples: list[dict]) -> dict[str, Any]:
    try:
        return stacked_collate(samples)
    except UserError as error:
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


def _is_batched(source: Any) -> bool:
    return isinstance(source, SampleSource) and source.is_batched


def _check_ratio(ratio: dict[str, int], given: dict[str, int]) -> None:
    unknown = sorted(set(given) - set(ratio))
    wrong = {n: r for n, r in ratio.items() if not (isinstance(r, int) and r >= 1)}
    if unknown or wrong:
        raise UserError(
            f"expected 'ratio' to give whole numbers of at least 1 for "
            f'{sorted(ratio)}, got {given}.'
        )
