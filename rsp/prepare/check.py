"""Check all data of a downstream config."""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from rsp.datasets.pixel_reading import loader_of
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.errors import BrokenFile, UserError, shorten
from rsp.io.images import read_info
from rsp.tasks.common.masks import require_size, show_size

IMAGES = ('img_path', 'img_path2')
# Of `rsp.ChangeDataset`.
CHANGE = ('unchanged', 'changed')


@dataclass
class SplitReport:
    """Store the counts and problems of one loader's data set.

    Attributes:
        name: The loader's config key.
        images: Image files, of two dates counted twice.
        samples: Samples: images, or pairs.
        classes: Class names in order.
        counts: Labeled images, boxes or pixels by class index.
        sizes: Images by (height, width, bands).
        empty: Samples without a single label.
        masks: Masks with a label.
        single: Masks all of one class, by class index.
        problems: One line each, with the file.
    """

    name: str
    images: int = 0
    samples: int = 0
    classes: Sequence[str] = ()
    counts: Counter[int] = field(default_factory=Counter)
    sizes: Counter[tuple[int, ...]] = field(default_factory=Counter)
    empty: int = 0
    masks: int = 0
    single: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f'{self.name}: {self.samples} samples, {self.images} image files']
        for size, count in self.sizes.most_common(5):
            lines.append(f'  {" x ".join(map(str, size)):<18} {count} images')
        if len(self.sizes) > 5:
            lines.append(f'  and {len(self.sizes) - 5} other sizes')
        total = max(self.counts.total(), 1)
        for index, name in enumerate(self.classes if self.counts else ()):
            share = 100 * self.counts[index] / total
            lines.append(f'  {name:<26} {self.counts[index]:>12,} ({share:.2f} %)')
        if self.empty:
            lines.append(f'  {self.empty} samples without any label')
        lines += [f'  {note}' for note in self.notes()]
        lines += [f'  PROBLEM {problem}' for problem in self.problems[:20]]
        if len(self.problems) > 20:
            lines.append(f'  and {len(self.problems) - 20} more problems')
        return '\n'.join(lines)

    def notes(self) -> list[str]:
        """Return what is valid and yet unlikely of masks, a line each."""
        notes = []
        if self.single:
            names = dict(enumerate(self.classes))
            listed = ', '.join(
                f'{count} {names.get(index, index)}'
                for index, count in self.single.most_common(5)
            )
            notes.append(
                f'{self.single.total()} of {self.masks} masks are all one class '
                f'({listed})'
            )
        missing = [name for n, name in enumerate(self.classes) if not self.counts[n]]
        if self.masks and missing:
            notes.append(f'NOTE no mask shows {shorten(missing)}')
        changed = self.counts[1] > self.counts[0]
        if self.masks and changed and tuple(self.classes) == CHANGE:
            notes.append(
                'NOTE more than half of the pixels changed: are the masks inverted?'
            )
        return notes


def check_datasets(
    cfg: Config,
    workers: int = 4,
    watch: Callable[[Iterator, int], Iterable] = lambda items, count: items,
) -> list[SplitReport]:
    """Check every sample of every data set of a config.

    Every image is decoded and every annotation read, as training would.

    Args:
        cfg: Of a downstream task.
        workers: Threads that decode.
        watch: Wraps the walk over one split, for a progress bar; gets the number of
            samples.

    Returns:
        One report per loader; a data set that cannot be built is a problem of its.
    """
    splits = []
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        for name, dataset_cfg in dataset_configs(cfg):
            split = SplitReport(name)
            splits.append(split)
            try:
                datasets = list(build(dataset_cfg))
            except UserError as error:
                split.problems.append(str(error))
                continue
            for dataset in datasets:
                _walk(dataset, split, workers, watch)
    return splits


def dataset_configs(cfg: Config) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the data sets of a config by the loader's key; identical ones once.

    A probe's training data stand in ``test_cfg``.
    """
    seen: list[Any] = []
    places = [(key, cfg[key]) for key in cfg if key.endswith('_dataloader')]
    inner = (cfg.get('test_cfg') or {}).get('train_dataloader')
    for key, loader in [*places, ('test_cfg.train_dataloader', inner)]:
        if isinstance(loader, Mapping) and 'dataset' in loader:
            if loader['dataset'] not in seen:
                seen.append(loader['dataset'])
                yield key, copy.deepcopy(dict(loader['dataset']))


def build(cfg: dict[str, Any]) -> Iterator[Any]:
    """Build a data set that filters nothing; of a wrapper those inside."""
    inside = cfg.get('datasets') or ([cfg['dataset']] if 'dataset' in cfg else [])
    if inside:
        for part in inside:
            yield from build(dict(part))
        return
    cfg.pop('filter_cfg', None)
    dataset = DATASETS.build(cfg)
    if hasattr(dataset, 'full_init'):
        dataset.full_init()
    yield dataset


def _walk(dataset: Any, split: SplitReport, workers: int, watch: Callable) -> None:
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes') or ()
    split.classes = split.classes or classes
    load, loader = annotation_loader(dataset), loader_of(dataset)

    def inspect(index: int) -> tuple[list, Counter[int] | None, list[str]]:
        return inspect_sample(dataset.get_data_info(index), load, loader)

    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(inspect, range(len(dataset)))
        for sizes, labels, problems in watch(found, len(dataset)):
            split.samples += 1
            split.images += len(sizes)
            split.sizes.update(size for size in sizes if size)
            split.problems += problems
            if labels is None:
                continue
            outside = sorted(set(labels) - set(range(len(classes))))
            if outside and classes:
                split.problems.append(
                    f'labels {outside} beside {len(classes)} classes in sample '
                    f'{split.samples - 1}'
                )
            split.counts.update(labels)
            split.empty += not labels
            if load is not None and labels:
                split.masks += 1
                split.single.update([*labels] if len(labels) == 1 else ())


def annotation_loader(dataset: Any) -> Callable[[dict], dict] | None:
    """Return the transform of a data set's pipeline that reads masks, if any."""
    for transform in getattr(getattr(dataset, 'pipeline', None), 'transforms', ()):
        if 'Annotation' in type(transform).__name__:
            return transform
    return None


