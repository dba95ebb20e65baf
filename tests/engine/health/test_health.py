"""Staged failures are named, and healthy trainings are silent."""

import copy

import failures
import health_table
import healthy
import pytest
import trainings

# Named in their first steps; `health_table.py` stages all.
QUICK = (
    'constant images',
    'queue longer than the data',
    'temperature times 100',
    'MAE that masks nothing',
    'NaN in a band',
)
FAULTS = {fault.name: fault for fault in failures.FAULTS}


def named(fault, tmp_path):
    cfg = copy.deepcopy(fault.config)
    cfg['default_hooks']['health']['stop_on_alarm'] = True
    lines, _ = health_table.hear(cfg, fault.ranks, tmp_path / 'run')
    return [health_table.rule_of(line) for line in lines]


# Where the first step is left out, no step of the optimizer precedes the schedule's.
@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
@pytest.mark.parametrize('name', QUICK)
def test_a_failure_is_named(name, tmp_path):
    assert named(FAULTS[name], tmp_path) == [FAULTS[name].rule]


def test_a_healthy_training_is_silent(tmp_path):
    cfg = healthy.config_of(0, trainings.QUICKSTART / 'probe', trainings.QUICKSTART)
    cfg['train_cfg'] |= dict(max_iters=42, val_interval=42)
    lines, summary = health_table.hear(cfg, 1, tmp_path / 'run')
    assert lines == []
    assert summary['measurements'] >= 2


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')
# Some of them; `health_table.py` stages all, which takes half an hour.
@pytest.mark.parametrize('fault', failures.FAULTS[::4], ids=lambda fault: fault.name)
def test_every_failure_is_named_within_200_steps(fault, tmp_path):
    # A rate that is far too high collapses, too; which is seen first is rounding's.
    right = {fault.rule, 'collapse'} if fault.rule == 'rate' else {fault.rule}
    assert right & {*named(fault, tmp_path)}


@pytest.mark.slow
@pytest.mark.parametrize('number', range(0, len(healthy.HEALTHY), 6))
def test_every_healthy_training_is_silent(number, tmp_path):
    scenes, photos = health_table.real_images(tmp_path)
    cfg = healthy.config_of(number, scenes, photos)
    lines, _ = health_table.hear(cfg, healthy.HEALTHY[number].ranks, tmp_path / 'run')
    assert lines == []
