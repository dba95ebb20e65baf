"""Downstream tasks survive what pre-training does."""

import pytest
from cases.runs.task_runs import TASKS
from reliability.kills import run_kills
from reliability.signals import run_signals

pytestmark = [pytest.mark.dist, pytest.mark.slow]


@pytest.mark.parametrize('task', TASKS)
def test_killed_and_stopped_tasks_end_as_the_ones_that_were_not(task, server, tmp_path):
    for name, program in (('kills', run_kills), ('signals', run_signals)):
        (tmp_path / name).mkdir()
        result = program(server, tmp_path / name, 2, seed=1, names=(task,))
        assert result.failures == []
        assert result.done == 2
        assert result.same == result.runs.total() >= 1
