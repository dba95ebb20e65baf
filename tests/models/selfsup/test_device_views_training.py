"""Each method takes steps on views that are made on the device."""

import copy
import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from rsp import checkpoints
from rsp.engine.pixel_guard.observation import Observation
from rsp.engine.replay import replay
from rsp.engine.train import build_runner
from rsp.registry import DATASETS, FUNCTIONS

RESNET = dict(type='ResNet', depth=18, stem_channels=8, base_channels=4)
CROP = dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.2, 1.0))
JITTER = dict(
    type='rsp.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1
)
FLIP = dict(type='RandomFlip', prob=0.5)
VIEW = [CROP, JITTER, FLIP]
STRONG = [
    *VIEW,
    dict(type='rsp.RandomBlur', kernel=(3, 7), sigma=(0.1, 2.0)),
    dict(type='rsp.GaussianNoise', variance=(10.0, 50.0)),
    dict(type='Solarize', thr=128, prob=0.5),
]
STATISTICS = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='rsp.PackForDevice')]
CONTRAST = dict(
    type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2
)
NECK = dict(type='rsp.Projector', widths=[32, 16, 6])
MODELS_OF = dict(
    MoCo=dict(
        type='MoCo',
        queue_len=12,
        feat_dim=6,
        backbone=RESNET,
        neck=dict(
            type='MoCoV2Neck',
            in_channels=32,
            hid_channels=16,
            out_channels=6,
            with_avg_pool=True,
        ),
        head=CONTRAST,
        data_preprocessor=dict(
            type='rsp.DeviceViews', transforms=[VIEW], num_views=2, **STATISTICS
        ),
    ),
    GeRSP=dict(
        type='rsp.GeRSP',
        backbone=RESNET,
        neck=NECK,
        head=CONTRAST,
        sup_head=dict(type='rsp.ClassificationHead', num_classes=2, in_channels=32),
        queue=dict(dim=6, length=12),
        data_preprocessor=dict(
            type='rsp.PairedDataPreprocessor',
            **STATISTICS,
            sources=dict(
                remote=dict(transforms=[VIEW], num_views=2),
                natural=dict(transforms=[VIEW], num_views=1),
            ),
        ),
    ),
    CMID=dict(
        type='rsp.CMID',
        backbone=RESNET | dict(type='rsp.MaskedResNet'),
        reconstruction=dict(
            type='rsp.ReconstructionHead',
            decoder=dict(type='SimMIMLinearDecoder', in_channels=32, encoder_stride=32),
        ),
        neck=NECK,
        head=CONTRAST,
        queue=dict(dim=6, length=12),
        local_neck=dict(
            type='rsp.PrototypeNeck',
            in_channels=32,
            hidden_channels=8,
            out_channels=4,
            num_prototypes=9,
        ),
        local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=9),
        num_matches=1,
        data_preprocessor=dict(
            type='rsp.DeviceViews',
            transforms=[[CROP, FLIP], STRONG],
            num_views=[1, 1],
            masked=dict(mask_patch_size=8, mask_ratio=0.6, stride=32),
            **STATISTICS,
        ),
    ),
    GeoKR=dict(
        type='rsp.GeoKR',
        backbone=RESNET,
        classifier=dict(type='rsp.Projector', widths=[32, 3]),
        head=dict(type='rsp.LandCoverHead', num_classes=3),
        data_preprocessor=dict(
            type='rsp.DeviceViews', transforms=[VIEW], num_views=1, **STATISTICS
        ),
    ),
)


@pytest.fixture
def folder(tmp_path):
    """Eight images of two classes, of other sizes."""
    rng = np.random.default_rng(0)
    for number in range(8):
        place = tmp_path / 'images' / 'ab'[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (40 + number, 60 - number, 3), np.uint8)
        Image.fromarray(pixels).save(place / f'{number}.png')
    return tmp_path / 'images'


def batch_of(name, folder, count=4):
    """Load a batch as the method's loader does."""
    source = dict(type='rsp.ImageFolder', data_root=str(folder), pipeline=PIPELINE)
    dataset = DATASETS.build(source)
    items = [dataset[number] for number in range(count)]
    for item in items:
        item['data_samples'].set_field(torch.tensor([0.2, 0.5, 0.3]), 'gt_score')
    if name == 'GeRSP':
        collate = FUNCTIONS.get('paired_collate')
        return collate([dict(remote=[item], natural=[item]) for item in items])
    return FUNCTIONS.get('stacked_collate')(items)


