"""Check the fine-tuning recipes of the real configs."""

import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmpretrain.registry import MODELS, TRANSFORMS

from rsp.io.configs import config_folder
from rsp.tasks.classification import SCENE_SETS

from .conftest import tiny

FOLDER = config_folder() / 'downstream/classification'
MEAN = np.array([123.675, 116.28, 103.53])
STD = np.array([58.395, 57.12, 57.375])


@pytest.fixture(autouse=True)
def _names_are_mmpretrains() -> None:
    """As the runner does; tests/conftest.py forgets it again."""
    init_default_scope('mmpretrain')


def load(name: str, shrunk: bool = False) -> Config:
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    cfg.merge_from_dict(tiny(name) if shrunk else {})
    return cfg


def rates(cfg: Config, data: str) -> list[float]:
    """Learning rate of every iteration."""
    scenes = SCENE_SETS[data]
    images = scenes.train_share * sum(scenes.counts.values())
    epoch = math.ceil(images / cfg.train_dataloader.batch_size)
    optimizer = torch.optim.SGD(
        [torch.nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr
    )
    schedules = []
    for part in cfg.param_scheduler:
        kind = PARAM_SCHEDULERS.get(part.pop('type'))
        assert part.pop('convert_to_iter_based')
        schedules.append(
            kind.build_iter_from_epoch(optimizer=optimizer, epoch_length=epoch, **part)
        )
    curve = []
    for _ in range(epoch * cfg.train_cfg.max_epochs):
        curve.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for schedule in schedules:
            schedule.step()
    return curve


def test_cmids_learning_rate_is_the_published_curve():
    """Warm-up of 5 epochs from 0.01 over a cosine of all 200 down to 1e-6."""
    curve = rates(load('r50_ucm_finetune-cmid'), 'ucm')
    total, warm, base, low = 27 * 200, 27 * 5, 0.003125, 1e-6
    assert len(curve) == total
    for i in (0, 1, warm // 2, warm - 1, warm, warm + 1, total // 2, total - 1):
        regular = low + (base - low) * (1 + math.cos(math.pi * i / total)) / 2
        factor = 1 - 0.99 * (1 - i / warm) if i < warm else 1
        assert curve[i] == pytest.approx(factor * regular, rel=1e-6), i
    assert min(curve) >= low


def test_plain_fine_tuning_warms_up_and_decays_to_zero():
    curve = rates(load('r50_aid_finetune'), 'aid')
    assert len(curve) == 32 * 100
    assert curve[0] == pytest.approx(1e-4)
    assert max(curve) == pytest.approx(0.01)
    assert abs(int(np.argmax(curve)) - 32 * 5) <= 1
    assert curve[-1] < 1e-8


@pytest.mark.parametrize('name', ['r50_ucm_finetune-cmid', 'swin-b_ucm_finetune-cmid'])
def test_adan_decays_matrices_but_no_normalization_or_bias(name):
    cfg = load(name, shrunk=True)
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    assert type(wrapper.optimizer).__name__ == 'Adan'
    decay = {
        id(p): group['weight_decay']
        for group in wrapper.optimizer.param_groups
        for p in group['params']
    }
    for key, parameter in model.named_parameters():
        expected = 0.02 if parameter.ndim > 1 else 0
        assert decay[id(parameter)] == expected, key
    for group in wrapper.optimizer.param_groups:
        assert group['lr'] == 0.003125
        assert tuple(group['betas']) == (0.98, 0.92, 0.99)
    assert not wrapper.clip_grad_kwargs


def test_swins_position_tables_are_not_decayed_in_plain_fine_tuning():
    cfg = load('swin-b_ucm_finetune', shrunk=True)
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    decay = {
        id(p): group['weight_decay']
        for group in wrapper.optimizer.param_groups
        for p in group['params']
    }
    for key, parameter in model.named_parameters():
        plain = parameter.ndim > 1 and not key.endswith('relative_position_bias_table')
        assert decay[id(parameter)] == (0.05 if plain else 0), key
    assert wrapper.clip_grad_kwargs['max_norm'] == 5


def test_cmid_drops_half_of_swins_paths_at_the_end():
    assert load('swin-b_ucm_finetune-cmid').model.backbone.drop_path_rate == 0.5


def test_soft_targets_give_the_closed_form():
    """Mixed half and half and smoothed by 0.1: -sum t log p, t by hand."""
    head = MODELS.build(load('r50_ucm_finetune-cmid').model.head)
    scores = torch.zeros(1, 21)
    scores[0, 0] = 2.0
    mixed = torch.zeros(1, 21)
    mixed[0, [0, 3]] = 0.5
    loss = head.loss_module(scores, mixed)
    log_p = scores - math.log(math.exp(2) + 20)
    target = 0.9 * mixed + 0.1 / 21
    torch.testing.assert_close(loss, -(target * log_p).sum())


def test_each_batch_is_mixed_or_cut_half_of_the_times():
    preprocessor = load('r50_ucm_finetune-cmid').model
    model = MODELS.build(
        dict(
            type='ClsDataPreprocessor',
            batch_augments=preprocessor.train_cfg,
            **preprocessor.data_preprocessor,
        )
    )
    augment = model.batch_augments
    kinds = {type(part).__name__: part.alpha for part in augment.augments}
    assert kinds == dict(Mixup=0.8, CutMix=1.0)
    assert augment.probs is None  # always one of them, evenly


def test_erased_rectangles_are_standard_normal_once_normalized():
    """In each channel, so that the order of the colors is right too."""
    pipeline = load('r50_ucm_finetune-cmid').train_dataloader.dataset.pipeline
    (cfg,) = (part for part in pipeline if part.type == 'RandomErasing')
    assert cfg.erase_prob == 0.25
    transform = TRANSFORMS.build(dict(cfg, erase_prob=1.0))
    noise = transform._fill_pixels(np.zeros((300, 200, 3), np.uint8), 0, 0, 300, 200)
    normalized = (noise[..., ::-1] - MEAN) / STD
    # Clipping to 0..255 takes 2 % off either side; whole numbers cost half a step.
    assert np.abs(normalized.mean(axis=(0, 1))) == pytest.approx(0, abs=0.03)
    assert normalized.std(axis=(0, 1)) == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize('name', ['r50_ucm_probe', 'r50_ucm_finetune-cmid'])
def test_evaluation_looks_at_the_middle_of_the_resized_image(name):
    pipeline = load(name).test_dataloader.dataset.pipeline
    resize, crop = (TRANSFORMS.build(dict(part)) for part in pipeline[1:3])
    assert resize.interpolation == 'bicubic'
    image = np.zeros((300, 600, 3), np.uint8)
    image[:, 300:] = 255
    resized = resize(dict(img=image))
    assert resized['img'].shape == (256, 512, 3)
    cropped = crop(resized)['img']
    assert cropped.shape == (224, 224, 3)
    assert (cropped[:, :110] == 0).all()
    assert (cropped[:, 114:] == 255).all()
