"""Small versions of the published scene data sets, in their own folder layouts."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from rsp.prepare.splits.class_folders import write_split
from rsp.tasks.classification import SCENE_SETS, SceneSet
from rsp.tasks.classification.splits import stratified_split

# Options of a config that make its backbone, head and images tiny.
FEATURES = 64
TINY = {
    'r50': {
        'model.backbone.depth': 18,
        'model.backbone.base_channels': FEATURES // 8,
        'model.backbone.stem_channels': 8,
    },
    'swin-b': {
        'model.backbone.arch': dict(
            _delete_=True,
            embed_dims=FEATURES // 8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
        ),
        'model.backbone.img_size': 32,
    },
}
PROBE = {
    'test_dataloader.dataset.pipeline.1.scale': 36,
    'test_dataloader.dataset.pipeline.2.crop_size': 32,
    'test_cfg.train_dataloader.dataset.pipeline.1.scale': 36,
    'test_cfg.train_dataloader.dataset.pipeline.2.crop_size': 32,
    'test_cfg.train_dataloader.num_workers': 0,
    'test_dataloader.num_workers': 0,
    'test_cfg.probes.0.k': 3,
}
FINETUNE = {
    'model.head.in_channels': FEATURES,
    'train_dataloader.dataset.pipeline.1.scale': 32,
    'test_dataloader.dataset.pipeline.1.scale': 36,
    'test_dataloader.dataset.pipeline.2.crop_size': 32,
    'train_dataloader.batch_size': 4,
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False,
}


def tiny(name: str) -> dict:
    """Options that shrink the config of this name, ``<backbone>_<data>_<recipe>``."""
    arch, _, recipe = name.split('_')
    return deepcopy(TINY[arch] | (PROBE if recipe == 'probe' else FINETUNE))


def lists(name: str, train: str, test: str) -> dict:
    """Options that let a config read these list files."""
    where = 'test_cfg.train' if name.endswith('_probe') else 'train'
    return {
        f'{where}_dataloader.dataset.ann_file': train,
        'test_dataloader.dataset.ann_file': test,
    }


def _write_bands(root: Path, names: list[str]) -> None:
    """Write images of 13 bands of Sentinel-2."""
    geo = pytest.importorskip('scenes', reason="needs the 'geo' extra")
    layout = dict(tiled=False, blockxsize=None, blockysize=None)
    for number, name in enumerate(names):
        grid = geo.utm_grid(24, 20, 240 * number)
        geo.write(root / name, geo.reflectance(grid, 13), grid, **layout)


@pytest.fixture
def write_scenes(write_images: Callable[..., Path], tmp_path: Path) -> Callable:
    """Return a function that writes the first images of every class of a data set.

    They lie below ``tmp_path / 'data'`` as the archive unpacks, with lists of half of
    them each, ``<name>_train.txt`` and ``<name>_test.txt``, in ``data/<name>``. Returns
    the small data set.
    """

    def write(name: str, per_class: int = 2) -> SceneSet:
        scenes = SCENE_SETS[name]
        scenes = replace(scenes, counts=dict.fromkeys(scenes.counts, per_class))
        names = [path for paths in scenes.images().values() for path in paths]
        if name == 'eurosat-13bands':
            _write_bands(tmp_path / scenes.root, names)
        else:
            write_images(str(scenes.root), names, size=(20, 24))
        train, test = stratified_split(scenes.images(), train_share=0.5)
        write_split(tmp_path / 'data' / name, name, train, test)
        return scenes

    return write
