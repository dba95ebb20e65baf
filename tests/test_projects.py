"""Projects of other mm-libraries run by those libraries' scripts, with one import."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, DefaultScope
from PIL import Image

from rsp.checkpoints import export_backbone

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / 'projects').glob('*/*.py'))
DETECTION = 'mmdet_faster_rcnn_dior'
SEGMENTATION = 'mmseg_upernet_loveda'
CLASSIFICATION = 'mmpretrain_eurosat'


@pytest.fixture(autouse=True)
def _where_the_data_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Projects name data and checkpoints from the folder in which one works."""
    monkeypatch.chdir(tmp_path)


def load(config: Path) -> Config:
    """Read a config, whose library has to be there, `_base_ = 'mmdet::...'`."""
    library = config.parent.name.split('_')[0]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f'needs {library}')
    return Config.fromfile(config)


def write_backbone(depth: int, file: str) -> dict[str, torch.Tensor]:
    """Export the backbone of a run with a teacher; return its tensors."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        backbone = MODELS.build(dict(type='ResNet', depth=depth))
    backbone.init_weights()
    tensors = {f'backbone.{name}': t for name, t in backbone.state_dict().items()}
    teacher = {f'teacher.module.{n}': torch.zeros_like(t) for n, t in tensors.items()}
    torch.save(dict(state_dict=tensors | teacher, meta=dict(epoch=1)), 'run.pth')
    Path(file).parent.mkdir()
    export_backbone('run.pth', file)
    return tensors


def write_image(file: str, size: tuple[int, int] = (64, 80)) -> None:
    """Write noise of (height, width)."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(256, size=(*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)


def write_boxes(root: str, classes: tuple[str, ...]) -> None:
    """Write DIOR's layout with two images to train and two to score."""
    for split, numbers in (('trainval', (1, 2)), ('test', (3, 4))):
        for number in numbers:
            write_image(f'{root}/JPEGImages-{split}/{number:05d}.jpg')
            page = ElementTree.Element('annotation')
            for place, name in enumerate((classes[0], classes[-1])):
                thing = ElementTree.SubElement(page, 'object')
                ElementTree.SubElement(thing, 'name').text = name
                box = ElementTree.SubElement(thing, 'bndbox')
                sides = dict(xmin=5, ymin=4, xmax=29, ymax=20)
                for side, value in sides.items():
                    ElementTree.SubElement(box, side).text = str(value + 30 * place)
            file = Path(
                f'{root}/Annotations/Horizontal Bounding Boxes/{number:05d}.xml'
            )
            file.parent.mkdir(parents=True, exist_ok=True)
            ElementTree.ElementTree(page).write(file)
        ids = Path(f'{root}/ImageSets/Main/{split}.txt')
        ids.parent.mkdir(parents=True, exist_ok=True)
        ids.write_text(''.join(f'{number:05d}\n' for number in numbers))


def write_masks(root: str, suffix: str, values: tuple[int, ...]) -> None:
    """Write two images with masks to train and one to score."""
    for split, names in (('train', 'ab'), ('val', 'c')):
        for name in names:
            write_image(f'{root}/img_dir/{split}/{name}{suffix}')
            mask = np.resize(values, (64, 80)).astype(np.uint8)
            file = Path(f'{root}/ann_dir/{split}/{name}.png')
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(file)


def write_classes() -> None:
    """Write ten folders with one image each, to train and to score."""
    for split in ('train', 'val'):
        for number in range(10):
            write_image(f'data/quickstart/probe/{split}/class_{number}/a.jpg', (64, 64))


