"""Every config trains and tests on its real layout; its settings are the paper's."""

import math
import re

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import LinearLR

from rsp.engine.train import build_runner, training_config
from rsp.io.configs import config_folder
from rsp.tasks.detection.dota import CLASSES as DOTA

FOLDER = config_folder() / 'downstream' / 'detection'
DETECTORS = ('faster-rcnn', 'retinanet', 'atss-dyhead')
PAPER = [f'{name}_r50_{data}' for name in DETECTORS for data in ('dior', 'dota')]
VIT = 'faster-rcnn_dinov3-vit-b_dior'
CONFIGS = [*PAPER, 'faster-rcnn_r50_dior-coco', VIT, 'atss_r18_vehicle_mini']
SMALL = 32  # channels of necks and heads; their group norms have 32 groups

# DyHead's gates, about a default they do not use: mmcv/cnn/bricks/hsigmoid.py.
pytestmark = [
    pytest.mark.filterwarnings('ignore:In MMCV v1.4.4, we modified'),
    # ATSSHead, about a name of its own: mmdet/models/dense_heads/anchor_head.py.
    pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors` is'),
]


def load(name):
    return Config.fromfile(FOLDER / f'{name}.py')


def shrink(cfg):
    """Dotted overrides that make backbone, neck and heads of a config small."""
    channels = [8, 16, 32, 64]
    options = {
        'model.backbone.depth': 18,
        'model.backbone.base_channels': channels[0],
        'model.backbone.stem_channels': channels[0],
    }
    wide = channels[-len(cfg.model.backbone.out_indices) :]
    if 'TIMM' in cfg.model.backbone.type:
        pytest.importorskip('timm', reason="needs the 'convert' extra")
        vit = dict(depth=4, embed_dim=48, num_heads=3, out_indices=(0, 1, 2, 3))
        options = {f'model.backbone.{key}': value for key, value in vit.items()}
        neck = [dict(part) for part in cfg.model.neck]
        neck[0].update(embed_dim=48)
        neck[1].update(in_channels=[48] * 4, out_channels=SMALL)
        options['model.neck'] = neck
    elif isinstance(cfg.model.neck, list):
        neck = [dict(part) for part in cfg.model.neck]
        neck[0].update(in_channels=wide, out_channels=SMALL)
        neck[1].update(in_channels=SMALL, out_channels=SMALL, num_blocks=2)
        options['model.neck'] = neck
    else:
        options['model.neck.in_channels'] = wide
        options['model.neck.out_channels'] = SMALL
    for head in ('rpn_head', 'bbox_head'):
        if head in cfg.model:
            options[f'model.{head}.in_channels'] = SMALL
            options[f'model.{head}.feat_channels'] = SMALL
    if 'roi_head' in cfg.model:
        head = 'model.roi_head'
        options[f'{head}.bbox_roi_extractor.out_channels'] = SMALL
        options[f'{head}.bbox_head.in_channels'] = SMALL
        options[f'{head}.bbox_head.fc_out_channels'] = SMALL
    return options


def sizes(cfg, side):
    """Overrides that make the images small."""
    options = {}
    for loader in ('train_dataloader', 'test_dataloader'):
        options[f'{loader}.batch_size'] = 2
        options[f'{loader}.num_workers'] = 0
        pipeline = [dict(step) for step in cfg[loader].dataset.pipeline]
        for step in pipeline:
            if 'scale' in step:
                step['scale'] = (side, side)
            if 'crop_size' in step:
                step['crop_size'] = (side, side)
        options[f'{loader}.dataset.pipeline'] = pipeline
    return options


@pytest.fixture
def data(dior, write_coco, tmp_path):
    """All folders the configs name."""
    classes = ('ship', 'vehicle', 'chimney')
    for split in ('trainval', 'test'):
        # Beside the images of the original layout, which are not in this json.
        file = f'data/DIOR/Annotations/{split}.json'
        write_coco(file, f'data/DIOR/JPEGImages-{split}', classes)
    for split in ('train', 'val'):
        write_coco(
            f'data/dota_800_640/{split}.json',
            f'data/dota_800_640/{split}/images',
            DOTA,
        )
    (tmp_path / 'data' / 'det_dior_free').symlink_to(dior)


def only_vehicles(root):
    for file in root.rglob('*.xml'):
        text = file.read_text()
        for name in ('Expressway-Service-area', 'ship'):
            text = text.replace(f'<name>{name}<', '<name>vehicle<')
        file.write_text(text)


@pytest.mark.parametrize('name', CONFIGS)
def test_a_small_version_trains_and_tests(name, run_downstream, data, dior):
    cfg = load(name)
    if name.endswith('mini'):
        only_vehicles(dior)
    metrics = run_downstream(f'detection/{name}.py', shrink(cfg) | sizes(cfg, 64))
    # Classes without an object are NaN, the mean over the others is a share.
    assert 0 <= metrics['coco/bbox_mAP_50'] <= 1
    named = {k for k, v in metrics.items() if '/AP50/' in k and not math.isnan(v)}
    assert named
    assert len([k for k in metrics if '/AP50/' in k]) == classes_of(cfg)


def test_the_readmes_config_for_boxes_of_ones_own_trains(
    write_voc, tmp_path, monkeypatch
):
    """As it stands there, two steps on two formats and two names."""
    (lines,) = re.findall(
        r'```python\n(.*?)```', (FOLDER / 'README.md').read_text(), re.DOTALL
    )
    root = config_folder().parent
    lines = lines.replace("'configs/", f"'{root}/configs/").replace('/path/to/', '')
    (tmp_path / 'own.py').write_text(lines)
    for number, (ending, name) in enumerate(
        [('png', 'Tree'), ('tif', 'Alive'), ('jpg', 'Dead')]
    ):
        objects = [((9 + number, 5, 40, 50), name)]
        write_voc(f'trees/JPEGImages/{number}.{ending}', objects, 'trees/Annotations')
    (tmp_path / 'trees' / 'train.txt').write_text('0\n1\n')
    (tmp_path / 'trees' / 'val.txt').write_text('2\n')
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile('own.py')
    options = shrink(cfg) | sizes(cfg, 64)
    options['val_dataloader.num_workers'] = 0
    options['train_cfg.max_epochs'] = 1
    runner = build_runner(training_config('own.py', cfg_options=options))
    runner.train()
    assert runner.iter == 1
    assert runner.message_hub.get_scalar('val/coco/AP50/Tree').current() >= 0


@pytest.mark.parametrize('name', ['faster-rcnn_r50_dior', 'retinanet_r50_dota'])
def test_a_wrong_number_of_classes_is_refused(name, run_downstream, data):
    cfg = load(name)
    head = 'roi_head.bbox_head' if 'roi_head' in cfg.model else 'bbox_head'
    wrong = {f'model.{head}.num_classes': 12}
    with pytest.raises(ValueError, match='expected 12 classes') as refusal:
        run_downstream(f'detection/{name}.py', shrink(cfg) | sizes(cfg, 64) | wrong)
    assert f'set model.{head}.num_classes={classes_of(cfg)}' in str(refusal.value)


def classes_of(cfg):
    head = cfg.model.get('roi_head', cfg.model).bbox_head
    return head.num_classes


@pytest.mark.slow
@pytest.mark.parametrize('name', CONFIGS)
def test_the_real_model_trains_and_tests(name, run_downstream, data, dior):
    cfg = load(name)
    if name.endswith('mini'):
        only_vehicles(dior)
    metrics = run_downstream(f'detection/{name}.py', sizes(cfg, 128), iterations=1)
    assert 0 <= metrics['coco/bbox_mAP_50'] <= 1


def test_a_pretrained_backbone_arrives_whole(run_downstream, data, tmp_path):
    """Through the runner, from a checkpoint as a method writes it."""
    import mmengine
    from mmpretrain.models import ResNet

    cfg = load('retinanet_r50_dior')
    backbone = ResNet(18, base_channels=8, stem_channels=8)
    weights = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    torch.save(dict(state_dict=weights, meta={}), tmp_path / 'pretrained.pth')
    run_downstream(
        'detection/retinanet_r50_dior.py',
        shrink(cfg) | sizes(cfg, 64) | {'model.backbone.frozen_stages': 4},
        pretrained=tmp_path / 'pretrained.pth',
    )
    report = mmengine.load(tmp_path / 'run' / 'load_report.json')
    assert '100' in str(report)
    # With everything frozen the backbone is the same after the training.
    trained = torch.load(tmp_path / 'run' / 'iter_2.pth', weights_only=False)
    for key, value in weights.items():
        assert torch.equal(trained['state_dict'][key], value), key


def rates_of(schedule, steps):
    """Return what a schedule makes of a rate of 1, iteration by iteration."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    options = {k: v for k, v in schedule.items() if k != 'type'}
    scheduler = LinearLR(optimizer, **options)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize('name', PAPER)
def test_settings_are_those_of_the_paper(name):
    cfg = load(name)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ('SGD', 0.001)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 0.0001)
    assert cfg.optim_wrapper.clip_grad == dict(max_norm=35, norm_type=2)
    warm_up, steps = cfg.param_scheduler
    assert warm_up.start_factor == pytest.approx(1 / 3)
    assert not warm_up.by_epoch
    rates = rates_of(warm_up, 502)
    # The published ramp: 1 - (1 - k / 500) (1 - 1 / 3) at iteration k.
    ramp = [1 - (1 - min(k, 500) / 500) * 2 / 3 for k in range(502)]
    assert rates == pytest.approx(ramp, abs=1e-6)
    assert (steps.milestones, steps.gamma) == ([16, 22], 0.1)
    assert cfg.train_cfg.max_epochs == 24
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 4
    assert classes_of(cfg) == (20 if name.endswith('dior') else 15)
    assert cfg.model.backbone.norm_eval
    assert cfg.model.backbone.frozen_stages == -1
    tested = cfg.model.test_cfg.get('rcnn', cfg.model.test_cfg)
    assert (tested.score_thr, tested.max_per_img) == (0.05, 600)
    assert tested.nms == dict(type='nms', iou_threshold=0.3)
    resizes = [
        step.scale
        for loader in (cfg.train_dataloader, cfg.test_dataloader)
        for step in loader.dataset.pipeline
        if step.type == 'Resize'
    ]
    assert resizes == [(800, 800), (800, 800)]


@pytest.mark.parametrize('name', PAPER)
def test_both_data_sets_share_a_detector_but_for_the_classes(name):
    other = name.replace('dior', 'dota')
    one, two = load(name).model.to_dict(), load(other).model.to_dict()
    for model in (one, two):
        model.get('roi_head', model)['bbox_head'].pop('num_classes')
    assert one == two
