"""Names of parts: all found after one import, those of tasks when first wanted."""

import subprocess
import sys
from importlib import import_module

import pytest

from rsp import registry


@pytest.mark.parametrize('task', registry.PARTS_OF_TASKS)
def test_the_names_of_a_task_are_those_that_it_registers(task):
    pytest.importorskip('mmrotate')
    module = import_module(f'rsp.tasks.{task}')
    registered = {
        name
        for part in vars(registry).values()
        if isinstance(part, registry.PartRegistry)
        for name, kind in part.module_dict.items()
        if kind.__module__.startswith((f'rsp.tasks.{task}.', 'rsp.visualization.'))
        and (kind.__module__.startswith('rsp.tasks.') or hasattr(module, name))
    }
    assert registered == {*registry.PARTS_OF_TASKS[task].split()}


def test_a_part_of_a_task_without_its_package_names_the_package():
    code = """
import sys
sys.modules['mmdet'] = None
from mmengine.registry import DATASETS
DATASETS.get('rsp.DIORDataset')
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert "building 'rsp.DIORDataset': expected the package 'mmdet'" in done.stderr
    assert 'rsp-pretrain[full]' in done.stderr


def test_names_of_other_libraries_import_no_task():
    # mmrotate has a data set of this name, too.
    assert 'mmrotate.DIORDataset'.removeprefix('rsp.') not in registry.TASK_OF
