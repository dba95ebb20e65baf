"""The notebooks run from their first cell to the last, and are small."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / 'docs/notebooks').glob('*.ipynb'))

# In a process of its own: warnings of Jupyter are none of ours.
EXECUTE = """
import sys

import nbformat
from nbclient import NotebookClient

NotebookClient(nbformat.read(sys.argv[1], 4), timeout=500).execute()
"""


def outputs(notebook):
    return [
        output
        for cell in json.loads(notebook.read_text(encoding='utf-8'))['cells']
        for output in cell.get('outputs', [])
    ]


@pytest.mark.parametrize('notebook', NOTEBOOKS, ids=lambda file: file.stem)
def test_what_is_saved_is_small_and_of_no_machine(notebook):
    text = notebook.read_text(encoding='utf-8')
    assert len(text) < 200_000
    shown = outputs(notebook)
    assert any('image/png' in output.get('data', {}) for output in shown)
    assert not [o for o in shown if o['output_type'] == 'error']
    assert not [o for o in shown if o.get('name') == 'stderr']
    for place in ('/tmp/', '/home/', '/root/', str(ROOT)):
        assert place not in text


@pytest.mark.slow
@pytest.mark.parametrize('notebook', NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs(notebook, tmp_path):
    pytest.importorskip('nbclient', reason="needs the 'tests' extra")
    pytest.importorskip('ipykernel', reason="needs the 'tests' extra")
    if notebook.stem == 'land_cover':
        pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    done = subprocess.run(
        [sys.executable, '-c', EXECUTE, notebook],
        cwd=notebook.parent,
        env=os.environ
        | dict(
            PATH=path,
            PYTHONPATH=str(ROOT),
            TMPDIR=str(tmp_path),
            OMP_NUM_THREADS='1',
        ),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
