"""Check that the real configs hold GeoKR's published recipe."""

import math
import re

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config, DictAction
from mmengine.registry import DATA_SAMPLERS, PARAM_SCHEDULERS
from mmpretrain.registry import MODELS, TRANSFORMS
from torch.utils.data import DataLoader
from torchvision.models import resnet50

from rsp.checkpoints.checkpoint import take_backbone
from rsp.datasets import SeededDataset
from rsp.datasets.views import SingleView
from rsp.io.configs import config_folder
from rsp.ops.schedules import milestones_reached

R50 = 'geokr/r50.py'
ORDER = [
    'RandomFlip',
    'RandomFlip',
    'rsp.RandomRotate90',
    'rsp.ColorJitter',
    'Resize',
]


def test_the_configured_milestones_are_the_published_ones(load):
    hooks = load(R50).custom_hooks
    (milestones,) = [h.milestones for h in hooks if h.type == 'rsp.TeacherHook']
    assert milestones == [0, 500 * 16, 10_500 * 16, 20_500 * 16, 30_500 * 16]
    assert milestones_reached(14_319_500 - 8, milestones) == 33


def test_the_rate_falls_by_a_tenth_per_epoch(load):
    cfg = load(R50)
    settings = dict(cfg.optim_wrapper.optimizer)
    assert settings.pop('type') == 'Adam'
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], **settings)
    scheduler = PARAM_SCHEDULERS.build(
        cfg.param_scheduler, default_args=dict(optimizer=optimizer)
    )
    curve = []
    for _ in range(cfg.train_cfg.max_epochs):
        curve.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    assert curve == pytest.approx([1e-3 * 0.9**e for e in range(10)], rel=1e-12)
    assert curve[5] == pytest.approx(5.9049e-4)
    assert curve[9] == pytest.approx(3.874e-4, abs=1e-7)
    assert optimizer.param_groups[0]['weight_decay'] == 0


@pytest.mark.parametrize(('processes', 'steps'), [(1, 178_994), (2, 89_497)])
def test_steps_of_an_epoch(load, monkeypatch, processes, steps):
    """The last, smaller batch is seen, too."""
    monkeypatch.setattr(
        'mmengine.dataset.sampler.get_dist_info', lambda: (0, processes)
    )
    cfg = load(R50).train_dataloader
    dataset = SeededDataset(range(1_431_950))
    sampler = DATA_SAMPLERS.build(
        cfg.sampler, default_args=dict(dataset=dataset, seed=0)
    )
    batches = DATA_SAMPLERS.build(
        cfg.batch_sampler,
        default_args=dict(sampler=sampler, batch_size=cfg.batch_size),
    )
    loader = DataLoader(dataset, batch_sampler=batches)
    assert len(loader) == steps == math.ceil(1_431_950 / 8 / processes)


def augment(cfg, pixels):
    """The view of a loaded image, and the packing."""
    view, pack = cfg.pipeline
    steps = [SingleView(view.transforms), TRANSFORMS.build(pack)]
    score = np.linspace(0, 1, 8, dtype=np.float32)
    return Compose(steps)(dict(img=pixels, img_path='a.tif', gt_score=score))


def test_augmentations_come_in_the_published_order_and_ranges(load):
    cfg = load(R50)
    assert cfg.pipeline[0] == dict(type='rsp.LoadView', transforms=cfg.view)
    assert [t.type for t in cfg.view] == ORDER
    flips = [(t.prob, t.direction) for t in cfg.view if t.type == 'RandomFlip']
    assert flips == [(0.5, 'horizontal'), (0.5, 'vertical')]
    assert cfg.view[2].prob == 0.5
    jitter = TRANSFORMS.build(cfg.view[3])
    draws = np.array([jitter._rand_params()[1:] for _ in range(500)])
    low, high = np.array([[0.7, 0.5, 0.5, -0.3], [1.3, 1.5, 1.5, 0.3]])
    assert (draws >= low).all()
    assert (draws <= high).all()
    assert (draws.min(axis=0) < low + 0.02).all()
    assert (draws.max(axis=0) > high - 0.02).all()
    assert cfg.view[4].scale == (256, 256)


