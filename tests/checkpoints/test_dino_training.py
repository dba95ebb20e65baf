"""A detector and a segmentor start from official files of DINOv2 and DINOv3."""

import json
from pathlib import Path

import official
import pytest
import torch
from mmengine.registry import DATASETS
from torch.utils.data import Dataset

from rsp.checkpoints.checkpoint import take_backbone
from rsp.engine.train import build_runner, training_config

pytest.importorskip('timm', reason="needs the 'convert' extra")

COMMON = """
custom_imports = dict(imports=['rsp'], allow_failed_imports=False)
runner_type = 'rsp.PortableRunner'
log_level = 'ERROR'
backbone = {backbone}
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1))
train_dataloader = dict(batch_size=2, num_workers=0,
    dataset=dict(type='DrawnPhotos', task={task!r}),
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'))
"""
SEGMENTOR = """
default_scope = 'mmseg'
model = dict(type='EncoderDecoder', backbone=backbone,
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375], size=(50, 70), seg_pad_val=255),
    decode_head=dict(type='UPerHead', in_channels=[128, 128], in_index=[0, 1],
        channels=8, num_classes=3, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
"""
DETECTOR = """
default_scope = 'mmdet'
model = dict(type='RetinaNet', backbone=backbone,
    data_preprocessor=dict(type='DetDataPreprocessor', mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375], pad_size_divisor=32),
    neck=dict(type='FPN', in_channels=[128, 128], out_channels=8, num_outs=2),
    bbox_head=dict(type='RetinaHead', num_classes=3, in_channels=8, stacked_convs=1,
        feat_channels=8,
        anchor_generator=dict(type='AnchorGenerator', octave_base_scale=2,
            scales_per_octave=1, ratios=[1.0], strides=[{patch}, {patch}])),
    train_cfg=dict(assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5,
        neg_iou_thr=0.4, min_pos_iou=0), allowed_border=-1, pos_weight=-1),
    test_cfg=dict())
"""


@DATASETS.register_module(force=True)
class DrawnPhotos(Dataset):
    """Two photos of 50 x 70 pixels with one object each."""

    def __init__(self, task):
        self.task = task

    def __len__(self):
        return 2

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        photo = torch.randint(0, 256, (3, 50, 70), generator=generator).byte()
        photo[:, 10:40, 20:50] = 255
        return dict(inputs=photo, data_samples=getattr(self, self.task)())

    def segmentation(self):
        from mmengine.structures import PixelData
        from mmseg.structures import SegDataSample

        labels = torch.zeros(1, 50, 70, dtype=torch.long)
        labels[:, 10:40, 20:50] = 2
        return SegDataSample(
            gt_sem_seg=PixelData(data=labels),
            metainfo=dict(img_shape=(50, 70), ori_shape=(50, 70)),
        )

    def detection(self):
        from mmdet.structures import DetDataSample
        from mmdet.structures.bbox import HorizontalBoxes
        from mmengine.structures import InstanceData

        boxes = HorizontalBoxes(torch.tensor([[20.0, 10.0, 50.0, 40.0]]))
        return DetDataSample(
            gt_instances=InstanceData(bboxes=boxes, labels=torch.tensor([2])),
            metainfo=dict(
                img_shape=(50, 70), ori_shape=(50, 70), scale_factor=(1.0, 1.0)
            ),
        )


@pytest.mark.parametrize('task', ['segmentation', 'detection'])
@pytest.mark.parametrize('version', ['dinov2', 'dinov3'])
def test_a_step_is_trained_from_an_official_file(tmp_path, version, task):
    pytest.importorskip(dict(segmentation='mmseg', detection='mmdet')[task])
    state = official.dinov2(4) if version == 'dinov2' else official.dinov3()
    torch.save(state, tmp_path / 'official.pth')
    backbone = take_backbone(state).config() | dict(out_indices=(0, 1))
    text = COMMON.format(backbone=backbone, task=task)
    text += SEGMENTOR if task == 'segmentation' else DETECTOR.format(
        patch=backbone['patch_size']
    )  # fmt: skip
    config = tmp_path / 'tiny.py'
    config.write_text(text)
    cfg = training_config(
        str(config), str(tmp_path / 'run'), pretrained=str(tmp_path / 'official.pth')
    )
    runner = build_runner(cfg)
    runner.train()
    report = json.loads(Path(tmp_path, 'run', 'load_report.json').read_text())
    assert report['percent'] == 100
    assert report['missing'] == report['unexpected'] == report['reshaped'] == []
    started = take_backbone(state).tensors
    trained = runner.model.backbone.state_dict()
    assert trained.keys() == started.keys()
    for name, tensor in trained.items():
        assert torch.isfinite(tensor).all(), name
        # The step moved it, but not far from where the file lets it start.
        assert 0 < (tensor - started[name]).abs().max() < 1, name
    # What was trained goes on as any other checkpoint.
    again = torch.load(tmp_path / 'run' / 'iter_1.pth', weights_only=False)
    found = take_backbone(again['state_dict'])
    assert found.family.name.lower() == version
    assert all(torch.equal(found.tensors[name], trained[name]) for name in trained)
