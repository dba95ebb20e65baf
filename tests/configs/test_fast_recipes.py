"""Fast recipes train, and are those they are named after but for the arithmetic."""

import json
import math
from pathlib import Path

import pytest
import torch
from mmengine.optim import AmpOptimWrapper

from rsp.engine.optim import Bf16OptimWrapper, mixed_precision_optim_wrapper
from rsp.engine.train import build_runner, use_mixed_precision
from rsp.ops.views.parse import name_of, parse_view

FAST = {
    'gersp/r50_fast.py': 'gersp/r50.py',
    'cmid/r50_fast.py': 'cmid/r50.py',
    'geokr/r50_fast.py': 'geokr/r50.py',
    'moco/v2_r50_maid_fast.py': 'moco/v2_r50_maid.py',
}


STATISTICS_OF_PHOTOS = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)
NO_VIEWS = ('LoadImageFromFile', 'PackInputs')
MANY = ('MultiView', 'rsp.LoadViews', 'rsp.LoadView', 'rsp.MaskedTwoCrop')
OF_VIEWS = ('transforms', 'num_views', 'masked', 'resize_first', 'memory_format')


def without_views(node):
    """Drop whatever says how views are made."""
    if isinstance(node, dict):
        kept = {
            key: without_views(value)
            for key, value in node.items()
            if key not in ('pipeline', 'collate_fn', *OF_VIEWS)
        }
        if kept.get('type') == 'rsp.DeviceViews':
            kept['type'] = 'rsp.BandDataPreprocessor'
        return kept
    return node


@pytest.mark.parametrize('name', FAST)
def test_nothing_but_the_arithmetic_differs(name, load):
    fast, published = load(name).to_dict(), load(FAST[name]).to_dict()
    for key in (
        'view',
        'weak',
        'sources',
        'pipeline',
        'scene_pipeline',
        'photo_pipeline',
    ):
        fast.pop(key, None)
        published.pop(key, None)
    preprocessor = fast['data_preprocessor']
    views = preprocessor.pop('sources', None) or dict(all=preprocessor)
    assert all(source['memory_format'] == 'channels_last' for source in views.values())
    assert fast['memory_format'] == 'channels_last'
    fast, published = without_views(fast), without_views(published)
    assert fast.pop('compile_backbone') is True
    assert published.pop('compile_backbone') is False
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
    # Nothing compiled for an earlier config is taken again.
    torch._dynamo.reset()
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


def recipes_of(pipeline):
    """Read the recipes of all views that a published pipeline makes."""
    steps = [step for step in pipeline if step['type'] not in NO_VIEWS]
    several = [step for step in steps if 'transforms' in step and name_of(step) in MANY]
    if not several:
        return [parse_view(steps).recipe]
    (many,) = several
    if name_of(many) == 'rsp.MaskedTwoCrop':
        crop = dict(
            type='RandomResizedCrop',
            scale=many['size'],
            crop_ratio_range=many['crop_ratio_range'],
        )
        flip = dict(type='RandomFlip', prob=many['flip_prob'])
        return [parse_view([crop, flip, *steps]).recipe for steps in many['transforms']]
    if 'num_views' not in many:
        return [parse_view(many['transforms']).recipe]
    (steps,) = many['transforms']
    return [parse_view(steps).recipe] * many['num_views']


def described(recipe):
    """Everything that tells two recipes apart."""
    operations = [(type(op).__name__, vars(op)) for op in recipe.operations]
    return repr((recipe.geometry, operations))


@pytest.mark.parametrize('name', FAST)
def test_views_of_the_device_are_those_of_the_published_recipe(name, load):
    fast, published = load(name), load(FAST[name])
    if name.startswith('gersp'):
        sources = published.train_dataloader.dataset.sources
        pairs = [
            (fast.data_preprocessor.sources[source], sources[source].pipeline)
            for source in ('remote', 'natural')
        ]
    else:
        dataset = published.train_dataloader.dataset
        pipeline = dataset.get('pipeline') or dataset.dataset.pipeline
        pairs = [(fast.data_preprocessor, pipeline)]
    for own, pipeline in pairs:
        recipes = [parse_view(steps).recipe for steps in own['transforms']]
        counts = own['num_views']
        counts = [counts] if isinstance(counts, int) else counts
        made = [
            r for r, count in zip(recipes, counts, strict=True) for _ in range(count)
        ]
        assert [*map(described, made)] == [*map(described, recipes_of(pipeline))]
    if name.startswith('cmid'):
        crop = next(step for step in pipeline if step['type'] == 'rsp.MaskedTwoCrop')
        assert crop['resize_first'] is True
        assert fast.data_preprocessor['resize_first'] == crop['size']
        for key, value in fast.data_preprocessor['masked'].items():
            assert value == crop[key]


@pytest.mark.parametrize('name', FAST)
def test_loader_and_model_draw_the_same_views(name, load):
    cfg = load(name)
    preprocessor = cfg.data_preprocessor.to_dict()
    sources = preprocessor.get('sources') or dict(all=preprocessor)
    dataset = cfg.train_dataloader.dataset.to_dict()
    for source, own in sources.items():
        part = dataset['sources'][source] if source != 'all' else dataset
        pipeline = part.get('pipeline') or part['dataset']['pipeline']
        loader = pipeline[0]
        if loader['type'] == 'rsp.LoadForDevice':
            assert loader['transforms'] == own['transforms']
            assert loader['num_views'] == own['num_views']
        else:
            assert own['resize_first']
        assert pipeline[-1] == dict(type='rsp.PackForDevice')


@pytest.mark.parametrize('name', ['gersp/r50_s2_13bands.py', 'cmid/r50_s2_13bands.py'])
def test_windows_of_13_bands_take_views_of_the_device(name, load, shrink, redirect):
    cfg = load(name)
    view = [
        dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0)),
        dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4),
        dict(type='rsp.RandomGrayscale', prob=0.2),
    ]
    pack = [dict(type='rsp.PackForDevice')]
    own = dict(transforms=[view], num_views=2)
    dataset = cfg.train_dataloader.dataset
    if 'sources' in dataset:
        photos = dict(transforms=[view], num_views=1, **STATISTICS_OF_PHOTOS)
        cfg.data_preprocessor.sources = dict(remote=own, natural=photos)
        dataset.sources.remote.pipeline = pack
        dataset.sources.natural.pipeline = [dict(type='LoadImageFromFile'), *pack]
    else:
        masked = dict(mask_patch_size=32, mask_ratio=0.6, stride=32)
        cfg.data_preprocessor.update(type='rsp.DeviceViews', masked=masked, **own)
        dataset.pipeline = pack
    shrink(cfg)
    redirect(cfg)
    if 'masked' in cfg.data_preprocessor:
        cfg.data_preprocessor.resize_first = None
    runner = build_runner(cfg)
    start = runner.model.backbone.conv1.weight.clone()
    runner.train()
    assert start.shape[1] == 13
    assert not torch.equal(runner.model.backbone.conv1.weight, start)
    assert all(t.isfinite().all() for t in runner.model.state_dict().values())
