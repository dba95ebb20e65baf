"""Build the data loaders that bench_loader.py compares, all in one process.

Each way is a loader and the names under which its stages are timed: the function or
transform, and what it counts as, of `STAGES`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import torch
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings
from PIL import Image
from torch.utils.data import DataLoader, Dataset, default_collate

import rsp  # noqa: F401  first: see rsp/compat.py
from rsp.datasets.views import load_views
from rsp.engine.runner import PortableRunner
from rsp.ops.views import recipe

STAGES = ('decode', 'crop', 'color', 'collate')
# What transforms count as; others change colors.
KINDS = dict(
    LoadImageFromFile='decode',
    RandomResizedCrop='crop',
    Resize='crop',
    PackInputs='collate',
    PackViews='collate',
    PackForDevice='collate',
)
# Those that hold other transforms, or do several things: their parts are timed.
HOLDERS = (
    'MultiView',
    'RandomApply',
    'Compose',
    'LoadViews',
    'LoadView',
    'LoadForDevice',
)
FUNCTIONS = [
    ('decode', load_views, 'read_content'),
    ('decode', load_views, 'decode_jpeg'),
    ('decode', load_views.headers, 'ordinary_jpeg'),
    ('crop', recipe, 'cut_view'),
    ('color', recipe.ViewRecipe, 'apply'),
]


class NotThisWay(Exception):
    """Signal that a config's views cannot be made in some way."""


class Way(NamedTuple):
    """Store how images become batches.

    Attributes:
        loader: Gives batches.
        parts: Stage and place of what is timed: an object and its attribute, a
            function.
        per_item: Images that make up an item, as a pair of photo and scene does.
    """

    loader: DataLoader
    parts: list[tuple[str, Any, str]]
    per_item: int = 1


def of_config(
    path: str, images: Path, batch: int, views: str = 'fast', store: Path | None = None
) -> Way:
    """Build the training loader of a config, in this process, on other images.

    Args:
        path: Of the config.
        images: Folder that all its data sets of folders shall read.
        batch: Items of a batch.
        views: ``'exact'``, ``'fast'``, ``'device'`` or ``'whole'``, see `with_views`.
        store: Packed store of the images, to read in place of their files.
    """
    cfg = Config.fromfile(path)
    import_modules_from_strings(**cfg.get('custom_imports', {}))
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    loader = cfg.train_dataloader.to_dict()
    folders = _replace_folders(loader['dataset'], images, store, views)
    if not folders:
        raise SystemExit(f"expected a data set of image folders in '{path}'.")
    # Pairs are stacked already.
    if views in ('device', 'whole') and 'default' in str(loader.get('collate_fn')):
        loader['collate_fn'] = dict(type='rsp.stacked_collate')
    return _of_mm(PortableRunner, loader, batch, folders)


def with_views(pipeline: list[dict[str, Any]], views: str) -> list[dict[str, Any]]:
    """Let a pipeline that loads an image and makes views of it do so in another way.

    Args:
        pipeline: ``LoadImageFromFile`` and ``MultiView``, or ``rsp.LoadViews``, and
            what packs them; others are returned as they are for ``'fast'``.
        views: ``'exact'`` for mmpretrain's transforms, ``'fast'`` for
            ``rsp.LoadViews``, ``'device'`` for the part of an image that
            ``rsp.DeviceViews`` cuts them from, ``'whole'`` for all of it.

    Raises:
        NotThisWay: If views of such a pipeline are not made so here.
    """
    first, *rest = pipeline
    kind = first['type'].removeprefix('rsp.')
    if kind == 'LoadImageFromFile' and rest[0]['type'].endswith('MultiView'):
        made = first | rest[0] | dict(type='rsp.LoadViews')
        rest = rest[1:]
    elif kind in ('LoadViews', 'LoadView'):
        made = dict(first)
    elif views == 'fast':
        return pipeline
    else:
        raise NotThisWay
    if views == 'whole':
        return [dict(type='LoadImageFromFile'), dict(type='rsp.PackForDevice')]
    if views == 'device':
        if kind == 'LoadView':
            made |= dict(transforms=[made['transforms']], num_views=1)
        return [made | dict(type='rsp.LoadForDevice'), dict(type='rsp.PackForDevice')]
    return [made | dict(exact_pillow=views == 'exact'), *rest]


def stock(images: Path, batch: int) -> Way:
    """Build mmpretrain's own loader for MoCo v2, whose backend is Pillow."""
    import mmpretrain

    folder = Path(mmpretrain.__file__).parent / '.mim/configs/_base_/datasets'
    cfg = Config.fromfile(folder / 'imagenet_bs32_mocov2.py')
    init_default_scope('mmpretrain')
    loader = cfg.train_dataloader.to_dict()
    loader['dataset'] = dict(
        type='CustomDataset',
        data_root=str(images),
        with_label=False,
        pipeline=loader['dataset']['pipeline'],
    )
    return _of_mm(Runner, loader, batch, 1)


