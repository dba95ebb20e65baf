"""The report of a GPU, as far as a CPU can tell."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).parents[2] / 'tools' / 'benchmarks'
# What a machine with a GPU, and without a network, need not have.
MISSING = ('mmcv._ext', 'mmdet', 'mmseg', 'mmrotate', 'rasterio', 'lmdb')
WITHOUT = """
import importlib.machinery, runpy, sys
class Without:
    def find_spec(self, name, *rest):
        if any(name == m or name.startswith(m + '.') for m in {missing!r}):
            return None
        return importlib.machinery.PathFinder.find_spec(name, *rest)
    def __getattr__(self, name):
        return getattr(importlib.machinery.PathFinder, name)
place = sys.meta_path.index(importlib.machinery.PathFinder)
sys.meta_path[place] = Without()
sys.argv = {argv!r}
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.fixture
def report(monkeypatch):
    monkeypatch.setattr(sys, 'path', list(sys.path))
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    spec = importlib.util.spec_from_file_location(
        'gpu_report', BENCHMARKS / 'gpu_report.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_part_that_fails_is_told_and_the_others_go_on(report, capsys):
    saved = []
    parts = dict(bad=(0.1, lambda _: 1 / 0), good=(0.1, lambda _: dict(n=3)))
    results = report.run_parts(parts, 1, lambda found: saved.append(dict(found)))
    assert results['bad']['status'] == 'failed'
    assert 'ZeroDivisionError' in results['bad']['reason']
    assert '1 / 0' in results['bad']['traceback']
    assert results['good'] == dict(status='done', result=dict(n=3), seconds=0.0)
    assert [list(found) for found in saved] == [['bad'], ['bad', 'good']]


def test_a_part_without_time_is_skipped(report, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(report, 'time', SimpleNamespace(monotonic=lambda: now[0]))

    def take(seconds):
        now[0] += seconds

    parts = dict(first=(0.5, lambda _: take(80)), late=(0.8, take), short=(0.1, take))
    results = report.run_parts(parts, 2, lambda _: None)
    statuses = [part['status'] for part in results.values()]
    assert statuses == ['done', 'skipped', 'done']
    assert results['late']['reason'] == '40 s were left, it needs 96 s'
    assert results['first']['seconds'] == 80


def test_a_part_that_does_not_end_is_interrupted(report):
    parts = dict(stuck=(0.1, lambda _: time.sleep(60)))
    results = report.run_parts(parts, 0.02, lambda _: None)
    assert results['stuck']['status'] == 'failed'
    assert 'TimeoutError' in results['stuck']['reason']


def test_a_part_is_told_its_share_of_the_time(report):
    told = []
    report.run_parts(dict(part=(0.25, told.append)), 2, lambda _: None)
    assert told == [pytest.approx(30)]


@pytest.mark.slow
def test_all_parts_go_well_without_what_a_bare_machine_lacks(tmp_path):
    """The whole report on small networks, in about a minute of processor time."""
    words = ['--device', 'cpu', '--tiny', '--minutes', '40', '--out', str(tmp_path)]
    argv = [str(BENCHMARKS / 'gpu_report.py'), *words]
    done = subprocess.run(
        [sys.executable, '-c', WITHOUT.format(missing=MISSING, argv=argv)],
        capture_output=True,
        text=True,
    )
    assert done.stdout, done.stderr
    found = json.loads((tmp_path / 'report.json').read_text())['parts']
    assert {part['status'] for part in found.values()} == {'done'}, done.stderr
    assert done.returncode == 0
    assert all(m['fits'] for m in found['parity of a step']['result'].values())
    assert all(m['fits'] for m in found['half precision']['result'].values())
    assert all(m['fits'] for m in found['device views']['result'].values())
    resumed = found['resume']['result']
    assert resumed['fits']
    assert resumed['tensors'] > 300
    fast = found['GeRSP R50 fast']['result']
    assert fast['bare_pairs'] >= 3
    assert sum(fast['parts'].values()) == pytest.approx(1)
    text = (tmp_path / 'report.md').read_text()
    assert 'a test of this program' in text
    assert '| resumed bit for bit | 1 of 1 | 1 of 1 |' in text
