"""List the images of a config or a folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rsp.datasets.image_folder import EXTENSIONS, ImageFolder
from rsp.datasets.pixel_reading import loader_of
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.errors import MissingData, UserError, shorten
from rsp.evaluation.analysis.images.image_set import ImageSet
from rsp.io.files import files_below, folders_in

TEST = ('test_dataloader', 'val_dataloader')
# Sub-folders of images, and of masks of the same names.
MASKED = (('images', 'masks'), ('img_dir', 'ann_dir'))


def open_images(
    source: str, split: str = 'test', cfg_options: Sequence[str] = ()
) -> ImageSet:
    """List the images of a config or a folder.

    Args:
        source: A config of a task, or a folder: with ``train`` and ``val`` (or
            ``test``), each as follows; with a folder per class; with images alone; or
            with ``images`` and ``masks`` (or ``img_dir`` and ``ann_dir``).
        split: ``'train'`` or ``'test'``; a folder without splits is both.
        cfg_options: Overrides of a config, ``KEY=VALUE``, read and checked as in
            training and testing.

    Raises:
        MissingData: If there is no such folder or config.
        UserError: If there is no image in it, or an override leads nowhere or is given
            with a folder.
    """
    if source.endswith('.py'):
        return _of_config(source, split, cfg_options)
    if cfg_options:
        raise UserError(
            '--cfg-options overrides keys of a config, but --data is '
            f"'{source}'; leave it out, or give a config (.py)."
        )
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise MissingData(
            f"expected a folder of images or a config (.py) as --data, got '{source}', "
            'which does not exist.'
        )
    images = _of_folder(folder, split)
    return replace(images, is_folder=True, reader=_reader_of(images.paths[0]))


def _of_folder(folder: Path, split: str) -> ImageSet:
    names = {entry.name: entry for entry in folders_in(folder)}
    wanted = ('train',) if split == 'train' else ('val', 'test')
    if {*names} == {'train'}:
        raise UserError(
            f"expected 'val' or 'test' beside 'train' in '{folder}', got none; add it, "
            f"or give '{folder / 'train'}' itself."
        )
    if 'train' in names and ('val' in names or 'test' in names):
        folder = next(names[name] for name in wanted if name in names)
        names = {entry.name: entry for entry in folders_in(folder)}
    for pictures, masks in MASKED:
        if pictures in names and masks in names:
            return _with_masks(names[pictures], names[masks])
    top = [f for f in folder.iterdir() if f.suffix.lower() in EXTENSIONS]
    if names and not top:
        return _of_dataset(ImageFolder(data_prefix=str(folder)))
    paths = [str(path) for path in files_below(folder, EXTENSIONS)]
    if not paths:
        known = ', '.join(EXTENSIONS)
        raise UserError(f"expected images ({known}) in '{folder}', found none.")
    return ImageSet(paths)


def _reader_of(path: str) -> LoadImageFromFile:
    """Return what reads a folder: as 8-bit colors or, of other files, all bands."""
    plain = LoadImageFromFile()
    try:
        plain.judge(path)
    except UserError:
        return LoadImageFromFile(reflectance={})
    return plain


def _with_masks(pictures: Path, masks: Path) -> ImageSet:
    found = files_below(masks, EXTENSIONS)
    there = {f.relative_to(masks).with_suffix(''): str(f) for f in found}
    paths = [*files_below(pictures, EXTENSIONS)]
    names = [f.relative_to(pictures).with_suffix('') for f in paths]
    alone = [str(n) for n in names if n not in there]
    if alone or not paths:
        raise UserError(
            f"expected images in '{pictures}', each with a mask of its name in "
            f"'{masks}', got {len(paths)}, without a mask: {shorten(alone) or 'none'}."
        )
    return ImageSet([*map(str, paths)], masks=[there[n] for n in names])


def has_splits(source: str) -> bool:
    """Tell whether training images are other ones than those to test on."""
    if source.endswith('.py'):
        return True
    return {'train'} < {entry.name for entry in folders_in(Path(source).expanduser())}


def _of_config(source: str, split: str, cfg_options: Sequence[str]) -> ImageSet:
    from mmengine.registry import DATASETS, DefaultScope

    from rsp.engine.cfg_options import parse_options
    from rsp.engine.train import load_config
    from rsp.engine.wrong_config import explain_builds, refuse_wrong_settings

    cfg = load_config(source, None, 'none', parse_options(cfg_options))
    if cfg.get('model') is not None:
        # A config of data alone is no run, and refused as one.
        refuse_wrong_settings(cfg)
    explain_builds(cfg)
    loaders = [cfg[name] for name in TEST if cfg.get(name)]
    if split == 'train':
        probe = (cfg.get('test_cfg') or {}).get('train_dataloader')
        loaders = [x for x in (probe, cfg.get('train_dataloader')) if x]
    if not loaders:
        raise UserError(
            f"expected a {split} data set in '{source}', which has none; configs of "
            'tasks are in configs/downstream.'
        )
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        dataset = DATASETS.build(loaders[0]['dataset'])
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    return _of_dataset(dataset)


def _of_dataset(dataset: Any) -> ImageSet:
    dataset.full_init()
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    if not infos or 'img_path' not in infos[0]:
        raise UserError(
            'expected a data set of images, each with its path, got '
            f'{type(dataset).__name__}; give a folder of the images.'
        )
    labels = None
    if isinstance(infos[0].get('gt_label'), int | np.integer):
        labels = np.array([int(info['gt_label']) for info in infos])
    return ImageSet(
        [info['img_path'] for info in infos],
        tuple(dataset.metainfo.get('classes') or ()),
        labels,
        dataset,
        loader_of(dataset) or LoadImageFromFile(),
    )
