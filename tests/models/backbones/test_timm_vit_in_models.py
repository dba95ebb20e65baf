"""timm's ViTs train inside a classifier, a segmentor and a detector, at any size."""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import InstanceData, PixelData

from rsp.io.configs import config_folder

pytest.importorskip('timm', reason="needs the 'convert' extra")

TINY = dict(depth=4, embed_dim=48, num_heads=3, out_indices=(0, 1, 2, 3))
# (H, W) of the images of three steps; patches divide few of them.
SIZES = [(64, 96), (80, 50), (45, 71)]
OPTIMIZER = dict(optimizer=dict(type='AdamW', lr=1e-3))


def train(model, scope, batch):
    """Train three steps on images of three sizes, and return what has moved."""
    with DefaultScope.overwrite_default_scope(scope):
        model = MODELS.build(model)
        wrapper = build_optim_wrapper(model, OPTIMIZER)
        model.init_weights()
        model.train()
        before = {k: v.clone() for k, v in model.state_dict().items()}
        for size in SIZES:
            logged = model.train_step(batch(size), wrapper)
            assert all(v.isfinite().all() for v in logged.values())
    after = model.state_dict()
    moved = {k for k, v in before.items() if not torch.equal(v, after[k])}
    return model, moved


def images(size, count=2):
    return [torch.randint(256, (3, *size), dtype=torch.uint8) for _ in range(count)]


@pytest.mark.parametrize('out_type', ['featmap', 'cls_token'])
def test_a_classifier(out_type):
    from mmpretrain.structures import DataSample

    def batch(size):
        samples = [DataSample().set_gt_label(i) for i in range(2)]
        return dict(inputs=torch.stack(images(size)), data_samples=samples)

    model = dict(
        type='ImageClassifier',
        data_preprocessor=dict(num_classes=5, mean=[128] * 3, std=[64] * 3),
        backbone=dict(
            type='rsp.TIMMVisionTransformer',
            model_name='vit_small_patch14_reg4_dinov2',
            out_type=out_type,
            frozen_stages=1,
            **TINY | dict(out_indices=(-1,)),
        ),
        neck=dict(type='GlobalAveragePooling') if out_type == 'featmap' else None,
        head=dict(
            type='LinearClsHead',
            num_classes=5,
            in_channels=48,
            loss=dict(type='CrossEntropyLoss'),
        ),
    )
    model, moved = train(model, 'mmpretrain', batch)
    assert {'backbone.blocks.1.attn.qkv.weight', 'backbone.norm.weight'} <= moved
    assert not {k for k in moved if 'blocks.0.' in k or 'token' in k or 'embed' in k}
    assert model.get_layer_depth('backbone.blocks.1.norm1.weight') == (2, 6)


# The configs average over ignored pixels too; mmseg has another opinion.
@pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore`` is False')
def test_a_segmentor():
    pytest.importorskip('mmseg')
    from mmseg.structures import SegDataSample

    def batch(size):
        samples = [SegDataSample() for _ in range(2)]
        for sample in samples:
            labels = torch.randint(7, (1, *size))
            sample.set_data(dict(gt_sem_seg=PixelData(data=labels)))
            sample.set_metainfo(dict(img_shape=size, ori_shape=size))
        return dict(inputs=images(size), data_samples=samples)

    model = small('segmentation/upernet_dinov2-vit-b_loveda.py')
    del model.data_preprocessor['size']
    model.data_preprocessor.size_divisor = 14
    for head in (model.decode_head, model.auxiliary_head):
        many = head.type == 'UPerHead'
        head.update(in_channels=[48] * 4 if many else 48, channels=16)
    _, moved = train(model, 'mmseg', batch)
    assert {'backbone.pos_embed', 'neck.upsample_2x.0.weight'} <= moved


def test_a_detector():
    pytest.importorskip('mmdet')
    from mmdet.structures import DetDataSample

    def batch(size):
        samples = [DetDataSample() for _ in range(2)]
        for sample in samples:
            boxes = torch.tensor([[4.0, 6.0, 30.0, 40.0], [20.0, 10.0, 44.0, 33.0]])
            truth = InstanceData(bboxes=boxes, labels=torch.tensor([3, 19]))
            sample.gt_instances = truth
            sample.set_metainfo(dict(img_shape=size, scale_factor=(1.0, 1.0)))
        return dict(inputs=images(size), data_samples=samples)

    model = small('detection/faster-rcnn_dinov3-vit-b_dior.py')
    model.neck[1]['in_channels'] = [48] * 4
    _, moved = train(model, 'mmdet', batch)
    assert {'backbone.reg_token', 'neck.0.upsample_4x.3.weight'} <= moved


def small(name):
    """Return the model of a downstream config, its backbone tiny."""
    model = Config.fromfile(config_folder() / 'downstream' / name).model
    model.backbone.update(TINY)
    neck = model.neck[0] if isinstance(model.neck, list) else model.neck
    neck['embed_dim'] = 48
    return model
