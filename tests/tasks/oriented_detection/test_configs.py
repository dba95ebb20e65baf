"""Every experiment trains, is tested, and fixes what the paper fixes."""

import copy
import json
import math
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, DefaultScope
from mmrotate.registry import DATASETS, MODELS

from rsp.engine.test import evaluate, evaluation_config
from rsp.io.configs import config_folder
from rsp.prepare.check import check_datasets
from rsp.tasks.common.dota import CLASSES, classes_of

FOLDER = config_folder() / 'downstream' / 'oriented_detection'
EXPERIMENTS = sorted(file.name for file in FOLDER.glob('*.py'))
SMALL_RESNET = {
    'model.backbone.depth': 18,
    'model.backbone.base_channels': 8,
    'model.backbone.stem_channels': 8,
    'model.neck.in_channels': [8, 16, 32, 64],
}
SMALL_SWIN = {
    'model.backbone.arch': dict(
        _delete_=True, embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]
    ),
    'model.backbone.img_size': 64,
    'model.neck.in_channels': [8, 16, 32, 64],
}
SMALL_HEADS = {
    'model.neck.out_channels': 16,
    'model.rpn_head.in_channels': 16,
    'model.rpn_head.feat_channels': 16,
    'model.roi_head.bbox_roi_extractor.out_channels': 16,
    'model.roi_head.bbox_head.in_channels': 16,
    'model.roi_head.bbox_head.fc_out_channels': 32,
    # Rotated NMS on CPUs takes a microsecond per pair of boxes.
    'model.test_cfg.rpn.max_per_img': 20,
    # An untrained model should find something.
    'model.test_cfg.rcnn.score_thr': 0.001,
}


def small(name: str) -> dict:
    """Options that shrink the model of an experiment; mmengine changes what it gets."""
    backbone = SMALL_SWIN if 'swin' in name else SMALL_RESNET
    return copy.deepcopy(SMALL_HEADS | backbone)


def load(name: str) -> Config:
    return Config.fromfile(FOLDER / name)


@pytest.fixture
def small_data(write_dota, write_dior):
    """Return a function that writes data where an experiment looks for it."""

    def write(name: str) -> None:
        if 'dior' in name:
            write_dior()
            return
        for split in ('train', 'val', 'test'):
            write_dota(
                split,
                names=[f'P{n:04d}__96__{x}___0' for n in (1, 2) for x in (0, 60)],
                size=(96, 96),
                labels=None if split == 'test' else 'annfiles',
                root='data/split_ss_dota',
                header='',
            )

    return write


def resized(cfg: Config, size: int) -> dict:
    """Options that resize the images of all pipelines."""
    options = {}
    for loader in ('train_dataloader', 'test_dataloader', 'submission_dataloader'):
        if cfg.get(loader) is None:
            continue
        sets = cfg[loader].dataset.get('datasets')
        keys = [f'{loader}.dataset.datasets.{i}' for i in range(len(sets or ()))]
        for key in keys or [f'{loader}.dataset']:
            options |= {f'{key}.pipeline.{number}.scale': (size, size)
                        for number, step in enumerate(pipeline(cfg, key))
                        if step.type == 'mmdet.Resize'}  # fmt: skip
    return options


def pipeline(cfg: Config, key: str) -> list:
    node = cfg
    for part in key.split('.'):
        node = node[int(part)] if part.isdecimal() else node[part]
    return node.pipeline


def check(name: str, run_downstream, options: dict) -> None:
    metrics = run_downstream(f'oriented_detection/{name}', options)
    log = next(Path('run').glob('*/vis_data/scalars.json')).read_text().splitlines()
    losses = json.loads(log[0])
    parts = ('loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox')
    assert losses['loss'] == pytest.approx(sum(losses[p] for p in parts), rel=1e-3)
    assert math.isfinite(losses['loss'])
    if 'trainval' in name:
        assert metrics == {}
        archive = Path('work_dirs/dota_submission/dota_submission.zip')
        names = {f'Task1_{c}.txt' for c in CLASSES}
        assert set(zipfile.ZipFile(archive).namelist()) == names
    else:
        assert set(metrics) == {'dota/mAP', 'dota/AP50'}
        assert 0 <= metrics['dota/mAP'] <= 1


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_a_small_version_trains_and_is_tested(name, run_downstream, small_data):
    small_data(name)
    check(name, run_downstream, resized(load(name), 64) | small(name))


@pytest.mark.slow
@pytest.mark.parametrize('name', EXPERIMENTS)
def test_the_real_size_trains_and_is_tested(name, run_downstream, small_data):
    small_data(name)
    options = resized(load(name), 128) | {'model.test_cfg.rpn.max_per_img': 20}
    check(name, run_downstream, options)


