"""Small data in the real folder layouts, and configs made small to run on it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from rsp.engine.train import build_runner

pytest.importorskip('mmseg')

SIZE = 64
CHANNELS = [8, 16, 32, 64]
TINY_VIT = dict(depth=4, embed_dim=CHANNELS[-1], num_heads=2, out_indices=(0, 1, 2, 3))
TINY_SWIN = dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])
# Gray values of the masks on disk: by data root of the configs.
LAYOUTS = {
    'data/potsdam': (range(7), '.png', ('train', 'val')),
    'data/vaihingen': (range(7), '.png', ('train', 'val')),
    'data/loveDA': (range(8), '.png', ('train', 'val')),
    'data/levir_cs': (range(3), '.png', ('train', 'test')),
    'data/seg_building_oam': (range(2), '.jpg', ('train', 'val')),
}


@pytest.fixture
def write_pairs(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes images with masks of given gray values."""
    rng = np.random.default_rng(0)

    def write(
        root: str,
        split: str,
        names: list[str],
        values: Any,
        size: tuple[int, int] = (SIZE, SIZE + 8),
        suffix: str = '.png',
    ) -> Path:
        for name in names:
            for kind, ending in (('img_dir', suffix), ('ann_dir', '.png')):
                file = tmp_path / root / kind / split / f'{name}{ending}'
                file.parent.mkdir(parents=True, exist_ok=True)
                if kind == 'img_dir':
                    pixels = rng.integers(256, size=(*size, 3), dtype=np.uint8)
                else:
                    # Blocks, and every value at least once.
                    blocks = rng.choice(list(values), size=(size[0] // 8, size[1] // 8))
                    blocks.flat[: len(values)] = list(values)
                    pixels = np.kron(blocks, np.ones((8, 8))).astype(np.uint8)
                Image.fromarray(pixels).save(file)
        return tmp_path / root

    return write


@pytest.fixture
def layout(
    write_pairs: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Config], None]:
    """Return a function that writes the data a config asks for, where it asks."""
    monkeypatch.chdir(tmp_path)

    def write(cfg: Config) -> None:
        root = cfg.train_dataloader.dataset.data_root
        values, suffix, (train, test) = LAYOUTS[root]
        write_pairs(root, train, ['a', 'b', 'c'], values, suffix=suffix)
        write_pairs(root, test, ['d', 'e'], values, suffix=suffix)

    return write


@pytest.fixture
def shorten() -> Callable[[Config], None]:
    """Return a function that leaves two iterations on small crops, in this process."""

    def apply(cfg: Config) -> None:
        cfg.work_dir = 'run'
        cfg.train_cfg.update(max_iters=2, val_interval=2)
        cfg.train_dataloader.batch_size = 2
        for name in ('train', 'val', 'test', 'submission'):
            if f'{name}_dataloader' in cfg:
                loader = cfg[f'{name}_dataloader']
                loader.update(num_workers=0, persistent_workers=False)
        for step in cfg.train_dataloader.dataset.pipeline:
            if step['type'] == 'RandomCrop':
                step['crop_size'] = (SIZE, SIZE)
            if step['type'] == 'RandomResize':
                step['scale'] = (SIZE, SIZE)
        cfg.model.data_preprocessor.size = (SIZE, SIZE)

    return apply


@pytest.fixture
def shrink() -> Callable[[Config], None]:
    """Return a function that gives backbone and heads few channels."""

    def apply(cfg: Config) -> None:
        backbone, model = cfg.model.backbone, cfg.model
        channels = CHANNELS
        if 'ResNet' in backbone.type:
            backbone.update(depth=18, base_channels=8, stem_channels=8)
        elif 'TIMM' in backbone.type:
            pytest.importorskip('timm', reason="needs the 'convert' extra")
            channels = [TINY_VIT['embed_dim']] * 4
            backbone.update(TINY_VIT)
            model.neck.embed_dim = channels[0]
        else:
            backbone.arch = TINY_SWIN
        for head in (model.decode_head, model.auxiliary_head):
            many = isinstance(head.in_index, list | tuple)
            head['in_channels'] = channels if many else channels[head.in_index]
            head['channels'] = 16
        if 'c1_in_channels' in model.decode_head:
            model.decode_head.update(c1_in_channels=8, c1_channels=8)

    return apply


@pytest.fixture
def train_and_test() -> Callable[[Config], dict[str, float]]:
    """Return a function that trains, tests the checkpoint and returns the scores."""

    def run(cfg: Config) -> dict[str, float]:
        runner = build_runner(cfg)
        runner.train()
        assert runner.iter == cfg.train_cfg.max_iters
        scalars = sorted(Path(cfg.work_dir).glob('*/vis_data/scalars.json'))[-1]
        logged = [json.loads(line) for line in scalars.read_text().splitlines()]
        validated = next(line for line in logged if 'mIoU' in line)
        cfg.load_from = str(Path(cfg.work_dir, f'iter_{runner.iter}.pth'))
        cfg.experiment_name = 'test'
        scores = build_runner(cfg).test()
        assert scores['mIoU'] == pytest.approx(validated['mIoU'])
        return scores

    return run


@pytest.fixture
def real_tiles(unpack: Callable[..., Path], tmp_path: Path) -> Callable[..., None]:
    """Return a function that puts real tiles where a config looks for them.

    They come from the archives beside the checkout and are cut to ``size`` pixels from
    the upper left, so that a CPU is done with them soon.
    """

    def put(archive: str, inner: str, root: str, splits: dict, size: int) -> None:
        unpacked = unpack(archive, f'unpacked/{root}')
        for kind in ('img_dir', 'ann_dir'):
            for found in (unpacked / inner / kind).rglob('*.*'):
                for target, split in splits.items():
                    if split in found.parts or split == 'all':
                        out = tmp_path / root / kind / target / found.name
                        out.parent.mkdir(parents=True, exist_ok=True)
                        Image.open(found).crop((0, 0, size, size)).save(out)

    return put
