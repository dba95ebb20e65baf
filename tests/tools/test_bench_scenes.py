"""The benchmark of scenes on tiny files."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip('rasterio', reason="needs the 'geo' extra")

TOOL = Path(__file__).parents[2] / 'tools/benchmarks/bench_scenes.py'


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Run the tool in this process, with arguments; without torchgeo."""
    spec = importlib.util.spec_from_file_location('bench_scenes', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, 'torchgeo', None)

    def run(*arguments):
        command = ['bench_scenes.py', '--folder', str(tmp_path), *arguments]
        monkeypatch.setattr(sys, 'argv', command)
        module.main()

    return run


def test_every_layout_is_measured_against_plain_rasterio(bench, tmp_path, capsys):
    tiny = '--size 600 --bands 1 3 --windows 3 --warm-up 1 --window 64 --per-read 4'
    bench(*tiny.split())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('torchgeo is not installed')
    assert 'GDAL cache 64 MiB' in lines[1]
    rates = [line for line in lines if re.match(r'[13] bands, ', line)]
    assert len(rates) == 8
    for line in rates:
        numbers = re.findall(r'([\d.]+) / ([\d.]+)', line)
        assert len(numbers) == 4
        assert all(float(n) > 0 for pair in numbers for n in pair)
    assert sum(line.startswith('  times rasterio') for line in lines) == 8
    assert len([*tmp_path.rglob('*.tif')]) == 8


def test_sizes_that_do_not_fit_are_refused(bench):
    with pytest.raises(SystemExit, match='--size of twice --window'):
        bench('--size', '100')
