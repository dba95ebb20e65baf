"""The learning rate of CMID through mmengine's own machinery."""

import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS


def rates(base, epochs, length=5):
    """Learning rate of every iteration, schedules as in configs/cmid."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], base)
    wrapper = OptimWrapper(optimizer)
    schedules = [
        dict(type='rsp.WarmupLR', start_factor=0.01, end=10),
        dict(
            type='CosineAnnealingLR',
            eta_min_ratio=1e-6 / base,
            end=epochs,
            T_max=epochs,
        ),
    ]
    built = [
        PARAM_SCHEDULERS.build(
            dict(by_epoch=True, begin=0, convert_to_iter_based=True, **schedule),
            default_args=dict(optimizer=wrapper, epoch_length=length),
        )
        for schedule in schedules
    ]
    seen = []
    for _ in range(epochs * length):
        seen.append(optimizer.param_groups[0]['lr'])
        wrapper.step()
        for schedule in built:
            schedule.step()
    return seen


@pytest.mark.parametrize(
    ('base', 'epochs', 'start', 'half_warm', 'warm', 'half'),
    [
        (0.003125, 400, 3.125e-5, 0.00157752, 0.00312018, 0.001563),
        (0.004, 200, 4e-5, 0.00201689, 0.00397538, 0.0020005),
    ],
)
def test_published_rates(base, epochs, start, half_warm, warm, half):
    length = 6
    seen = rates(base, epochs, length)
    total, warmup = epochs * length, 10 * length
    for i, expected in (
        (0, start),
        (warmup // 2, half_warm),
        (warmup, warm),
        (total // 2, half),
    ):
        assert seen[i] == pytest.approx(expected, rel=5e-5)
    assert seen[-1] == pytest.approx(1e-6, rel=0.05)


def test_every_iteration_follows_the_formula():
    """The recursions meet the closed form to the floor's millionth."""
    base, epochs, length = 0.004, 40, 3
    total, warmup = epochs * length, 10 * length
    for i, rate in enumerate(rates(base, epochs, length)):
        cosine = 1e-6 + (base - 1e-6) * (1 + math.cos(math.pi * i / total)) / 2
        factor = 1 - 0.99 * (1 - i / warmup) if i < warmup else 1
        assert rate == pytest.approx(cosine * factor, abs=1.1e-6)
