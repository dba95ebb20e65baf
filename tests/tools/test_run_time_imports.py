"""Training and testing load nothing of what prepares data, nor its libraries."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# dask's scheduler, georeferenced rasters, what reads large images. jinja2, which torch
# requires anyway, renders the page at the end of a training.
OFFLINE = {'rsp.prepare', 'dask', 'distributed', 'imagehash', 'rasterio'}

RUN = """
import json, sys
from rsp.cli import main
main(argv=sys.argv[1:])
print(json.dumps(sorted(sys.modules)))
"""


def modules_after(*words):
    """Run a command in a process of its own; return what it had imported at the end."""
    done = subprocess.run(
        [sys.executable, '-c', RUN, *map(str, words)],
        cwd=ROOT,
        env=os.environ | dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def options(data_options, probe_options):
    return dict(
        train=['tests/tools/tiny_gersp.py', '--cfg-options', *data_options],
        test=['tests/tools/tiny_probe.py', 'random', '--cfg-options', *probe_options],
    )


@pytest.mark.parametrize('command', ['train', 'test'])
def test_a_step_imports_nothing_that_prepares_data(command, options, tmp_path):
    folder = f'work_dir={tmp_path}'
    modules = modules_after(command, *options[command], folder)
    # It did run.
    assert {'rsp.engine.runner', 'rsp.models.selfsup.gersp'} <= modules
    assert list(tmp_path.iterdir())
    offline = {m for m in modules for name in OFFLINE if f'{m}.'.startswith(f'{name}.')}
    assert offline == set()