@pytest.mark.parametrize('size', [(256, 256), (300, 200)])
def test_views_are_256_pixels_in_0_to_1_with_their_label(load, size):
    """A constant color stays constant; only colors change it."""
    cfg = load(R50)
    preprocessor = MODELS.build(cfg.data_preprocessor)
    for seed in range(8):
        np.random.seed(seed)
        flat = np.full((*size, 3), (200, 90, 30), np.uint8)
        sample = augment(cfg, flat)
        np.testing.assert_array_equal(
            sample['data_samples'].gt_score, np.linspace(0, 1, 8, dtype=np.float32)
        )
        assert sample['inputs'].shape == (3, 256, 256)
        batch = dict(inputs=sample['inputs'][None], data_samples=None)
        (image,) = preprocessor(batch)['inputs']
        assert image.shape == (3, 256, 256)
        assert image.min() >= 0
        assert image.max() <= 1
        assert (image == image[:, :1, :1]).all()


def test_pixels_are_divided_by_255_and_nothing_else(load):
    """Red alone tells the order of the channels, too."""
    preprocessor = MODELS.build(load(R50).data_preprocessor)
    bgr = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    (image,) = preprocessor(dict(inputs=bgr, data_samples=None))['inputs']
    torch.testing.assert_close(image.flatten(), torch.tensor([1.0, 0.2, 0.0]))


@pytest.mark.parametrize(
    ('name', 'width', 'parameters'),
    [('r50', 2048, 23_508_032), ('vgg16', 512, 14_723_136)],
)
def test_the_model_is_the_published_one(load, name, width, parameters):
    cfg = load(f'geokr/{name}.py')
    model = MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.backbone.parameters()) == parameters
    (classifier,) = model.classifier.mlp
    assert classifier.weight.shape == (8, width)
    assert (model.head.consistency, model.head.reduction) == ('cross_entropy', 'mean')
    assert model.teacher.momentum == 0.05
    shadowed = sum(p.numel() for p in model.teacher.parameters())
    assert shadowed == parameters + 8 * width + 8
    assert cfg.checkpoint.startswith('torchvision://')


def test_the_teacher_bears_torchvisions_names(load):
    """318 tensors, the same shapes; the classifier stays behind."""
    model = MODELS.build(load(R50).model)
    theirs = resnet50().state_dict()
    taken = take_backbone(model.state_dict())
    assert (taken.branch, len(taken.tensors)) == ('teacher', 318)
    assert {n: t.shape for n, t in taken.tensors.items()} == {
        name: tensor.shape
        for name, tensor in theirs.items()
        if not name.startswith('fc.')
    }


def test_eight_classes_in_the_published_order(load):
    assert load(R50).classes == [
        'Artificial_Surfaces',
        'Bareland',
        'Cultivated_Land',
        'Forest',
        'Grassland',
        'Permanent_Snow',
        'Waterbodies',
        'Wetland',
    ]


def switches():
    page = (config_folder() / 'geokr/README.md').read_text()
    table = page[page.index('| option |') : page.index('`--inflate-stem` has to be')]
    cells = [row.split('|')[1] for row in table.splitlines()[2:] if row.strip()]
    return [re.findall(r'`([^`-][^`]*=[^`]*)`', cell) for cell in cells]


def test_every_switch_of_the_page_changes_what_is_there(load):
    """By the very words of the table; a misspelt key would be a new one."""
    assert len(switches()) == 9
    for options in switches():
        vgg = 'VGG' if 'depth=19' in options[0] else ''
        cfg = load('geokr/vgg16.py' if vgg else R50)
        before = cfg.to_dict()
        pairs = [pair for option in options for pair in option.split()]
        for pair in pairs:
            key, _, text = pair.partition('=')
            value = DictAction._parse_iterable(text)
            place = before
            for word in key.split('.')[:-1]:
                place = place[int(word)] if word.isdigit() else place[word]
            name = key.split('.')[-1]
            assert name in place or name in ('in_channels', 'consistency_weight'), key
            assert place.get(name) != value, key
            cfg.merge_from_dict({key: value})
        changed = Config(cfg.to_dict())
        model = MODELS.build(changed.model)
        if 'milestones' in options[0]:
            (hook,) = [h for h in changed.custom_hooks if h.type == 'rsp.TeacherHook']
            assert hook.milestones is None
            assert model.teacher.momentum == 0.001
