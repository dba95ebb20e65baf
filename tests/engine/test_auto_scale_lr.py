import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict

from rsp.engine.auto_scale_lr import (
    EffectiveBatchSize,
    describe_difference,
    learning_rates,
    refuse_absolute_bounds,
    sample_unit,
)


def test_a_step_counts_processes_and_accumulated_passes():
    assert EffectiveBatchSize(8, processes=3, accumulated=5).total == 120


@pytest.mark.parametrize(
    ('step', 'text'),
    [
        (EffectiveBatchSize(8, unit='pairs'), '8 pairs per step'),
        (EffectiveBatchSize(8, processes=2), '8 images × 2 processes = 16 per step'),
        (
            EffectiveBatchSize(8, processes=2, accumulated=4, unit='pairs'),
            '8 pairs × 2 processes × 4 accumulated passes = 64 per step',
        ),
    ],
)
def test_a_step_reads_as_its_factors(step, text):
    assert str(step) == text


def test_another_step_than_the_recipes_is_told_with_the_rate_that_fits():
    # 0.007 * 16 / 256 = 0.0004375, by hand.
    line = describe_difference(
        EffectiveBatchSize(8, 2, unit='pairs'), base=256, lr=0.007
    )
    assert line.startswith(
        '8 pairs × 2 processes = 16 per step; the recipe was made for 256 (lr 0.007): '
        'pass --auto-scale-lr to use lr 0.0004375'
    )


def test_the_recipes_step_is_not_worth_a_line():
    assert describe_difference(EffectiveBatchSize(32, 8), base=256, lr=0.007) is None


class Sources:
    def __init__(self, count):
        self.sources = dict.fromkeys(map(str, range(count)))


@pytest.mark.parametrize(
    ('dataset', 'unit'),
    [(object(), 'images'), (Sources(1), 'images'), (Sources(2), 'pairs')],
)
def test_items_of_two_sources_are_pairs(dataset, unit):
    assert sample_unit(dataset) == unit


def test_an_absolute_floor_is_refused_with_the_ratio_that_replaces_it():
    # 0.001 / 0.007 = 0.142857..., the floor of the published recipe.
    schedulers = [
        dict(type='LinearLR', start_factor=0.1),
        dict(type='CosineRestartLR', eta_min=0.001),
    ]
    with pytest.raises(
        ValueError,
        match=r'param_scheduler\[1\].eta_min=0.001.*eta_min_ratio=0.1429',
    ):
        refuse_absolute_bounds(schedulers, lr=0.007)


@pytest.mark.parametrize(
    'scheduler',
    [
        dict(type='CosineAnnealingLR', eta_min_ratio=0.1),
        dict(type='CosineAnnealingLR', eta_min=0),
        dict(type='CosineAnnealingMomentum', eta_min=0.8),
        dict(
            type='CosineAnnealingParamScheduler', param_name='weight_decay', eta_min=0.1
        ),
        None,
    ],
)
def test_bounds_that_scale_or_are_not_the_rates_pass(scheduler):
    refuse_absolute_bounds(scheduler, lr=0.007)


def test_every_place_of_a_rate_is_found():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(3)]
    groups = [dict(params=[w], lr=0.1 * i) for i, w in enumerate(weights)]
    several = OptimWrapper(torch.optim.SGD(groups, lr=0.5))
    single = OptimWrapper(torch.optim.SGD(weights, lr=0.25))
    # Three groups and the base rate that mmengine logs beside them.
    assert [g['lr'] for g in learning_rates(several)] == [0.0, 0.1, 0.2, 0.5]
    assert [g['lr'] for g in learning_rates(single)] == [0.25]
    both = OptimWrapperDict(a=several, b=single)
    assert len(learning_rates(both)) == 5
