"""Gather what a model and its data say of the pixels that the network will see."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmcv.transforms import LoadImageFromFile as MMCVLoader
from mmengine.model import BaseTTAModel
from torch import nn

from rsp.datasets.pixel_reading import loader_of

# Mean in 0-255, in the order red, green, blue, of statistics that are used for images
# of any origin: ImageNet's, CLIP's, Inception's.
GENERAL = (
    (123.675, 116.28, 103.53),
    (122.771, 116.746, 104.094),
    (127.5, 127.5, 127.5),
    # CMID's, for Million-AID and Potsdam.
    (86.182, 91.928, 85.374),
)

# Mean reflectances of Sentinel-2's 13 bands, and decibels of Sentinel-1's VV and VH, of
# SSL4EO-S12, which the recipes for these sensors use for images of any origin.
GENERAL_BANDS = (
    0.16056, 0.13908, 0.13149, 0.13635, 0.15494, 0.20917, 0.23717, 0.22999, 0.25603,
    0.08301, 0.00221, 0.21772, 0.15241, -12.577, -20.265,
)  # fmt: skip


@dataclass(frozen=True)
class Expectation:
    """Hold what is known of the pixels before the first is seen.

    Attributes:
        mean, std: That the images are normalized by, in the order of the network; None
            if they are not.
        by_dataset: Whether it is the data set that normalizes by ``mean`` and ``std``.
        reverse: Whether the data preprocessor reverses three channels.
        dates: Images stacked along the channels.
        channels: Of the first layer of the backbone; None if there is none to tell.
        bands: Names or numbers of the data set's bands, in its order; empty if unknown.
        physical: Whether the images are reflectances, which lie between 0 and 1.
        bgr: Whether images of three channels are loaded as blue, green, red, as mmcv
            and ``rsp.SceneDataset`` do; None if the loader is not known.
        pixel_sizes: Edges of a pixel of the scenes, meters; empty if unknown.
        card: Of the backbone that the model starts with; empty if it has none.
        shuffled: Whether the first images are a fair sample of all.
    """

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    by_dataset: bool = False
    reverse: bool = False
    dates: int = 1
    channels: int | None = None
    bands: tuple[Any, ...] = ()
    physical: bool = False
    bgr: bool | None = None
    pixel_sizes: tuple[float, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    shuffled: bool = True

    @property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Mean and std the loaded images should have; None if nothing tells."""
        if self.mean is None or self.std is None or not any(self.mean):
            return None
        return self.mean, self.std

    @property
    def unit(self) -> float | None:
        """Value that the largest pixels have about, if they are divided by it only."""
        if self.mean is not None and not any(self.mean):
            unit = min(self.std or (1.0,))
            return unit if unit > 1 or self.physical else None
        return 1.0 if self.physical and self.mean is None else None

    @property
    def is_general(self) -> bool:
        """Tell whether the statistics are those used for any images, not of these."""
        return self.general_order is not None or all(
            any(abs(mean - known) <= abs(known) / 100 for known in GENERAL_BANDS)
            for mean in self.mean or (0.0,)
        )

    @property
    def general_order(self) -> str | None:
        """``'RGB'``, ``'BGR'`` or ``'any'`` if the mean is one of `GENERAL`."""
        if self.mean is None or len(self.mean) != 3:
            return None
        for general in GENERAL:
            fits = _near(self.mean, general), _near(self.mean, general[::-1])
            if any(fits):
                return 'any' if all(fits) else 'RGB' if fits[0] else 'BGR'
        return None

    @property
    def network_order(self) -> str | None:
        """``'RGB'`` or ``'BGR'``, in which three channels reach the network."""
        if self.bgr is None:
            return None
        return 'RGB' if self.bgr == self.reverse else 'BGR'


