"""The configs of the project, and a way to make any of them small."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from rsp.datasets.views import heed_pretrain_data
from rsp.io.configs import config_folder

sys.path.insert(0, str(Path(__file__).parent))
from land_cover_data import label_images, make_scenes

CONFIGS = config_folder()
IMAGE_SIZE = 32
FEATURES = 64
TINY_SWIN = dict(
    embed_dims=FEATURES // 8,
    depths=[1, 1, 1, 1],
    num_heads=[1, 1, 2, 2],
)


def experiments() -> list[Path]:
    """All configs but the parts they inherit from."""
    return [f for f in sorted(CONFIGS.rglob('*.py')) if '_base_' not in f.parts]


def alias_target(config: Path) -> Path | None:
    """The config that an alias, a file of one line, stands for; else None."""
    lines = config.read_text().splitlines()
    if len(lines) != 1 or not lines[0].startswith('_base_ = '):
        return None
    return config.parent / lines[0].removeprefix('_base_ = ').strip("'")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a test run for every config, every experiment or every alias."""
    aliases = [f for f in experiments() if alias_target(f)]
    kinds = dict(
        any_config=experiments(),
        alias=aliases,
        experiment=[f for f in experiments() if f not in aliases],
        # Downstream tasks run on data of their own layouts, other projects' methods in
        # test_pretrain_data.py.
        pretraining=[
            f
            for f in experiments()
            if f not in aliases
            and f.relative_to(CONFIGS).parts[0] not in ('baselines', 'downstream')
        ],
    )
    for name, files in kinds.items():
        if name in metafunc.fixturenames:
            assert files, f'no {name} below {CONFIGS}'
            ids = [str(f.relative_to(CONFIGS)) for f in files]
            metafunc.parametrize(name, files, ids=ids)


@pytest.fixture
def load() -> Callable[..., Config]:
    """Return a function that reads a config by its path, from ``configs/`` if short."""

    def read(name: str | Path) -> Config:
        cfg = Config.fromfile(CONFIGS / name)
        heed_pretrain_data(cfg)
        return cfg

    return read


@pytest.fixture
def shrink() -> Callable[[Config], None]:
    """Return a function that makes backbone, images and queue of a config tiny."""
    return _shrink


@pytest.fixture
def every_dict() -> Callable[[Any], Iterator[dict]]:
    """Return a function that walks through all dictionaries inside a config."""
    return dicts


