"""Small images on disk and scripts run the way a user runs them."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='session')
def data_options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """``--cfg-options`` that point the tiny configs at eight generated images."""
    root = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    for number in range(8):
        for name in (f'remote/{number}.jpg', f'natural/{number % 3}/{number}.jpg'):
            pixels = rng.integers(256, size=(32, 32, 3), dtype=np.uint8)
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / name)
    sources = 'train_dataloader.dataset.sources'
    return [f'{sources}.{name}.data_root={root}' for name in ('remote', 'natural')]


@pytest.fixture
def probe_options(data_options: list[str]) -> list[str]:
    """``--cfg-options`` that point tiny_probe.py at the same images."""
    root = data_options[0].partition('=')[2]
    loaders = ('test_dataloader', 'test_cfg.train_dataloader')
    return [f'{loader}.dataset.data_root={root}' for loader in loaders]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that runs a Python script of tools/ in this process."""

    def run(name: str, *arguments: object) -> None:
        file = ROOT / 'tools' / name
        monkeypatch.setattr(sys, 'argv', [str(file), *map(str, arguments)])
        monkeypatch.setattr(sys, 'path', list(sys.path))
        # Scripts set these for mmengine; later tests must not find them.
        monkeypatch.setenv('LOCAL_RANK', '0')
        runpy.run_path(str(file), run_name='__main__')

    return run


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a shell script of tools/ from another folder."""

    def run(name: str, *arguments: object, **variables: object):
        return subprocess.run(
            ['bash', str(ROOT / 'tools' / name), *map(str, arguments)],
            cwd=tmp_path,
            env=shell_environment(**variables),
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def shell_environment(**variables: object) -> dict[str, str]:
    launched = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')
    kept = {name: value for name, value in os.environ.items() if name not in launched}
    own = dict(PYTHON=sys.executable, OMP_NUM_THREADS=1) | variables
    return kept | {name: str(value) for name, value in own.items()}
