"""Every experiment runs through the real runner, on generated images."""

import json
import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmpretrain.registry import MODELS

from rsp import checkpoints
from rsp.engine.train import build_runner


class FirstWeights(Hook):
    """Remembers the weights that training started with."""

    def before_train(self, runner):
        self.weights = {n: p.clone() for n, p in runner.model.named_parameters()}


def run(cfg: Config) -> dict[str, float]:
    """Train two steps; return the last logged numbers."""
    runner = build_runner(cfg)
    first = FirstWeights()
    runner.register_hook(first)
    model = runner.train()
    assert runner.iter == 2
    still = [
        name
        for name, weight in model.named_parameters()
        if weight.requires_grad and torch.equal(weight, first.weights[name])
    ]
    assert still == []
    (file,) = Path(cfg.work_dir).glob('*/vis_data/scalars.json')
    lines = map(json.loads, file.read_text().splitlines())
    return next(line for line in lines if 'loss' in line)


def check_run(cfg: Config) -> None:
    values = run(cfg)
    assert values
    assert all(math.isfinite(value) for value in values.values()), values
    if 'loss_contrast' in values:
        parts = values['loss_contrast'] + values['loss_supervised']
        assert values['loss'] == pytest.approx(parts, rel=1e-4)


def check_checkpoint(cfg: Config) -> None:
    """The exported backbone has exactly the tensors of the configured one."""
    exported = Path(cfg.work_dir, 'backbone.pth')
    checkpoints.export_backbone(str(Path(cfg.work_dir, 'epoch_1.pth')), str(exported))
    names = torch.load(exported, weights_only=True)['state_dict'].keys()
    backbone = MODELS.build(cfg.model.backbone)
    wanted = set(backbone.state_dict()) - {'mask_token'}
    assert {n.removeprefix('backbone.') for n in names} == wanted
    assert all(name.startswith('backbone.') for name in names)


def test_two_steps_of_a_small_version(pretraining, load, shrink, redirect):
    cfg = load(pretraining)
    shrink(cfg)
    redirect(cfg)
    check_run(cfg)
    check_checkpoint(cfg)


@pytest.mark.slow
def test_two_steps_at_real_size(pretraining, load, redirect):
    cfg = load(pretraining)
    redirect(cfg)
    check_run(cfg)
