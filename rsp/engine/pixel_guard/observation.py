"""Measure the images of the first batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

# Statistics of 64 images need no more than this of each.
SIDE = 128
# A stray value in a band without content, e.g. of a compression.
ALMOST_ALL = 0.98


class Observation:
    """Collect statistics of images and their labels, batch by batch.

    Channels are in the order of the network. Pixels that are 0 in all channels, or not
    finite, count as without data; all statistics but ``images`` and ``empty_share``
    leave them out. So do those of bands with gray images, if these are fewer than half.

    Args:
        reverse: Whether the data preprocessor reverses three channels.
        dates: Images stacked along the channels, e.g. 2 for pairs of dates.

    Attributes:
        images: Number of images seen.
        dtype: Of the images as they were loaded.
        samples: Data samples of the images, in order; some hold those of a batch.
        paths: Files of the images, where the samples tell.
    """

    def __init__(self, reverse: bool = False, dates: int = 1) -> None:
        self.reverse = reverse
        self.dates = dates
        self.images = 0
        self.dtype = torch.uint8
        self.samples: list[Any] = []
        self._rows: list[dict[str, Tensor]] = []

    def add(self, batch: Mapping[str, Any]) -> None:
        """Measure a batch, ``inputs`` and ``data_samples``, before it is normalized."""
        images = [*_images(batch['inputs'])]
        frames = getattr(batch.get('data_samples'), 'frame', None)
        if frames is not None:
            # What an image was padded by is none of it.
            sizes = frames[:, -2:].tolist()
            images = [x[:, :h, :w] for x, (h, w) in zip(images, sizes, strict=True)]
        for image in images:
            for date in image.chunk(self.dates):
                self._rows.append(self._measure(date))
        self.dtype = images[0].dtype if images else self.dtype
        self.samples += _flat(batch.get('data_samples'))
        self.images += len(images)

    @property
    def channels(self) -> set[int]:
        """Numbers of channels met."""
        return {len(row['mean']) for row in self._rows}

    @property
    def paths(self) -> list[str]:
        """Files of the images, where the samples tell."""
        return [s.img_path for s in self.samples if getattr(s, 'img_path', None)]

    @property
    def finite(self) -> bool:
        """Tell whether all pixels are finite numbers."""
        return bool(self._all('finite').all())

    @property
    def some_finite(self) -> bool:
        """Tell whether some image has finite pixels alone."""
        return bool(self._all('finite').any())

    @property
    def empty_share(self) -> float:
        """Share of the pixels without data, 0 to 1."""
        return float(self._all('empty').mean())

    @property
    def empty_images(self) -> Tensor:
        """Share of the pixels without data of each image."""
        return self._all('empty')

    @property
    def valid(self) -> bool:
        """Tell whether any pixel holds data."""
        return bool((self._all('empty') < 1).any())

    @property
    def mean(self) -> Tensor:
        """Mean of each channel, (C,) float64."""
        return self._weighted('mean')

    @property
    def std(self) -> Tensor:
        """Standard deviation of each channel over all pixels, (C,) float64."""
        return (self._weighted('square') - self.mean**2).clamp(min=0).sqrt()

    @property
    def typical_std(self) -> Tensor:
        """Median over the images of the deviation inside each, (C,)."""
        square = self._valid_rows('square') - self._valid_rows('mean') ** 2
        return square.clamp(min=0).sqrt().median(dim=0).values

    @property
    def standard_error(self) -> Tensor:
        """Standard error of `mean`, from the means of the images, (C,)."""
        means = self._valid_rows('mean')
        if len(means) < 2:
            return torch.full_like(means[0], torch.inf)
        return means.std(dim=0) / len(means) ** 0.5

    @property
    def maximum(self) -> Tensor:
        """Largest value of each channel, (C,)."""
        return self._valid_rows('max').amax(dim=0)

    @property
    def minimum(self) -> Tensor:
        """Smallest value of each channel, (C,)."""
        return self._valid_rows('min').amin(dim=0)

    @property
    def constant(self) -> Tensor:
        """Share of the images in which a channel has one value only, (C,)."""
        return self._valid_rows('constant').mean(dim=0)

    @property
    def at_ends(self) -> Tensor:
        """Share of the pixels at 0 and at the largest value, (2, C)."""
        shares = self._weighted('zero'), self._weighted('full')
        return torch.stack(shares)

    @property
    def identical(self) -> list[tuple[int, int]]:
        """Pairs of channels that are the same in almost all images."""
        same = self._valid_rows('same').mean(dim=0)  # C x C
        pairs = torch.triu(same >= ALMOST_ALL, diagonal=1).nonzero()
        return [(int(a), int(b)) for a, b in pairs]

    def _measure(self, image: Tensor) -> dict[str, Tensor]:
        """Measure one image (C, H, W)."""
        step = max(1, max(image.shape[-2:]) // SIDE)
        pixels = image[:, ::step, ::step].flatten(1).double()  # C x P
        if self.reverse and len(pixels) == 3:
            pixels = pixels.flip(0)
        finite = pixels.isfinite()
        empty = (pixels == 0).all(dim=0) | ~finite.any(dim=0)
        kept = torch.nan_to_num(pixels[:, ~empty], posinf=0.0, neginf=0.0)
        facts = dict(
            finite=finite.all().double(), empty=empty.double().mean(), **_nothing(image)
        )
        if kept.shape[1]:
            top = 255.0 if image.dtype == torch.uint8 else torch.inf
            ends = kept.amin(dim=1), kept.amax(dim=1)
            flat = ends[0] == ends[1]
            same = (kept[:, None] == kept[None]).double().mean(dim=2) >= ALMOST_ALL
            facts |= dict(
                mean=kept.mean(dim=1),
                square=kept.square().mean(dim=1),
                min=ends[0],
                max=ends[1],
                constant=flat.double(),
                zero=(kept == 0).double().mean(dim=1),
                full=(kept == top).double().mean(dim=1),
                same=(same & ~flat[:, None] & ~flat[None]).double(),
            )
        return facts

    def _all(self, name: str) -> Tensor:
        return torch.stack([row[name] for row in self._rows])

    def _valid_rows(self, name: str) -> Tensor:
        rows = [row for row in self._rows if row['empty'] < 1]
        colored = [row for row in rows if not row['same'].all()]
        # Gray views of some images, an augmentation, say nothing of single bands.
        if len(colored) > len(rows) / 2:
            rows = colored
        return torch.stack([row[name] for row in rows])

    def _weighted(self, name: str) -> Tensor:
        rows, weights = self._valid_rows(name), 1 - self._valid_rows('empty')
        return (rows * weights[:, None]).sum(dim=0) / weights.sum()


def _nothing(image: Tensor) -> dict[str, Tensor]:
    return dict(mean=torch.zeros(len(image), dtype=torch.float64))


def _images(inputs: Any) -> Iterator[Tensor]:
    """Yield single images (C, H, W); of several views of an image the first."""
    if isinstance(inputs, Tensor):
        if inputs.ndim == 4:
            yield from inputs
        elif inputs.ndim == 3:
            yield inputs
    elif isinstance(inputs, Sequence) and inputs:
        # A list of views holds batches (N, C, H, W), one of images (C, H, W).
        views = isinstance(inputs[0], Tensor) and inputs[0].ndim == 4
        for item in inputs[:1] if views else inputs:
            yield from _images(item)


def _flat(samples: Any) -> list[Any]:
    if samples is None:
        return []
    return [*samples] if isinstance(samples, Sequence) else [samples]
