"""CMID through the real runner, on images on disk."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS

from rsp.ops.schedules import cosine, linear

from .conftest import logged, small_run, train

MEAN, STD = [86.0, 92.0, 85.0], [35.0, 34.0, 36.0]


@pytest.fixture
def config(write_images):
    """Three epochs of two steps on six scenes of 40 x 36 pixels."""
    scenes = write_images('scenes', [f'{i}.png' for i in range(6)])

    def make(root: Path, **changes) -> Config:
        pipeline = [
            dict(type='LoadImageFromFile'),
            dict(
                type='rsp.MaskedTwoCrop',
                size=64,
                mask_patch_size=16,
                transforms=[[], [dict(type='rsp.GaussianNoise')]],
            ),
            dict(type='PackInputs', algorithm_keys=['masks', 'positions']),
        ]
        neck = dict(
            type='rsp.PrototypeNeck',
            in_channels=32,
            hidden_channels=8,
            out_channels=4,
            num_prototypes=9,
        )
        cfg = small_run(
            root,
            model=dict(
                type='rsp.CMID',
                backbone=dict(
                    type='rsp.MaskedResNet',
                    depth=18,
                    stem_channels=8,
                    base_channels=4,
                ),
                reconstruction=dict(
                    type='rsp.ReconstructionHead',
                    decoder=dict(
                        type='SimMIMLinearDecoder',
                        in_channels=32,
                        encoder_stride=32,
                    ),
                ),
                neck=dict(type='rsp.Projector', widths=[32, 16, 6]),
                head=dict(
                    type='ContrastiveHead',
                    loss=dict(type='CrossEntropyLoss'),
                    temperature=0.2,
                ),
                queue=dict(dim=6, length=16),
                local_neck=neck,
                local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=9),
                num_matches=3,
                data_preprocessor=dict(
                    type='SelfSupDataPreprocessor',
                    mean=MEAN,
                    std=STD,
                    to_rgb=True,
                ),
            ),
            train_dataloader=dict(
                batch_size=3,
                num_workers=0,
                drop_last=True,
                sampler=dict(type='rsp.PairedSampler'),
                collate_fn=dict(type='rsp.stacked_collate'),
                dataset=dict(
                    type='rsp.SeededDataset',
                    dataset=dict(
                        type='rsp.ImageFolder',
                        data_root=str(scenes),
                        with_label=False,
                        pipeline=pipeline,
                    ),
                ),
            ),
            optim_wrapper=dict(
                constructor='rsp.GroupedOptimWrapperConstructor',
                optimizer=dict(
                    type='Adan',
                    lr=0.003,
                    betas=(0.98, 0.92, 0.99),
                    weight_decay=0.02,
                ),
                paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
            ),
            param_scheduler=[
                dict(
                    type='rsp.WarmupLR',
                    start_factor=0.01,
                    end=1,
                    convert_to_iter_based=True,
                ),
                dict(
                    type='CosineAnnealingLR',
                    T_max=3,
                    end=3,
                    convert_to_iter_based=True,
                ),
            ],
            train_cfg=dict(by_epoch=True, max_epochs=3),
            custom_hooks=[
                dict(type='rsp.PreflightHook'),
                dict(type='rsp.TeacherHook'),
                dict(
                    type='rsp.ValueScheduleHook',
                    target='teacher.momentum',
                    shape='cosine',
                    start=0.5,
                    end=0.0,
                ),
                dict(
                    type='rsp.ValueScheduleHook',
                    target='local_head.teacher_temperature',
                    shape='linear',
                    start=0.04,
                    end=0.07,
                    points=50,
                    by_epoch=True,
                ),
                dict(type='rsp.ReconstructionHook', interval=4, num_images=2),
            ],
        )
        cfg.merge_from_dict(changes)
        return cfg

    return make


def test_resuming_in_the_middle_of_the_schedules_changes_nothing(config, tmp_path):
    """Queue, center, teacher, its momentum, the temperature, the rate."""
    whole = config(tmp_path, work_dir=f'{tmp_path}/whole')
    expected = train(whole)
    rest = config(
        tmp_path,
        work_dir=f'{tmp_path}/rest',
        load_from=f'{tmp_path}/whole/epoch_1.pth',
        resume=True,
    )
    resumed = train(rest)

    ours, theirs = resumed.model.state_dict(), expected.model.state_dict()
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert torch.equal(tensor, ours[name]), name
    later = [entry for entry in logged(whole) if entry['epoch'] > 1]
    assert len(later) == 4
    for a, b in zip(later, logged(rest), strict=True):
        for name in a.keys() - {'time', 'data_time'}:
            assert a[name] == b[name], name


def test_schedules_follow_epoch_and_iteration(config, tmp_path):
    """As logged; three epochs are fewer than the warm-up."""
    cfg = config(tmp_path)
    train(cfg)
    entries = logged(cfg)
    assert len(entries) == 6
    for i, entry in enumerate(entries):
        temperature = linear(i // 2, 50, 0.04, 0.07)
        assert entry['local_head.teacher_temperature'] == pytest.approx(temperature)
        momentum = cosine(i, 6, 0.5, 0.0)
        assert entry['teacher.momentum'] == pytest.approx(momentum)
        total = sum(v for n, v in entry.items() if n.startswith('loss_'))
        assert entry['loss'] == pytest.approx(total, rel=1e-5)


def test_the_teacher_follows_the_stepped_student(config, tmp_path):
    """Deviation from the official timing: after the optimizer, with its new weights."""
    cfg = config(tmp_path)
    cfg.custom_hooks = [
        hook for hook in cfg.custom_hooks if 'Reconstruction' not in hook['type']
    ]
    cfg.train_cfg.max_epochs = 1
    seen = []

    class Watch:
        def __init__(self, runner):
            teacher = runner.model.teacher
            update = teacher.update_parameters

            def watched(student):
                before = teacher.module['neck'].mlp[0].weight.clone()
                update(student)
                new = student['neck'].mlp[0].weight.detach()
                seen.append(
                    (
                        teacher.momentum,
                        before,
                        new.clone(),
                        teacher.module['neck'].mlp[0].weight.clone(),
                    )
                )

            teacher.update_parameters = watched

    cfg.experiment_name = 'watched'
    runner = RUNNERS.build(cfg)
    Watch(runner)
    runner.train()
    assert [entry[0] for entry in seen] == [0.5, 0.25]
    for momentum, before, new, after in seen:
        torch.testing.assert_close(after, before.lerp(new, momentum))
    final = runner.model.neck.mlp[0].weight
    assert torch.equal(seen[-1][2], final)
    assert not torch.equal(seen[0][2], final)


# mmengine's schedulers by iteration move before the first accumulated step is taken.
@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
def test_accumulated_passes_move_the_teacher_once(config, tmp_path):
    cfg = config(tmp_path)
    cfg.optim_wrapper.accumulative_counts = 2
    runner = train(cfg)
    # Six passes, two each step of the optimizer.
    assert runner.model.teacher.steps.item() == 3


def test_pictures_show_clean_masked_and_reconstructed_images(config, tmp_path):
    cfg = config(tmp_path)
    train(cfg)
    pictures = sorted(Path(cfg.work_dir).glob('*/vis_data/vis_image/*.png'))
    assert [p.name for p in pictures] == [
        'reconstruction_4.png',
        'reconstruction_6.png',
    ]
    picture = cv2.imread(str(pictures[-1]))
    assert picture.shape == (3 * 64 + 2 * 2, 2 * 64 + 2, 3)
    clean, masked, pred = (picture[66 * r : 66 * r + 64, :64] for r in range(3))
    assert (clean != masked).any()
    # Ten of sixteen patches of a mean color, the others as they are.
    patches = (clean == masked).all(2).reshape(4, 16, 4, 16).all((1, 3))
    assert patches.sum() == 6
    visible = np.kron(patches, np.ones((16, 16), bool))
    assert (pred[visible] == clean[visible]).all()
    assert (pred[~visible] != masked[~visible]).any()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'model.queue.length': 5}, r'6 keys per step do not fit a queue of 5'),
        ({'train_dataloader.batch_size': 1}, r'at least 2 images per process'),
        ({'custom_hooks.2.target': 'teacher.moment'}, r"a number at 'teacher\.moment'"),
        ({'custom_hooks.3.target': 'nobody.at'}, r"a number at 'nobody\.at'"),
        (
            {'train_dataloader.sampler': dict(type='DefaultSampler', _delete_=True)},
            r"type='rsp\.PairedSampler'",
        ),
    ],
)
def test_a_run_that_cannot_work_stops_before_its_first_step(
    config, tmp_path, change, message
):
    cfg = config(tmp_path, **change)
    with pytest.raises(ValueError, match=message):
        train(cfg)
    assert not list(Path(cfg.work_dir).glob('*.pth'))