@pytest.fixture
def redirect(
    write_images: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Config], None]:
    """Return a function that makes a config run one epoch of generated images.

    Every folder gets eight: in classes ``a`` and ``b`` where labels are asked for. All
    paths are relative to tmp_path: printing a config with long ones takes seconds.
    """
    monkeypatch.chdir(tmp_path)

    def apply(cfg: Config) -> None:
        cfg.work_dir = 'run'
        for number, node in enumerate(dicts(cfg)):
            if node.get('type') == 'rsp.ImageFolder':
                names = [f'{i}.png' for i in range(8)]
                if node.get('with_label', True):
                    names = [f'{"ab"[i % 2]}/{i}.png' for i in range(8)]
                prefix = node.get('data_prefix', '')
                write_images(f'{number}/{prefix}', names, size=(48, 40))
                node['data_root'] = str(number)
            elif node.get('type') == 'rsp.LandCoverImages':
                label_images(node, Path(str(number)), write_images)
            elif node.get('type') == 'rsp.SceneDataset':
                make_scenes(node, Path(str(number)))
        if cfg.get('checkpoint'):
            cfg.checkpoint = None  # nothing is downloaded
        for node in dicts(cfg):
            if node.get('type') == 'rsp.KNNProbe':
                node['k'] = 2
            if 'sampler' in node:
                # A mixture of two folders has twice the images.
                count = 16 if node['dataset'].get('type') == 'ConcatDataset' else 8
                node.update(batch_size=count // 2, num_workers=0)
        if cfg.get('train_cfg'):
            cfg.train_cfg.max_epochs = 1

    return apply


def _shrink(cfg: Config) -> None:
    backbone = cfg.model.backbone
    # Takes a minute, whatever the size; see test_fast_recipes.py.
    cfg.compile_backbone = False
    for node in dicts(cfg.get('train_dataloader') or {}):
        if isinstance(node.get('windows'), int):
            node['windows'] = 2 * IMAGE_SIZE
    if cfg.model.type == 'rsp.CMID':
        return _shrink_cmid(cfg)
    if cfg.model.type == 'rsp.GeoKR':
        return _shrink_geokr(cfg)
    if backbone.type == 'ResNet':
        features = 2048 if backbone.depth >= 50 else 512
        backbone.update(depth=18, base_channels=FEATURES // 8, stem_channels=8)
    else:
        features = 768
        backbone.update(arch=TINY_SWIN, img_size=IMAGE_SIZE, pad_small_map=True)

    for part in ('neck', 'head', 'sup_head'):
        for node in dicts(cfg.model.get(part) or {}):
            for key in ('in_channels', 'hid_channels'):
                if node.get(key) == features:
                    node[key] = FEATURES
            if 'widths' in node:
                node['widths'] = [
                    FEATURES if width == features else width for width in node.widths
                ]
    if 'queue' in cfg.model:
        cfg.model.queue.length = 16
    if 'queue_len' in cfg.model:
        cfg.model.queue_len = 16

    for node in dicts(cfg):
        if node.get('type') == 'RandomResizedCrop':
            node['scale'] = IMAGE_SIZE
        if node.get('type') == 'CenterCrop':
            node['crop_size'] = IMAGE_SIZE
        if node.get('type') == 'ResizeEdge':
            node['scale'] = IMAGE_SIZE + 4


def _shrink_cmid(cfg: Config) -> None:
    backbone = cfg.model.backbone
    # A Swin with sizes of its own is small enough.
    if 'Swin' not in backbone.type or isinstance(backbone.arch, str):
        _narrow_cmid(cfg)
    for node in dicts(cfg):
        if node.get('type') == 'rsp.MaskedTwoCrop':
            node['size'] = 64
        if node.get('type') == 'RandomResizedCrop':
            node['scale'] = 64
        if node.get('type') == 'rsp.DeviceViews':
            node['resize_first'] = 64
    cfg.model.update(num_matches=3)
    cfg.model.queue.length = 16


def _narrow_cmid(cfg: Config) -> None:
    backbone = cfg.model.backbone
    wide = cfg.model.neck.widths[0]
    if 'ResNet' in backbone.type:
        backbone.update(depth=18, base_channels=FEATURES // 8, stem_channels=8)
    elif 'Swin' in backbone.type:
        backbone.update(arch=TINY_SWIN, img_size=64, pad_small_map=True)
    else:
        tiny = dict(
            embed_dims=FEATURES, num_layers=2, num_heads=2, feedforward_channels=96
        )
        backbone.update(arch=tiny, img_size=64)
    for node in dicts(cfg.model):
        if node.get('in_channels') == wide:
            node['in_channels'] = FEATURES
    cfg.model.neck.widths = [FEATURES, *cfg.model.neck.widths[1:]]


def _shrink_geokr(cfg: Config) -> None:
    backbone = cfg.model.backbone
    if backbone.type == 'ResNet':
        backbone.update(depth=18, base_channels=FEATURES // 8, stem_channels=8)
        cfg.model.classifier.widths = [FEATURES, *cfg.model.classifier.widths[1:]]
    else:
        backbone.depth = 11
    for node in dicts(cfg):
        if node.get('type') == 'Resize':
            node['scale'] = IMAGE_SIZE


def dicts(node: Any) -> Iterator[dict]:
    # Outer ones first.
    if isinstance(node, Config):
        node = node._cfg_dict
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list | tuple):
        for part in node:
            yield from dicts(part)