def train(config: Path, *options: str) -> tuple[str, dict[str, torch.Tensor]]:
    """Run the library's script as installed; return what it said and the weights."""
    library = config.parent.name.split('_')[0]
    package = Path(importlib.util.find_spec(library).origin).parent
    script = package / '.mim' / 'tools' / 'train.py'
    done = subprocess.run(
        [
            sys.executable,
            script,
            config,
            '--work-dir',
            'run',
            '--cfg-options',
            *options,
        ],
        env=os.environ | dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    (saved,) = Path('run').glob('*_1.pth')
    return said, torch.load(saved, weights_only=False)['state_dict']


def assert_all_of_it_started_the_training(
    exported: dict[str, torch.Tensor], trained: dict[str, torch.Tensor]
) -> None:
    """Compare after a step of rate 0, which moves the statistics of batch norm only."""
    for name, tensor in exported.items():
        if 'running' not in name and 'num_batches' not in name:
            assert torch.equal(trained[name], tensor), name


@pytest.mark.parametrize('config', CONFIGS, ids=lambda c: c.stem)
def test_rsp_is_the_only_import(config):
    cfg = load(config)
    assert cfg.custom_imports.imports == ['rsp']
    assert cfg.default_scope == config.parent.name.split('_')[0]
    assert cfg.model.backbone.init_cfg.prefix == 'backbone.'
    # Their own runner does.
    assert 'runner_type' not in cfg


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore`` is False')
@pytest.mark.parametrize(
    ('folder', 'write'),
    [
        (DETECTION, lambda classes: write_boxes('data/DIOR', classes)),
        (SEGMENTATION, lambda _: write_masks('data/loveDA', '.png', (*range(8),))),
    ],
)
def test_the_full_size_recipe_reads_its_data_and_a_resnet50(
    folder: str, write: Callable
):
    (config,) = (ROOT / 'projects' / folder).glob('*_r50_*.py')
    cfg = load(config)
    exported = write_backbone(50, cfg.model.backbone.init_cfg.checkpoint)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(cfg.model)
        model.init_weights()
        # The names of the classes, before there are files.
        data = dict(cfg.train_dataloader.dataset, lazy_init=True)
        classes = DATASETS.build(data).metainfo['classes']
        write(classes)
        sample = DATASETS.build(cfg.train_dataloader.dataset)[0]
    assert_all_of_it_started_the_training(exported, model.state_dict())
    assert sample['inputs'].shape[0] == 3
    heads = [m.num_classes for m in model.modules() if hasattr(m, 'num_classes')]
    assert {len(classes)} <= {*heads}


@pytest.mark.slow
def test_mmdet_trains_its_detector():
    (config,) = (ROOT / 'projects' / DETECTION).glob('*_r18_*.py')
    cfg = load(config)
    exported = write_backbone(18, cfg.model.backbone.init_cfg.checkpoint)
    write_boxes(cfg.train_dataloader.dataset.data_root, ('vehicle',))
    said, trained = train(
        config,
        'train_cfg.max_iters=1',
        'train_cfg.val_interval=1',
        'default_hooks.checkpoint.interval=1',
        'train_dataloader.batch_size=2',
        'train_dataloader.dataset.pipeline.2.crop_size=(48,48)',
        'optim_wrapper.optimizer.lr=0',
    )
    assert 'bbox_mAP_50' in said
    assert_all_of_it_started_the_training(exported, trained)


@pytest.mark.slow
def test_mmseg_trains_its_segmentor():
    (config,) = (ROOT / 'projects' / SEGMENTATION).glob('*_r18_*.py')
    cfg = load(config)
    exported = write_backbone(18, cfg.model.backbone.init_cfg.checkpoint)
    write_masks(cfg.train_dataloader.dataset.data_root, '.jpg', (0, 1))
    said, trained = train(
        config,
        'train_cfg.max_iters=1',
        'train_cfg.val_interval=1',
        'default_hooks.checkpoint.interval=1',
        'train_dataloader.batch_size=2',
        'optim_wrapper.optimizer.lr=0',
    )
    assert 'IoU_building' in said
    assert_all_of_it_started_the_training(exported, trained)


@pytest.mark.slow
def test_mmpretrain_trains_its_classifier():
    (config,) = (ROOT / 'projects' / CLASSIFICATION).glob('*.py')
    cfg = load(config)
    exported = write_backbone(18, cfg.model.backbone.init_cfg.checkpoint)
    write_classes()
    said, trained = train(
        config,
        'train_cfg.max_epochs=1',
        'train_cfg.val_interval=1',
        'default_hooks.checkpoint.interval=1',
        'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        'val_dataloader.num_workers=0',
        'val_dataloader.persistent_workers=False',
    )
    assert 'accuracy/top1' in said
    # Frozen: all of it stays, at the rate of the recipe and with batch norm.
    for name, tensor in exported.items():
        assert torch.equal(trained[name], tensor), name
    assert trained['head.fc.weight'].shape == (10, 512)
