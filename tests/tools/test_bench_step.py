import json
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from mmpretrain.structures import DataSample

from rsp.models.modules import PairedDataPreprocessor
from rsp.models.selfsup import CMID, GeoKR, GeRSP, MoCo

BENCHMARKS = Path(__file__).parents[2] / 'tools' / 'benchmarks'


def small_gersp():
    model = GeRSP(
        backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=4),
        neck=dict(type='rsp.Projector', widths=[32, 16, 6]),
        head=dict(
            type='ContrastiveHead',
            loss=dict(type='CrossEntropyLoss'),
            temperature=0.07,
        ),
        sup_head=dict(type='rsp.ClassificationHead', num_classes=5, in_channels=32),
        queue=dict(dim=6, length=10),
        teacher=dict(momentum=0.1),
        alpha=0.7,
        data_preprocessor=dict(
            type='rsp.PairedDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            to_rgb=True,
        ),
    )
    model.init_weights()
    return model.train()


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_the_bare_loop_does_the_arithmetic_of_the_method(layout):
    """Three updates: the same weights, teacher and queue."""
    model = small_gersp()
    sgd = partial(torch.optim.SGD, lr=0.05, momentum=0.9)
    bare_gersp = runpy.run_path(str(BENCHMARKS / 'bare_loops.py'))['BareGeRSP']
    bare = bare_gersp(model, sgd, layout, None)
    optimizer = sgd(p for p in model.parameters() if p.requires_grad)
    for seed in range(3):
        g = torch.Generator().manual_seed(seed)
        images = torch.randint(256, (3, 3, 3, 32, 32), generator=g, dtype=torch.uint8)
        batch = dict(
            remote=dict(inputs=[*images[:2]], data_samples=DataSample()),
            natural=dict(
                inputs=images[2],
                data_samples=DataSample().set_gt_label(torch.tensor([0, 4, 2])),
            ),
        )
        losses = model.loss(**model.data_preprocessor(batch, training=True))
        optimizer.zero_grad()
        (losses['loss_contrast'] + losses['loss_supervised']).backward()
        optimizer.step()
        bare.step(batch)

    for name in ('backbone', 'neck'):
        ours = torch.nn.utils.parameters_to_vector(model.student[name].parameters())
        theirs = torch.nn.utils.parameters_to_vector(
            p.contiguous() for p in bare.student[name].parameters()
        )
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(
        model.queue.feats, bare.queue.feats, rtol=1e-3, atol=1e-4
    )
    torch.testing.assert_close(
        model.teacher.module['backbone'].conv1.weight,
        bare.teacher['backbone'].conv1.weight,
        rtol=1e-4,
        atol=1e-5,
    )


def small_cmid():
    model = CMID(
        backbone=dict(
            type='rsp.MaskedResNet', depth=18, stem_channels=8, base_channels=4
        ),
        reconstruction=dict(
            type='rsp.ReconstructionHead',
            decoder=dict(type='SimMIMLinearDecoder', in_channels=32, encoder_stride=32),
        ),
        neck=dict(type='rsp.Projector', widths=[32, 16, 6]),
        head=dict(
            type='ContrastiveHead',
            loss=dict(type='CrossEntropyLoss'),
            temperature=0.2,
        ),
        queue=dict(dim=6, length=18),
        local_neck=dict(
            type='rsp.PrototypeNeck',
            in_channels=32,
            hidden_channels=8,
            out_channels=4,
            num_prototypes=9,
        ),
        local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=9),
        num_matches=3,
        data_preprocessor=dict(
            type='SelfSupDataPreprocessor',
            mean=[86.0, 92.0, 85.0],
            std=[35.0, 34.0, 36.0],
            to_rgb=True,
        ),
    )
    model.init_weights()
    return model.train()


