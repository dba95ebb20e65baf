"""Fast recipes train, and are those they are named after but for the arithmetic."""

import json
import math
from pathlib import Path

import pytest
import torch
from mmengine.optim import AmpOptimWrapper

from rsp.engine.optim import Bf16OptimWrapper, mixed_precision_optim_wrapper
from rsp.engine.train import build_runner, use_mixed_precision

FAST = {
    'gersp/r50_fast.py': 'gersp/r50.py',
    'cmid/r50_fast.py': 'cmid/r50.py',
    'geokr/r50_fast.py': 'geokr/r50.py',
    'moco/v2_r50_maid_fast.py': 'moco/v2_r50_maid.py',
}


@pytest.mark.parametrize('name', FAST)
def test_nothing_but_the_arithmetic_differs(name, load):
    fast, published = load(name).to_dict(), load(FAST[name]).to_dict()
    assert fast.pop('compile_backbone') is True
    assert published.pop('compile_backbone') is False
    assert fast['memory_format'] == 'channels_last'
    ours, theirs = fast['optim_wrapper'], published['optim_wrapper']
    assert ours.pop('type') == 'rsp.MixedPrecisionOptimWrapper'
    assert theirs.pop('type') == 'OptimWrapper'
    if ours['optimizer']['type'] in ('SGD', 'Adam', 'AdamW'):
        assert ours['optimizer'].pop('fused') is True
    assert fast == published


@pytest.mark.slow
@pytest.mark.parametrize('name', FAST)
def test_two_compiled_steps_of_a_small_version(name, load, shrink, redirect):
    cfg = load(name)
    shrink(cfg)
    redirect(cfg)
    cfg.compile_backbone = True
    runner = build_runner(cfg)
    start = runner.model.backbone.conv1.weight.clone()
    torch._dynamo.utils.counters.clear()
    runner.train()
    assert isinstance(runner.optim_wrapper, Bf16OptimWrapper)
    # Student and teacher, no part of them left out.
    counters = torch._dynamo.utils.counters
    assert counters['stats']['unique_graphs'] >= 2
    assert not counters['graph_break']
    assert not torch.equal(runner.model.backbone.conv1.weight, start)
    assert all(t.isfinite().all() for t in runner.model.state_dict().values())
    (file,) = Path(cfg.work_dir).glob('*/vis_data/scalars.json')
    values = json.loads(file.read_text().splitlines()[0])
    assert all(math.isfinite(value) for value in values.values()), values


def test_the_precision_is_what_the_device_computes_fast(monkeypatch):
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    assert type(mixed_precision_optim_wrapper(optimizer=optimizer)) is Bf16OptimWrapper
    monkeypatch.setattr('rsp.engine.optim.mixed_precision.supports_bf16', lambda: False)
    settings = {}
    monkeypatch.setattr(
        AmpOptimWrapper, '__init__', lambda self, **more: settings.update(more)
    )
    wrapper = mixed_precision_optim_wrapper(optimizer=optimizer, accumulative_counts=2)
    assert type(wrapper) is AmpOptimWrapper
    assert settings == dict(
        optimizer=optimizer, accumulative_counts=2, loss_scale='dynamic'
    )


def test_amp_leaves_a_fast_recipe_as_it_is(load):
    wrapper = load('gersp/r50_fast.py').optim_wrapper
    assert use_mixed_precision(wrapper) == wrapper
