"""The overview names configs that exist, and every page lists its own."""

import re
from pathlib import Path

import pytest

from rsp.io.configs import config_folder

DOWNSTREAM = config_folder() / 'downstream'
TASKS = sorted(p.parent.name for p in DOWNSTREAM.glob('*/README.md'))


def configs(task: str) -> set[str]:
    return {p.stem for p in (DOWNSTREAM / task).glob('*.py')}


def test_every_config_of_the_table_exists():
    text = (DOWNSTREAM / 'README.md').read_text()
    named = set(re.findall(r'^\| `([\w+-]+/[\w+-]+)` \|', text, re.MULTILINE))
    known = {f'{task}/{name}' for task in TASKS for name in configs(task)}
    assert len(named) == 26  # names in braces stand for several
    assert named - known == set()


@pytest.mark.parametrize('task', TASKS)
def test_the_page_of_a_task_lists_all_its_configs(task):
    text = (DOWNSTREAM / task / 'README.md').read_text()
    assert {name for name in configs(task) if name not in text} == set()


def test_every_task_has_a_page():
    folders = {p.name for p in DOWNSTREAM.iterdir() if p.is_dir()} - {'_base_'}
    assert folders - {'__pycache__'} == set(TASKS)


@pytest.mark.parametrize('task', TASKS)
def test_every_header_tells_source_cost_and_commands(task):
    for path in sorted((DOWNSTREAM / task).glob('*.py')):
        header = Path(path).read_text().split('\n_base_')[0]
        for word in ('Source', 'Cost', 'Command'):
            assert word in header, f'{path.name} lacks {word}'