def expected_by(
    model: nn.Module,
    dataset: Any,
    card: Mapping[str, Any],
    shuffled: bool,
    source: str = '',
) -> Expectation:
    """Ask a model and its data set what the pixels should be.

    Args:
        model: With ``data_preprocessor`` and ``backbone``, without wrapper.
        dataset: May wrap others.
        card: See `Expectation`.
        shuffled: See `Expectation`.
        source: Of paired data, the one whose pixels are meant.
    """
    if isinstance(model, BaseTTAModel):
        model = model.module
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    stem: Any = getattr(model, 'backbone', None)
    if source:
        dataset = find_sources(dataset)[source]
        preprocessor = _part(preprocessor, 'sources', source) or preprocessor
        own = _part(model, 'source_stems', source)
        stem, card = (own, {}) if own is not None else (stem, card)
    dates = getattr(preprocessor, 'dates', 1)
    inner = [*innermost(dataset)]
    scenes = [part for part in inner if hasattr(part, 'images')]
    sizes = [size for part in scenes for size in part.images.resolutions]
    mean, std = (_statistic(preprocessor, name, dates) for name in ('mean', 'std'))
    by_dataset = next((p.images.reflectance for p in scenes if _normalizes(p)), None)
    if by_dataset is not None:
        mean, std = tuple(by_dataset.mean), tuple(by_dataset.std)
    return Expectation(
        mean=mean,
        std=std,
        by_dataset=by_dataset is not None,
        reverse=reverses_channels(preprocessor),
        dates=dates,
        channels=stem_channels(stem),
        bands=tuple(_bands(inner)),
        physical=any(_is_physical(part) for part in inner),
        bgr=_loads_bgr(inner),
        pixel_sizes=tuple(sizes),
        card=card,
        shuffled=shuffled,
    )


def find_sources(dataset: Any) -> Mapping[str, Any]:
    """Return the named sources of paired data, which may be wrapped."""
    while not hasattr(dataset, 'sources'):
        dataset = dataset.dataset
    return dataset.sources


def _part(owner: Any, group: str, name: str) -> Any:
    """Return a named part of a group of parts; None if there is none."""
    parts = getattr(owner, group, {})
    return parts[name] if name in parts else None


def innermost(dataset: Any) -> Iterator[Any]:
    """Yield the data sets inside a data set that hold no other."""
    parts = [getattr(dataset, 'dataset', None)]
    parts += [*getattr(dataset, 'sources', {}).values()]
    parts += [*getattr(dataset, 'datasets', ())]
    parts = [part for part in parts if part is not None]
    for part in parts:
        yield from innermost(part)
    if not parts:
        yield dataset


def reverses_channels(preprocessor: Any) -> bool:
    """Tell whether a data preprocessor of an mm-library reverses three channels."""
    names = ('_channel_conversion', 'channel_conversion', 'to_rgb')
    return any(getattr(preprocessor, name, False) for name in names)


def stem_channels(backbone: nn.Module | None) -> int | None:
    """Return the channels that the first convolution of a backbone takes."""
    if backbone is None:
        return None
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            return module.in_channels
    return None


def _statistic(preprocessor: Any, name: str, dates: int) -> tuple[float, ...] | None:
    values = getattr(preprocessor, name, None)
    if values is None:
        return None
    values = values.flatten().tolist()
    return tuple(values[: max(1, len(values) // dates)])


def _normalizes(scenes: Any) -> bool:
    return getattr(scenes.images.reflectance, 'mean', None) is not None


def _is_physical(dataset: Any) -> bool:
    if hasattr(dataset, 'images'):
        return dataset.images.reflectance is not None and not _normalizes(dataset)
    loader = loader_of(dataset)
    return loader is not None and loader.floats is not None


def _bands(datasets: Sequence[Any]) -> Sequence[Any]:
    """Return the bands of data sets that agree on them."""
    found = set()
    for dataset in datasets:
        info = getattr(dataset, 'metainfo', None) or {}
        names = tuple(info.get('band_names') or ())
        named = names and None not in names
        chosen = names if named else tuple(info.get('bands') or ())
        found.add(chosen or _loaded_bands(dataset))
    return found.pop() if len(found) == 1 else ()


def _loaded_bands(dataset: Any) -> tuple[Any, ...]:
    loader = loader_of(dataset)
    chosen = loader.bands if loader is not None else None
    return tuple((chosen.get('names') if isinstance(chosen, Mapping) else chosen) or ())


def _loads_bgr(datasets: Sequence[Any]) -> bool | None:
    """Tell whether images are loaded in the order of OpenCV; None if not known."""
    orders = {_loader_order(dataset) for dataset in datasets}
    return orders.pop() if len(orders) == 1 else None


def _loader_order(dataset: Any) -> bool | None:
    if hasattr(dataset, 'images'):
        return True
    pipeline = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    for transform in pipeline:
        order = getattr(transform, 'channel_order', None)
        if order is not None:
            return order == 'BGR'
        if isinstance(transform, MMCVLoader):
            return getattr(transform, 'color_type', 'color') == 'color'
        kind = type(transform).__name__
        if kind.startswith('Load') and 'Annotations' not in kind:
            return None
    return None


def _near(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(abs(x - y) <= 1 for x, y in zip(a, b, strict=True))
