"""GeoKR through the real runner: the teacher's schedule, resuming, exporting."""

import json
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import RUNNERS
from torch.utils.data import Dataset

from rsp import checkpoints
from rsp.registry import DATASETS

from .conftest import build, logged, small_run, train

CLASSES = ('Bareland', 'Forest', 'Waterbodies', 'Wetland')


@DATASETS.register_module()
class TinyLandCover(Dataset):
    """Noise in memory whose color tells its land cover."""

    metainfo = dict(classes=CLASSES)

    def __init__(self, length, pipeline):
        self.length, self.pipeline = length, Compose(pipeline)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        shares = rng.dirichlet(np.ones(len(CLASSES)))
        pixels = rng.integers(0, 120, (36, 40, 3)) + 130 * shares[:3]
        return self.pipeline(
            dict(
                img=pixels.astype(np.uint8),
                img_path=f'{index}.png',
                gt_score=shares.astype(np.float32),
            )
        )


def config(root: Path, **changes) -> Config:
    """Three epochs of four steps of four images."""
    cfg = small_run(
        root,
        model=dict(
            type='rsp.GeoKR',
            backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=4),
            classifier=dict(type='rsp.Projector', widths=[32, 4]),
            head=dict(type='rsp.LandCoverHead', num_classes=4),
            teacher=dict(momentum=0.5),
            data_preprocessor=dict(
                type='SelfSupDataPreprocessor',
                mean=[0.0, 0.0, 0.0],
                std=[255.0, 255.0, 255.0],
                to_rgb=True,
            ),
        ),
        train_dataloader=dict(
            batch_size=4,
            num_workers=0,
            sampler=dict(type='rsp.PairedSampler'),
            collate_fn=dict(type='rsp.stacked_collate'),
            dataset=dict(
                type='rsp.SeededDataset',
                dataset=dict(
                    type='rsp.TinyLandCover',
                    length=16,
                    pipeline=[
                        dict(type='RandomFlip', prob=0.5),
                        dict(type='PackInputs'),
                    ],
                ),
            ),
        ),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.003)),
        param_scheduler=dict(type='StepLR', step_size=1, gamma=0.9),
        train_cfg=dict(by_epoch=True, max_epochs=3),
        custom_hooks=[
            dict(type='rsp.PreflightHook'),
            dict(type='rsp.TeacherHook', milestones=(0, 8, 20)),
        ],
    )
    cfg.merge_from_dict(changes)
    return cfg


def steps_of_updates(cfg: Config, name: str | None = None) -> list[int]:
    """Train; the steps, counted from 0, after which the teacher moved."""
    runner = build(cfg, name)
    teacher, seen = runner.model.teacher, []
    update = teacher.update_parameters

    def watched(student):
        seen.append(runner.iter)
        update(student)

    teacher.update_parameters = watched
    runner.train()
    return seen


def test_the_teacher_moves_after_the_step_at_its_milestones(tmp_path):
    """Images 0, 8, 20, 40 of batches of 4: the steps that start there, counted from 0.

    Steps 0, 2, 5 and 10 of twelve.
    """
    assert steps_of_updates(config(tmp_path)) == [0, 2, 5, 10]


def test_a_second_run_of_one_name_begins_to_count_again(tmp_path):
    for folder in ('first', 'second'):
        cfg = config(tmp_path, work_dir=f'{tmp_path}/{folder}')
        assert steps_of_updates(cfg, name='both') == [0, 2, 5, 10]


def test_another_batch_size_keeps_the_images(tmp_path):
    cfg = config(tmp_path, **{'train_dataloader.batch_size': 8})
    assert steps_of_updates(cfg) == [0, 1, 3, 5]


# mmengine's schedulers move before the first accumulated step is taken.
@pytest.mark.filterwarnings('ignore:Detected call of `.*scheduler.step')
def test_accumulated_passes_count(tmp_path):
    """Two passes of 4 are a step of 8: starting at 0, 8, 24 and 40 images."""
    cfg = config(tmp_path)
    cfg.optim_wrapper.accumulative_counts = 2
    assert steps_of_updates(cfg) == [1, 3, 7, 11]


def test_without_milestones_every_step_moves_the_teacher(tmp_path):
    """The conventional average is an option."""
    cfg = config(tmp_path, **{'custom_hooks.1.milestones': None})
    assert steps_of_updates(cfg) == list(range(12))


def test_the_last_smaller_batch_counts_by_its_images(tmp_path):
    """Ten images in batches of 4: 0, 4, 8, | 10, 14, 18, | 20, 24, 28."""
    cfg = config(tmp_path, **{'train_dataloader.dataset.dataset.length': 10})
    assert steps_of_updates(cfg) == [0, 2, 6]


