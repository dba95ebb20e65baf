"""GeRSP through the real runner, on images on disk."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from .conftest import logged, small_run, train

LOAD = [dict(type='LoadImageFromFile')]
PACK = [dict(type='PackInputs')]
VIEW = [
    dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.2, 1.0)),
    dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4),
    dict(type='RandomFlip', prob=0.5),
]


@pytest.fixture
def config(write_images):
    """Two epochs of three steps: six scenes and five photos of two classes."""
    write_images('scenes', [f'{i}.png' for i in range(6)])
    write_images(
        'photos', ['cat/0.png', 'cat/1.png', 'dog/0.png', 'dog/1.png', 'dog/2.png']
    )

    def make(folder: Path, **changes) -> Config:
        root = str(folder)
        scenes = [*LOAD, dict(type='MultiView', num_views=2, transforms=[VIEW]), *PACK]
        cfg = small_run(
            root,
            model=dict(
                type='rsp.GeRSP',
                backbone=dict(
                    type='ResNet', depth=18, stem_channels=8, base_channels=4
                ),
                neck=dict(type='rsp.Projector', widths=[32, 16, 6]),
                head=dict(
                    type='ContrastiveHead',
                    loss=dict(type='CrossEntropyLoss'),
                    temperature=0.07,
                ),
                sup_head=dict(
                    type='rsp.ClassificationHead', num_classes=2, in_channels=32
                ),
                queue=dict(dim=6, length=8),
                teacher=dict(momentum=0.1),
                data_preprocessor=dict(
                    type='rsp.PairedDataPreprocessor',
                    mean=[123.675, 116.28, 103.53],
                    std=[58.395, 57.12, 57.375],
                    to_rgb=True,
                ),
            ),
            train_dataloader=dict(
                batch_size=2,
                num_workers=0,
                drop_last=True,
                sampler=dict(type='rsp.PairedSampler'),
                collate_fn=dict(type='rsp.paired_collate'),
                dataset=dict(
                    type='rsp.PairedDataset',
                    sources=dict(
                        remote=dict(
                            type='rsp.ImageFolder',
                            data_root=f'{root}/scenes',
                            with_label=False,
                            pipeline=scenes,
                        ),
                        natural=dict(
                            type='rsp.ImageFolder',
                            data_root=f'{root}/photos',
                            pipeline=[*LOAD, *VIEW, *PACK],
                        ),
                    ),
                ),
            ),
            optim_wrapper=dict(
                optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4)
            ),
            param_scheduler=dict(
                type='CosineRestartLR',
                periods=[2, 2],
                restart_weights=[1, 1],
                eta_min_ratio=1 / 7,
            ),
            train_cfg=dict(by_epoch=True, max_epochs=2),
            custom_hooks=[
                dict(type='rsp.MeanOverRanksHook'),
                dict(type='rsp.PreflightHook'),
            ],
            memory_format='channels_last',
        )
        cfg.merge_from_dict(changes)
        return cfg

    return make


def test_resuming_at_an_epoch_border_changes_nothing(config, tmp_path):
    """With random augmentations: they belong to the draw."""
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
    momenta = [
        [
            state['momentum_buffer']
            for state in runner.optim_wrapper.optimizer.state.values()
        ]
        for runner in (resumed, expected)
    ]
    assert momenta[0]
    assert all(torch.equal(a, b) for a, b in zip(*momenta, strict=True))

    second_epoch = [entry for entry in logged(whole) if entry['epoch'] == 2]
    assert len(second_epoch) == 3
    for a, b in zip(second_epoch, logged(rest), strict=True):
        for name in ('step', 'lr', 'loss', 'loss_contrast', 'loss_supervised'):
            assert a[name] == b[name], name


def test_losses_and_plain_values_are_logged(config, tmp_path):
    cfg = config(tmp_path, **{'train_cfg.max_epochs': 1})
    train(cfg)
    entry = logged(cfg)[-1]
    assert entry['loss'] == pytest.approx(
        entry['loss_contrast'] + entry['loss_supervised']
    )
    for name in ('contrast_top1', 'supervised_top1', 'supervised_top5'):
        assert 0 <= entry[name] <= 100
    for name in ('positive_similarity', 'negative_similarity'):
        assert -1 <= entry[name] <= 1


def test_weights_are_channels_last(config, tmp_path):
    runner = train(config(tmp_path, **{'train_cfg.max_epochs': 1}))
    for backbone in (runner.model.backbone, runner.model.teacher.module['backbone']):
        weight = backbone.layer1[0].conv1.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)
        assert not weight.is_contiguous()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'model.queue.length': 1}, r'2 keys per step do not fit a queue of 1;'),
        ({'model.sup_head.num_classes': 1}, r'labels within 0\.\.0, got 1 for .*dog'),
        ({'train_dataloader.batch_size': 1}, r'at least 2 images per process'),
        (
            {'train_dataloader.dataset.sources.remote.data_root': 'nowhere'},
            r"sources\.remote: expected a folder of images at '.*nowhere'",
        ),
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
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        train(cfg)
    assert not list(Path(cfg.work_dir).glob('*.pth'))


def test_a_broken_image_stops_the_run_with_its_name(config, tmp_path):
    cfg = config(tmp_path)
    (tmp_path / 'scenes' / '3.png').write_bytes(b'broken')
    with pytest.raises(ValueError, match=r"cannot load '.*scenes/3\.png'"):
        train(cfg)