def _of_mm(
    runner: type[Runner], loader: dict[str, Any], batch: int, per_item: int
) -> Way:
    # In this process, where pinning and waiting for workers mean nothing.
    for key in ('persistent_workers', 'pin_memory', 'prefetch_factor'):
        loader.pop(key, None)
    loader |= dict(batch_size=batch, num_workers=0)
    built = runner.build_dataloader(loader, seed=0)
    parts: list[tuple[str, Any, str]] = [('collate', built, 'collate_fn'), *FUNCTIONS]
    for kind in _transforms_of(built.dataset, []):
        if kind.__name__ not in HOLDERS:
            parts.append((KINDS.get(kind.__name__, 'color'), kind, 'transform'))
    return Way(built, parts, per_item)


def _replace_folders(node: Any, images: Path, store: Path | None, views: str) -> int:
    """Let all data sets of folders in a config read other images; count them."""
    if isinstance(node, list | tuple):
        return sum(_replace_folders(part, images, store, views) for part in node)
    if not isinstance(node, dict):
        return 0
    if node.get('type') in ('rsp.ImageFolder', 'ImageFolder', 'CustomDataset'):
        # Prefixes, lists and labels are of the images that the config names.
        for key in ('data_prefix', 'ann_file', 'classes', 'store'):
            node.pop(key, None)
        node |= dict(data_root=str(images), with_label=False)
        node['pipeline'] = with_views(node['pipeline'], views)
        if store is not None:
            node['store'] = str(store)
        return 1
    return sum(_replace_folders(n, images, store, views) for n in node.values())


def _transforms_of(node: Any, seen: list[Any]) -> set[type]:
    """Return the classes of all transforms in a data set."""
    if isinstance(node, dict):
        node = [*node.values()]
    if isinstance(node, list | tuple):
        return {kind for part in node for kind in _transforms_of(part, seen)}
    if node is None or any(node is other for other in seen):
        return set()
    seen.append(node)
    names = ('dataset', 'sources', 'pipeline', 'transforms', 'exact')
    inner = [getattr(node, name, None) for name in names]
    found = {type(node)} if isinstance(node, BaseTransform) else set()
    return found | _transforms_of(inner, seen)


def with_torchvision(images: Path, batch: int, tensors: bool) -> Way:
    """Write down MoCo v2's views with torchvision v2, as a good user would.

    Args:
        images: Folder.
        batch: Items of a batch.
        tensors: Whether views are made of tensors, or of Pillow's images.
    """
    from torchvision.transforms import v2

    crop = v2.RandomResizedCrop(224, scale=(0.2, 1.0), antialias=True)
    color = v2.Compose(
        [
            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            v2.RandomGrayscale(p=0.2),
            v2.RandomApply([v2.GaussianBlur(23, (0.1, 2.0))], p=0.5),
            v2.RandomHorizontalFlip(),
            v2.Identity() if tensors else v2.PILToTensor(),
        ]
    )
    dataset = Views(images, crop, color, tensors)
    return _of_views(dataset, batch)


def with_lightly(images: Path, batch: int) -> Way | None:
    """Take lightly's transform of MoCo v2; None where lightly is not installed."""
    if importlib.util.find_spec('lightly') is None:
        return None
    from lightly.transforms import MoCoV2Transform

    transform = MoCoV2Transform(input_size=224)
    dataset = Views(images, None, transform, tensors=False)
    return _of_views(dataset, batch)


def _of_views(dataset: Views, batch: int) -> Way:
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(
        dataset,
        batch,
        shuffle=True,
        drop_last=True,
        generator=generator,
        collate_fn=default_collate,
    )
    parts = [
        (stage, dataset, stage)
        for stage in ('decode', 'crop', 'color')
        if getattr(dataset, stage) is not None
    ]
    return Way(loader, [*parts, ('collate', loader, 'collate_fn')])


class Views(Dataset):
    """Two views of each image of a folder, read by Pillow.

    Args:
        images: Folder.
        crop: Cuts one view; None if ``color`` makes all of them.
        color: Changes one view.
        tensors: Whether they get tensors.
    """

    def __init__(self, images: Path, crop: Any, color: Any, tensors: bool) -> None:
        self.files = sorted(file for file in images.rglob('*') if file.is_file())
        self.crop, self.color, self.tensors = crop, color, tensors

    def __len__(self) -> int:
        return len(self.files)

    def decode(self, file: Path) -> Any:
        """Read an image."""
        from torchvision.transforms.v2 import functional

        with Image.open(file) as opened:
            image = opened.convert('RGB')
        return functional.pil_to_tensor(image) if self.tensors else image

    def __getitem__(self, number: int) -> Any:
        image = self.decode(self.files[number])
        if self.crop is None:
            return self.color(image)
        return [self.color(self.crop(image)) for _ in range(2)]


def single_thread() -> None:
    """Let every library use one thread."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
