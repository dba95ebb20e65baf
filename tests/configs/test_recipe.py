"""Check that the real configs hold GeRSP's published recipe."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATA_SAMPLERS, PARAM_SCHEDULERS
from mmpretrain.registry import MODELS
from torch.utils.data import DataLoader

from rsp.datasets import PairedDataset

R50 = 'gersp/r50.py'
R50_200E = 'gersp/r50_200e.py'


def rates(cfg, scale: float = 1.0) -> list[float]:
    """Learning rate of every epoch."""
    optimizer = torch.optim.SGD(
        [torch.nn.Parameter(torch.zeros(1))], lr=scale * cfg.optim_wrapper.optimizer.lr
    )
    scheduler = PARAM_SCHEDULERS.build(
        cfg.param_scheduler, default_args=dict(optimizer=optimizer)
    )
    # The hook moves such a scheduler between epochs only: constant inside one.
    assert scheduler.by_epoch
    curve = []
    for _ in range(cfg.train_cfg.max_epochs):
        curve.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    return curve


def test_learning_rate_restarts_every_20_epochs(load):
    curve = rates(load(R50))
    at = {0: 0.007, 10: 0.004, 19: 0.0010369, 20: 0.007, 39: 0.0010369, 99: 0.0010369}
    assert [curve[epoch] for epoch in at] == pytest.approx(list(at.values()), abs=5e-8)
    expected = [
        0.001 + 0.003 * (1 + math.cos(math.pi * (epoch % 20) / 20))
        for epoch in range(100)
    ]
    assert curve == pytest.approx(expected, rel=1e-9)
    assert min(curve) >= 0.001


def test_200_epochs_repeat_the_schedule(load):
    curve = rates(load(R50_200E))
    assert len(curve) == 200
    assert curve[:100] == pytest.approx(rates(load(R50)), rel=1e-9)
    assert curve[100] == pytest.approx(0.007)
    assert curve[199] == pytest.approx(0.0010369, abs=5e-8)


@pytest.mark.parametrize('name', [R50, 'moco/v2_r50_maid.py', 'supervised/r50.py'])
def test_a_scaled_learning_rate_scales_the_whole_curve(load, name):
    whole, eighth = rates(load(name)), rates(load(name), scale=1 / 8)
    assert eighth == pytest.approx([rate / 8 for rate in whole], abs=1e-12)


def test_moco_follows_its_own_schedules(load):
    steps = rates(load('moco/r50_in1k.py'))
    assert steps[0] == steps[119] == 0.03
    assert steps[120] == steps[159] == pytest.approx(0.003)
    assert steps[160] == steps[199] == pytest.approx(0.0003)
    cosine = rates(load('moco/v2_r50_maid.py'))
    assert cosine[100] == pytest.approx(0.015)
    assert 0 < cosine[199] < 1e-5


def test_weight_decay_reaches_batch_norm_and_biases(load, shrink):
    """Without gradients a step shrinks everything by lr x decay."""
    cfg = load(R50)
    shrink(cfg)
    model = MODELS.build(cfg.model).double()
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, 1, 2)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    wrapper.step()

    trainable = {n for n, p in model.named_parameters() if p.requires_grad}
    assert {
        'backbone.bn1.weight',
        'backbone.bn1.bias',
        'neck.mlp.0.bias',
    } <= trainable
    for name, parameter in model.named_parameters():
        # The teacher has no gradient, so nothing decays it.
        assert (name in trainable) is not name.startswith('teacher.')
        factor = 1 - 3.5e-6 if name in trainable else 1.0
        torch.testing.assert_close(
            parameter.detach(), factor * before[name], rtol=1e-12, atol=0
        )


@pytest.mark.parametrize(
    ('processes', 'iterations'), [(1, 40036), (2, 20018), (4, 10009), (8, 5004)]
)
def test_iterations_of_an_epoch(load, monkeypatch, processes, iterations):
    """Every photo once, by the lengths of the real sets."""
    monkeypatch.setattr(
        'mmengine.dataset.sampler.get_dist_info', lambda: (0, processes)
    )
    cfg = load(R50).train_dataloader
    dataset = PairedDataset(
        sources=dict(remote=range(990_848), natural=range(1_281_167))
    )
    assert len(dataset) == 1_281_167
    sampler = DATA_SAMPLERS.build(
        cfg.sampler, default_args=dict(dataset=dataset, seed=0)
    )
    batches = DATA_SAMPLERS.build(
        cfg.batch_sampler,
        default_args=dict(sampler=sampler, batch_size=cfg.batch_size),
    )
    loader = DataLoader(dataset, batch_sampler=batches)
    assert len(loader) == iterations


def test_official_pairing_is_one_switch_away(load):
    """On the lengths of the real sets."""
    cfg = load(R50)
    assert cfg.train_dataloader.dataset.pairing == 'shuffle'
    cfg.merge_from_dict({'train_dataloader.dataset.pairing': 'modulo'})
    dataset = PairedDataset(
        sources=dict(remote=range(990_848), natural=range(1_281_167)),
        pairing=cfg.train_dataloader.dataset.pairing,
    )
    scenes, photos = dataset.sample_indices(np.random.default_rng(0)).T
    assert (photos == np.arange(1_281_167)).all()
    assert scenes[990_848] == 0
    seen = np.bincount(scenes)
    assert (seen[290_318], seen[290_319]) == (2, 1)


def test_frozen_projector_is_one_switch_away(load, shrink):
    cfg = load(R50)
    shrink(cfg)
    assert cfg.model.frozen_key_projector is False
    cfg.merge_from_dict({'model.frozen_key_projector': True})
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0 if parameter.requires_grad else 0.0)
    model.teacher.update_parameters(model.student)
    values = {
        part: torch.cat([p.flatten() for p in module.parameters()]).unique().tolist()
        for part, module in model.teacher.module.items()
    }
    assert values == dict(backbone=[pytest.approx(0.001)], neck=[0.0])


def preprocess(cfg, pixels: torch.Tensor):
    """Normalize a batch of one image (3, H, W), BGR in 0-255, as the model would."""
    preprocessor = MODELS.build(
        dict(type='ClsDataPreprocessor') | cfg.data_preprocessor
    )
    image = pixels[None].to(torch.uint8)
    if cfg.model.type == 'rsp.GeRSP':
        batch = dict(
            remote=dict(inputs=[image, image], data_samples=None),
            natural=dict(inputs=image, data_samples=None),
        )
        inputs = preprocessor(batch)['inputs']
        return [*inputs['remote'], inputs['natural']]
    if cfg.model.type == 'rsp.MoCo':
        return preprocessor(dict(inputs=[image, image], data_samples=None))['inputs']
    return [preprocessor(dict(inputs=image))['inputs']]


@pytest.mark.parametrize(
    'name',
    [R50, 'gersp/swin_t.py', 'moco/r50_in1k.py', 'moco/v2_r50_maid.py',
     'supervised/r50.py'],
)  # fmt: skip
def test_white_black_and_red_are_normalized_as_published(load, name):
    """Red tells the order of the channels."""
    cfg = load(name)
    white, black = [2.2489, 2.4286, 2.6400], [-2.1179, -2.0357, -1.8044]
    red = [white[0], *black[1:]]
    bgr = {255: white, 0: black}
    cases = [(torch.full((3, 4, 5), float(v)), bgr[v]) for v in bgr]
    cases.append((torch.tensor([0.0, 0.0, 255.0]).view(3, 1, 1).expand(3, 4, 5), red))
    for pixels, expected in cases:
        for view in preprocess(cfg, pixels):
            want = torch.tensor(expected).view(1, 3, 1, 1).expand(1, 3, 4, 5)
            torch.testing.assert_close(view, want, atol=5e-5, rtol=0)


def test_the_model_is_the_published_one(load):
    """Parameter counts of the official networks."""
    model = MODELS.build(load(R50).model)
    counts = SimpleNamespace(
        trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
        teacher=sum(p.numel() for p in model.teacher.parameters()),
    )
    assert counts == SimpleNamespace(trainable=30_015_656, teacher=27_966_656)
    assert model.queue.feats.shape == (128, 65536)
    assert model.head.temperature == 0.07
    assert model.alpha == 1.0
    model.init_weights()
    last_norms = [b.norm3.weight for s in range(1, 5)
                  for b in getattr(model.backbone, f'layer{s}')]  # fmt: skip
    assert len(last_norms) == 16
    assert all((weight == 0).all() for weight in last_norms)


def test_moco_v1_projects_linearly(load):
    neck = MODELS.build(load('moco/r50_maid.py').model.neck)
    assert sum(p.numel() for p in neck.parameters()) == 2048 * 128 + 128
    (out,) = neck((torch.ones(2, 2048, 3, 4),))
    expected = neck.fc.weight.sum(dim=1) + neck.fc.bias
    torch.testing.assert_close(out, expected.expand(2, 128), rtol=1e-4, atol=1e-5)