def inspect_sample(
    info: Mapping[str, Any],
    load: Callable[[dict], dict] | None,
    loader: LoadImageFromFile | None = None,
) -> tuple[list[tuple[int, ...] | None], Counter[int] | None, list[str]]:
    """Decode one sample's images and count its labels.

    Args:
        info: What a data set knows of the sample.
        load: Reads the mask, see `annotation_loader`.
        loader: Reads images, see `image_size`.

    Returns:
        (height, width, bands) of every image, None for unreadable ones; labels by
        class index, None if the data set has no labels; problems.
    """
    sizes: list[tuple[int, ...] | None] = []
    problems: list[str] = []
    for key in IMAGES:
        if key in info:
            try:
                sizes.append(image_size(info[key], loader))
            except BrokenFile as error:
                sizes.append(None)
                problems.append(f"'{info[key]}' is unreadable: {error.reason}")
            except UserError as error:
                sizes.append(None)
                problems.append(str(error))
    known = [size[:2] for size in sizes if size]
    problems += size_mismatches(info, known)
    try:
        return sizes, labels_of(info, load, known[0] if known else None), problems
    except (OSError, UserError) as error:
        return sizes, None, [*problems, str(error)]


def size_mismatches(
    info: Mapping[str, Any], sizes: Sequence[tuple[int, ...]]
) -> Iterator[str]:
    """Yield a sentence about dates, or image and annotation, of different sizes.

    Boxes are checked against the size that their file states: where that is wrong, they
    may lie anywhere.

    Args:
        info: See `inspect_sample`.
        sizes: (height, width) of every image that can be read.
    """
    if len(set(sizes)) > 1:
        shown = ' and '.join(show_size(size) for size in sizes)
        yield (
            f"expected two dates of one size, got {shown} in '{info['img_path']}' and "
            f"'{info['img_path2']}'; repair or remove the pair."
        )
    stated: Any = info.get('height'), info.get('width')
    if sizes and None not in stated and stated != sizes[0]:
        yield (
            f"expected {show_size(sizes[0])} as in '{info['img_path']}', got "
            f'{show_size(stated)} in its annotation; correct the size there, and see '
            'whether its boxes fit.'
        )


def labels_of(
    info: Mapping[str, Any],
    load: Callable[[dict], dict] | None,
    size: tuple[int, ...] | None = None,
) -> Counter[int] | None:
    """Count the labels of a sample by class index: images, boxes, or pixels.

    Args:
        info: See `inspect_sample`.
        load: See `inspect_sample`.
        size: (height, width) of the image; None if it is unknown.

    Raises:
        OSError, UserError: If the mask cannot be read, or has another size.
    """
    if 'gt_label' in info:
        return Counter(np.atleast_1d(info['gt_label']).tolist())
    if 'instances' in info:
        return Counter(instance['bbox_label'] for instance in info['instances'])
    if info.get('seg_map_path') and load is not None:
        results = load(copy.deepcopy(dict(info)))
        mask = results['gt_seg_map']
        if size is not None:
            require_size(mask, size, info['seg_map_path'], info['img_path'])
        values, counts = np.unique(mask, return_counts=True)
        pairs = zip(values.tolist(), counts.tolist(), strict=True)
        # 255 is mmseg's word for a pixel that is not scored.
        return Counter({value: count for value, count in pairs if value != 255})
    return None


def image_size(path: str, loader: LoadImageFromFile | None = None) -> tuple[int, ...]:
    """Read a file as training would; return (height, width, bands).

    Photos that a camera marked as turned count as they are turned.

    Args:
        path: Of the image.
        loader: Of the data set's pipeline; None takes one without options.

    Raises:
        MissingData, BrokenFile: If it is missing, cut off, or no image.
        UserError: If the loader refuses it.
    """
    height, width = (loader or LoadImageFromFile()).read(path).shape[:2]
    return height, width, read_info(path).bands