@pytest.mark.parametrize('kind', ['OptimWrapper', 'rsp.Bf16OptimWrapper'])
def test_resuming_between_milestones_changes_nothing(tmp_path, kind):
    """Weights, teacher, optimizer, rate, and the images until the next update."""
    whole = config(tmp_path, work_dir=f'{tmp_path}/whole')
    whole.optim_wrapper.type = kind
    expected = train(whole)
    rest = config(
        tmp_path,
        work_dir=f'{tmp_path}/rest',
        load_from=f'{tmp_path}/whole/epoch_1.pth',
        resume=True,
    )
    rest.optim_wrapper.type = kind
    resumed = train(rest)

    ours, theirs = resumed.model.state_dict(), expected.model.state_dict()
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert torch.equal(tensor, ours[name]), name
    assert resumed.model.teacher.steps == 4
    later = [entry for entry in logged(whole) if entry['epoch'] > 1]
    assert len(later) == 8
    for a, b in zip(later, logged(rest), strict=True):
        for name in a.keys() - {'time', 'data_time', 'memory'}:
            assert a[name] == b[name], name


def test_a_resumed_run_may_have_another_batch_size(tmp_path):
    """16 images are behind it, two steps of 8; they start at 16, 24, 32 and 40."""
    whole = config(tmp_path)
    whole.train_cfg.max_epochs = 1
    train(whole)
    rest = config(
        tmp_path,
        work_dir=f'{tmp_path}/rest',
        load_from=f'{tmp_path}/run/epoch_1.pth',
        resume=True,
        **{'train_dataloader.batch_size': 8},
    )
    steps = steps_of_updates(rest)
    assert [8 * step for step in steps] == [24, 40]


def test_losses_and_rates_of_a_run(tmp_path):
    """1e-3 times 0.9 per epoch, in the published schedule's shape."""
    cfg = config(tmp_path)
    train(cfg)
    entries = logged(cfg)
    assert len(entries) == 12
    for entry in entries:
        parts = entry['loss_land_cover'] + entry['loss_consistency']
        assert entry['loss'] == pytest.approx(parts, rel=1e-5)
        assert entry['lr'] == pytest.approx(0.003 * 0.9 ** (entry['epoch'] - 1))
        assert entry['unlabeled'] == 0
    assert entries[-1]['loss_land_cover'] < entries[0]['loss_land_cover']


def test_the_teacher_is_exported_and_the_student_on_request(tmp_path):
    cfg = config(tmp_path)
    model = train(cfg).model
    file = Path(cfg.work_dir) / 'epoch_3.pth'
    backbones = dict(teacher=model.teacher.module['backbone'], student=model.backbone)
    exported = {}
    for part, backbone in backbones.items():
        out = tmp_path / f'{part}.pth'
        wanted = None if part == 'teacher' else part
        meta = checkpoints.export_backbone(file, out, wanted)
        assert meta['branch'] == part
        exported[part] = torch.load(out, weights_only=True)['state_dict']
        # The classifier stays behind.
        assert len(exported[part]) == len(backbone.state_dict())
        for name, tensor in backbone.state_dict().items():
            assert torch.equal(exported[part][f'backbone.{name}'], tensor)
    name = 'backbone.conv1.weight'
    assert not torch.equal(exported['teacher'][name], exported['student'][name])


def test_a_wrong_number_of_classes_stops_before_the_first_step(tmp_path):
    cfg = config(tmp_path)
    cfg.model.head.num_classes = 8
    with pytest.raises(ValueError, match=r'expected 8 land-cover classes.*got 4'):
        train(cfg)
    assert not list(Path(cfg.work_dir).glob('*.pth'))


def test_an_rgb_start_on_five_bands_fills_student_and_teacher(tmp_path):
    """Of a run of ours the teacher, and 100 % of it."""
    cfg = config(tmp_path)
    train(cfg)
    pretrained = config(tmp_path, work_dir=f'{tmp_path}/next')
    pretrained.checkpoint = f'{tmp_path}/run/epoch_3.pth'
    pretrained.model.backbone.in_channels = 5
    pretrained.experiment_name = uuid4().hex
    runner = RUNNERS.build(pretrained)
    with pytest.raises(ValueError, match='--inflate-stem'):
        runner.load_or_resume()
    runner.cfg.inflate_stem = True
    runner.load_or_resume()
    report = json.loads(Path(tmp_path, 'next', 'load_report.json').read_text())
    assert (report['percent'], report['branch']) == (100, 'teacher')
    assert report['inflated'] == ['conv1.weight from 3 to 5 bands']
    source = torch.load(cfg.work_dir + '/epoch_3.pth', weights_only=False)
    kernel = source['state_dict']['teacher.module.backbone.conv1.weight']
    expected = (kernel.sum(1, keepdim=True) / 5).expand(-1, 5, -1, -1)
    for backbone in (runner.model.backbone, runner.model.teacher.module['backbone']):
        torch.testing.assert_close(backbone.conv1.weight.detach(), expected)


def test_a_run_without_consistency_hands_the_student_on(tmp_path):
    """By one switch: the hook that moves the teacher has nothing to do."""
    cfg = config(tmp_path, **{'model.head.consistency_weight': 0})
    cfg.train_cfg.max_epochs = 1
    runner = train(cfg)
    assert all(entry['loss'] == entry['loss_land_cover'] for entry in logged(cfg))
    exported = checkpoints.Checkpoint.load(tmp_path / 'run/epoch_1.pth').backbone()
    assert exported.branch == 'student'
    for name, tensor in runner.model.backbone.state_dict().items():
        assert torch.equal(exported.tensors[name], tensor), name