@pytest.mark.parametrize('name', MODELS_OF)
def test_a_method_takes_a_step_on_views_of_the_device(name, folder):
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy(MODELS_OF[name])).train()
    model.init_weights()
    losses = model.loss(**model.data_preprocessor(batch_of(name, folder), True))
    total = sum(value for key, value in losses.items() if 'loss' in key)
    total.backward()
    assert torch.isfinite(total)
    gradients = [p.grad for p in model.backbone.parameters() if p.grad is not None]
    assert sum(gradient.abs().sum() for gradient in gradients) > 0


class NoWaiting(TorchDispatchMode):
    """Refuse what lets the host wait for a device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket._qualified_op_name
        assert name not in ('aten::_local_scalar_dense', 'aten::nonzero'), name
        if name in ('aten::index', 'aten::index_put', 'aten::index_put_'):
            for index in args[1]:
                assert index is None or index.dtype not in (torch.bool, torch.uint8)
        return func(*args, **kwargs or {})


@pytest.mark.parametrize('name', MODELS_OF)
def test_making_views_never_waits_for_the_device(name, folder):
    module = MODELS.build(copy.deepcopy(MODELS_OF[name]['data_preprocessor']))
    batch = batch_of(name, folder)
    with NoWaiting():
        made = module(batch, True)
    views = made['inputs']['remote'] if name == 'GeRSP' else made['inputs']
    with NoWaiting(), pytest.raises(AssertionError, match='local_scalar'):
        views[0].max().item()


def config(folder, work_dir, workers=0, epochs=2, **more):
    source = dict(type='rsp.ImageFolder', data_root=str(folder), pipeline=PIPELINE)
    return Config(
        dict(
            model=copy.deepcopy(MODELS_OF['GeRSP']),
            work_dir=str(work_dir),
            train_dataloader=dict(
                batch_size=4,
                num_workers=workers,
                sampler=dict(type='rsp.PairedSampler', shuffle=True),
                batch_sampler=dict(type='rsp.PairedBatchSampler'),
                collate_fn=dict(type='rsp.paired_collate'),
                dataset=dict(
                    type='rsp.PairedDataset',
                    sources=dict(remote=source, natural=source),
                ),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=epochs),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            custom_hooks=[dict(type='rsp.NonFiniteHook')],
            default_scope='mmpretrain',
            randomness=dict(seed=0),
            runner_type='rsp.PortableRunner',
            experiment_name=work_dir.name,
        )
        | more
    )


def train(*args, **kwargs):
    runner = build_runner(config(*args, **kwargs))
    runner.train()
    return runner.model.state_dict()


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_workers_and_resuming_change_no_bit(folder, tmp_path):
    whole = train(folder, tmp_path / 'whole')
    assert_same(whole, train(folder, tmp_path / 'workers', workers=2))
    train(folder, tmp_path / 'part', epochs=1)
    assert_same(whole, train(folder, tmp_path / 'part', resume=True))
    first = train(folder, tmp_path / 'first', epochs=1)
    assert any(not torch.equal(first[name], whole[name]) for name in whole)


def test_a_step_is_replayed_bit_for_bit(folder, tmp_path, monkeypatch, capsys):
    asked = []

    def second_is_bad(optimizer):
        asked.append(1)
        return len(asked) != 2

    monkeypatch.setattr('rsp.engine.hooks.non_finite.is_finite', second_is_bad)
    train(folder, tmp_path / 'run', epochs=1)
    file = tmp_path / 'run/non_finite/step_2_rank_0.pth'
    content = checkpoints.read(file)
    assert math.isfinite(content['losses'][0]['loss'])
    assert replay(str(file)) == 0
    assert 'the same, bit for bit' in capsys.readouterr().out
    # The comparison can fail: another seed in, other views.
    samples = content['batches'][0]['remote']['data_samples']
    frames = samples['data']['frame']
    frames[0, 0] += 1
    torch.save(content, file)
    assert replay(str(file)) == 1


def test_the_guard_of_pixels_measures_no_padding():
    bright = torch.zeros(2, 3, 40, 60, dtype=torch.uint8)
    bright[0, :, :30, :60], bright[1, :, :40, :20] = 200, 200
    samples = DataSample()
    frame = [[0, 30, 60, 1, 0, 0, 30, 60], [0, 40, 20, 1, 0, 0, 40, 20]]
    samples.set_field(torch.tensor(frame), 'frame')
    seen = Observation()
    seen.add(dict(inputs=bright, data_samples=samples))
    assert seen.mean.tolist() == [200.0] * 3