def test_the_bare_loop_does_the_arithmetic_of_cmid():
    """Three updates: the same weights, teacher, queue and center."""
    model = small_cmid()
    # Small steps: large ones blow rounding up to the tolerance within three updates.
    sgd = partial(torch.optim.SGD, lr=0.01, momentum=0.9)
    bare_cmid = runpy.run_path(str(BENCHMARKS / 'bare_loops.py'))['BareCMID']
    bare = bare_cmid(model, sgd, torch.contiguous_format, None)
    optimizer = sgd([p for p in model.parameters() if p.requires_grad])
    for seed in range(3):
        g = torch.Generator().manual_seed(seed)
        images = torch.randint(256, (2, 3, 3, 64, 64), generator=g, dtype=torch.uint8)
        samples = DataSample()
        masks = torch.rand(3, 2, 4, 4, generator=g) < 0.6
        samples.set_field(masks.to(torch.uint8), 'masks')
        samples.set_field(64 * torch.rand(3, 2, 2, 2, 2, generator=g), 'positions')
        batch = dict(inputs=[*images], data_samples=samples)
        losses = model.loss(**model.data_preprocessor(batch, training=True))
        optimizer.zero_grad()
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        optimizer.step()
        model.teacher.update_parameters(model.student)
        bare.step(batch)

    torch.testing.assert_close(
        model.queue.feats, bare.queue.feats, rtol=1e-3, atol=1e-4
    )
    torch.testing.assert_close(
        model.local_head.center, bare.center, rtol=1e-3, atol=1e-5
    )
    for name, parts in (('backbone', 'backbone'), ('local_neck', 'local')):
        for own, other in (
            (model.student, bare.student),
            (model.teacher.module, bare.teacher),
        ):
            ours = dict(own[name].named_parameters())
            theirs = dict(other[parts].named_parameters())
            for key, value in ours.items():
                torch.testing.assert_close(value, theirs[key], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_the_bare_loop_does_the_arithmetic_of_geokr(layout):
    """Three updates between two milestones: the same weights, a teacher at rest."""
    model = GeoKR(
        backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=4),
        classifier=dict(type='rsp.Projector', widths=[32, 5]),
        head=dict(type='rsp.LandCoverHead', num_classes=5),
        data_preprocessor=dict(
            type='SelfSupDataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3, to_rgb=True
        ),
    )
    model.init_weights()
    model.train()
    # Adam would turn rounding of a vanishing gradient into a whole step.
    sgd = partial(torch.optim.SGD, lr=0.05, momentum=0.9)
    bare_geokr = runpy.run_path(str(BENCHMARKS / 'bare_loops.py'))['BareGeoKR']
    bare = bare_geokr(model, sgd, layout, None)
    optimizer = sgd([p for p in model.parameters() if p.requires_grad])
    for seed in range(3):
        g = torch.Generator().manual_seed(seed)
        images = torch.randint(256, (4, 3, 64, 64), generator=g, dtype=torch.uint8)
        samples = DataSample()
        samples.set_field(torch.rand(4, 5, generator=g).softmax(1), 'gt_score')
        batch = dict(inputs=images, data_samples=samples)
        losses = model.loss(**model.data_preprocessor(batch, training=True))
        optimizer.zero_grad()
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        optimizer.step()
        bare.step(batch)

    for own, other in (
        (model.student, bare.student),
        (model.teacher.module, bare.teacher),
    ):
        for name in ('backbone', 'classifier'):
            ours = dict(own[name].named_parameters())
            for key, value in other[name].named_parameters():
                key = f'mlp.{key}' if name == 'classifier' else key
                torch.testing.assert_close(ours[key], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_the_bare_loop_does_the_arithmetic_of_moco(layout):
    """Three updates: the same weights, teacher and queue."""
    model = MoCo(
        backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=4),
        neck=dict(
            type='MoCoV2Neck',
            in_channels=32,
            hid_channels=16,
            out_channels=6,
            with_avg_pool=True,
        ),
        head=dict(
            type='ContrastiveHead',
            loss=dict(type='CrossEntropyLoss'),
            temperature=0.2,
        ),
        queue_len=12,
        feat_dim=6,
        momentum=0.1,
        data_preprocessor=dict(
            type='rsp.BandDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            to_rgb=True,
        ),
    )
    model.init_weights()
    model.train()
    sgd = partial(torch.optim.SGD, lr=0.02, momentum=0.9)
    bare_moco = runpy.run_path(str(BENCHMARKS / 'bare_loops.py'))['BareMoCo']
    bare = bare_moco(model, sgd, layout, None)
    optimizer = sgd([p for p in model.parameters() if p.requires_grad])
    for seed in range(3):
        g = torch.Generator().manual_seed(seed)
        images = torch.randint(256, (2, 4, 3, 64, 64), generator=g, dtype=torch.uint8)
        batch = dict(inputs=[*images], data_samples=DataSample())
        losses = model.loss(**model.data_preprocessor(batch, training=True))
        optimizer.zero_grad()
        losses['loss'].backward()
        optimizer.step()
        bare.step(batch)

    pairs = [
        (model.backbone, bare.student['backbone']),
        (model.neck, bare.student['neck']),
        (model.encoder_k.module[0], bare.teacher['backbone']),
        (model.encoder_k.module[1], bare.teacher['neck']),
    ]
    for own, other in pairs:
        ours = own.state_dict()
        for key, value in other.state_dict().items():
            torch.testing.assert_close(ours[key], value, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(model.queue, bare.queue.feats, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_the_script_prints_a_ratio(tmp_path):
    out = subprocess.run(
        [
            sys.executable,
            str(BENCHMARKS / 'bench_step.py'),
            *('configs/gersp/r50.py', '--batch', '2', '--pairs', '1', '--warmup', '1'),
            *('--cfg-options', 'model.backbone.depth=18', 'model.queue.length=64'),
            *('model.neck.widths=[512,512,128]', 'model.sup_head.in_channels=512'),
        ],
        cwd=BENCHMARKS.parents[1],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    report = json.loads(out[out.index('{') :])
    assert report['batch'] == 2
    for kind in ('', 'cpu_'):
        assert report[f'{kind}ratio'] == pytest.approx(
            report[f'{kind}ours_s'] / report[f'{kind}bare_s'], rel=1e-2
        )
    ours, bare = report['peak_memory_mb']
    assert report['peak_memory_ratio'] == pytest.approx(ours / bare, rel=2e-2)
    assert min(ours, bare) > 100
    assert 'NonFiniteHook.watch' in report['parts_ms']


def test_images_in_memory_go_through_the_rest_of_a_pipeline():
    after_loading = runpy.run_path(str(BENCHMARKS / 'bench_step.py'))['after_loading']
    views = dict(transforms=[[dict(type='RandomFlip', prob=0.5)]], num_views=2)
    assert after_loading(dict(type='rsp.LoadImageFromFile', min_size=8)) is None
    assert after_loading(dict(type='rsp.LoadForDevice', **views)) is None
    several = after_loading(dict(type='rsp.LoadViews', imdecode_backend='cv2', **views))
    assert several == dict(type='rsp.MultiView', **views)
    one = dict(transforms=views['transforms'][0])
    assert after_loading(dict(type='rsp.LoadView', **one)) == dict(
        type='rsp.SingleView', **one
    )
    pack = dict(type='PackInputs')
    assert after_loading(pack) == pack


def test_the_bare_loop_makes_the_views_of_the_device():
    view = [dict(type='RandomResizedCrop', scale=16), dict(type='RandomFlip', prob=0.5)]
    model = small_gersp()
    sources = dict(
        remote=dict(transforms=[view], num_views=2),
        natural=dict(transforms=[view], num_views=1),
    )
    model.data_preprocessor = PairedDataPreprocessor(
        mean=[1.0] * 3, std=[2.0] * 3, sources=sources
    )
    batch = {}
    for number, name in enumerate(sources):
        samples = DataSample().set_gt_label(torch.tensor([0, 4]))
        frames = [[n + 5 * number, 20, 30, 1, 0, 0, 20, 30] for n in range(2)]
        samples.set_field(torch.tensor(frames), 'frame')
        images = torch.randint(256, (2, 3, 20, 30), dtype=torch.uint8)
        batch[name] = dict(inputs=images, data_samples=samples)
    bare_gersp = runpy.run_path(str(BENCHMARKS / 'bare_loops.py'))['BareGeRSP']
    sgd = partial(torch.optim.SGD, lr=0.05)
    bare = bare_gersp(model, sgd, torch.contiguous_format, None)
    made, expected = bare.with_views(batch), model.data_preprocessor(batch, True)
    for one, other in zip(
        made['remote']['inputs'], expected['inputs']['remote'], strict=True
    ):
        assert torch.equal(bare.normalize(one), other)
    assert torch.equal(
        bare.normalize(made['natural']['inputs']), expected['inputs']['natural']
    )
    bare.step(batch)
