"""The benchmark of scenes on tiny files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rasterio', reason="needs the 'geo' extra")

TOOL = Path(__file__).parents[2] / 'tools/benchmarks/bench_scenes.py'


def bench(folder, options):
    command = [sys.executable, str(TOOL), '--folder', str(folder), *options.split()]
    return subprocess.run(command, capture_output=True, text=True)


def test_every_way_is_measured_against_plain_rasterio(tmp_path):
    out = tmp_path / 'figures.json'
    done = bench(
        tmp_path,
        '--size 320 --bands 3 --windows 64 --rounds 1 --window 64 '
        f'--layouts tiled-deflate striped-deflate --out {out}',
    )
    assert done.returncode == 0, done.stderr
    assert 'GDAL cache 64 MiB' in done.stdout
    found = json.loads(out.read_text())
    assert [case['layout'] for case in found] == ['tiled-deflate', 'striped-deflate']
    for case in found:
        assert 0.3 < case['compressed to'] < 1
        for figures in (case['rates'], case['cpu_milliseconds']):
            assert {*figures} == {'rasterio', 'default', 'single', 'shared', 'aligned'}
            assert all(number > 0 for one in figures.values() for number in one)
    assert len([*tmp_path.rglob('*.tif')]) == 2


def test_sizes_that_do_not_fit_are_refused(tmp_path):
    done = bench(tmp_path, '--size 100')
    assert done.returncode == 1
    assert '--size of five times --window' in done.stderr
    assert not [*tmp_path.iterdir()]