def rates(cfg: Config, per_epoch: int) -> list[float]:
    """Learning rate of every iteration."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.005)
    schedulers = [
        PARAM_SCHEDULERS.build(dict(node), default_args=dict(optimizer=optimizer))
        for node in cfg.param_scheduler
    ]
    curve = []
    for _ in range(cfg.train_cfg.max_epochs):
        for _ in range(per_epoch):
            curve.append(optimizer.param_groups[0]['lr'])
            optimizer.step()
            schedulers[0].step()
        schedulers[1].step()
    return curve


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_the_schedule_is_the_published_one(name):
    """Warm-up of 500 iterations from a third; a tenth after epochs 8 and 11."""
    cfg = load(name)
    curve = rates(cfg, per_epoch=600)
    warm = [0.005 * (1 - (1 - i / 500) * (1 - 1 / 3)) for i in range(500)]
    assert curve[:500] == pytest.approx(warm, rel=1e-9)
    assert curve[500:4800] == pytest.approx([0.005] * 4300)
    assert curve[4800:6600] == pytest.approx([0.0005] * 1800)
    assert curve[6600:] == pytest.approx([0.00005] * 600)
    assert cfg.optim_wrapper.clip_grad == dict(max_norm=35, norm_type=2)
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 2


def small_model(name: str) -> tuple[torch.nn.Module, Config]:
    cfg = load(name)
    cfg.merge_from_dict(small(name))
    with DefaultScope.overwrite_default_scope('mmrotate'):
        return MODELS.build(cfg.model), cfg


def test_resnet_keeps_its_stem_and_its_statistics():
    """frozen_stages=1 and norm_eval of CMID's config."""
    model, _ = small_model('oriented-rcnn_r50_dota.py')
    model.train()
    frozen = {
        name.split('.')[0]
        for name, parameter in model.backbone.named_parameters()
        if not parameter.requires_grad
    }
    assert frozen == {'conv1', 'bn1', 'layer1'}
    norms = [m for m in model.backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)


def test_swin_decays_all_but_norms_and_position_biases():
    model, cfg = small_model('oriented-rcnn_swin-b_dota.py')
    with DefaultScope.overwrite_default_scope('mmrotate'):
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    assert isinstance(optimizer, torch.optim.AdamW)
    decay = {
        id(parameter): group['weight_decay']
        for group in optimizer.param_groups
        for parameter in group['params']
    }
    assert {group['lr'] for group in optimizer.param_groups} == {0.0001}
    for name, parameter in model.named_parameters():
        free = 'norm' in name or 'relative_position_bias_table' in name
        assert decay[id(parameter)] == (0 if free else 0.05), name
    drops = [m.drop_prob for m in model.backbone.modules() if hasattr(m, 'drop_prob')]
    assert max(drops) == pytest.approx(0.3)


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_thresholds_are_the_published_ones(name):
    model = load(name).model
    for proposals in (model.train_cfg.rpn_proposal, model.test_cfg.rpn):
        assert (proposals.nms.iou_threshold, proposals.max_per_img) == (0.8, 2000)
    final = model.test_cfg.rcnn
    assert (final.score_thr, final.nms.iou_threshold) == (0.05, 0.1)
    assert final.max_per_img == 2000
    assert final.nms.type == 'nms_rotated'
    coders = (model.rpn_head.bbox_coder, model.roi_head.bbox_head.bbox_coder)
    assert {coder.angle_version for coder in coders} == {'le90'}


def test_each_flip_comes_with_a_quarter(small_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_data('dota')
    cfg = load('oriented-rcnn_r50_dota.py')
    flips = []
    with DefaultScope.overwrite_default_scope('mmrotate'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        load_image, *steps = dataset.pipeline.transforms
        assert load_image
        (flip,) = [step for step in steps if type(step).__name__ == 'RandomFlip']
        for _ in range(800):
            flips.append(flip._choose_direction())
    counts = Counter(flips)
    assert set(counts) == {'horizontal', 'vertical', 'diagonal', None}
    # Four standard deviations of a binomial with 800 draws of 1/4.
    assert all(abs(count - 200) < 49 for count in counts.values()), counts


def test_a_config_submits_the_test_patches_merged(run_downstream, small_data):
    """--format-only of the config that otherwise scores `val`."""
    small_data('dota')
    name = 'oriented-rcnn_r50_dota.py'
    options = resized(load(name), 64) | small(name)
    cfg = evaluation_config(
        f'downstream/oriented_detection/{name}',
        'random',
        work_dir='run',
        cfg_options=options,
        format_only='out/entry',
    )
    assert evaluate(cfg) == {}
    with zipfile.ZipFile('out/entry/entry.zip') as archive:
        assert set(archive.namelist()) == {f'Task1_{c}.txt' for c in CLASSES}
        lines = [
            line.split()
            for member in archive.namelist()
            for line in archive.read(member).decode().splitlines()
        ]
    assert {line[0] for line in lines} == {'P0001', 'P0002'}
    assert all(len(line) == 10 for line in lines)
    # Four patches from 0 and 60 that are 96 wide: what is found lies in 156 x 96.
    corners = np.array([line[2:] for line in lines], dtype=float).reshape(-1, 4, 2)
    x, y = corners.mean(axis=1).T
    assert 96 < x.max() < 156.01
    assert y.max() < 96.01
    assert min(x.min(), y.min()) > -0.01


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_the_data_check_finds_nothing_wrong(name, small_data, tmp_path, monkeypatch):
    """tools/dataset_tools/check.py on the data of each config."""
    monkeypatch.chdir(tmp_path)
    small_data(name)
    splits = check_datasets(load(name), workers=1)
    assert splits
    assert [split.problems for split in splits] == [[]] * len(splits)
    assert all(split.samples for split in splits)


def test_the_pages_config_of_a_later_release_fits_its_model(tmp_path):
    """Its classes and those of the head; by the very words of the page."""
    page = (FOLDER / 'README.md').read_text()
    text = next(b for b in page.split('```python\n') if "version='1.5'" in b)
    text = text.partition('```')[0].replace("'configs/", f"'{FOLDER.parents[1]}/")
    (tmp_path / 'dota15.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'dota15.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.version == '1.5'
        assert loader.dataset.data_root == 'data/split_ss_dota15'
        assert loader.dataset.type == 'rsp.OrientedDOTADataset'
    assert cfg.model.roi_head.bbox_head.num_classes == len(classes_of('1.5'))
