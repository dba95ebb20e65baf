"""The pages build without a warning: links, headings, tables of contents."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_pages_build_without_a_warning(tmp_path):
    pytest.importorskip('sphinx', reason="needs the 'docs' extra")
    words = ['-m', 'sphinx', '-W', '--keep-going', '-q', '-d', tmp_path / 'cache']
    built = subprocess.run(
        [sys.executable, *words, '-c', ROOT / 'docs', ROOT, tmp_path / 'html'],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr
    for page in ('docs/index', 'docs/get_started', 'configs/gersp/README'):
        assert (tmp_path / 'html' / f'{page}.html').is_file()


def test_the_front_page_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 150
