"""Share fixtures: seeds, small images on disk, a two-process gloo pool."""

import ctypes
import gc
import inspect
import os
import pickle
import secrets
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import rsp  # noqa: F401  registers everything

# Lets every test import what lies beside this file.
sys.path.insert(0, str(Path(__file__).parent))

# isort: split
import singletons

# Beside the checkout, where there are any.
REAL_IMAGES = Path(__file__).parents[2] / 'shared/data'
WORKER = Path(__file__).with_name('gloo_worker.py')
# Windows has none by this name.
LIBC = None if os.name == 'nt' else ctypes.CDLL(None)
# A shell starts jobs in the background with it ignored, and what tests interrupt would
# inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _configs_without_beauty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out yapf: mmengine lays out a config six times per run, 2 s on a core."""
    monkeypatch.setattr(
        'yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, True)
    )


@pytest.fixture(autouse=True, scope='session')
def _old_objects_are_not_searched() -> None:
    """Every data set of mmengine collects garbage, among all that was imported."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    np.random.seed(0)


@pytest.fixture(autouse=True)
def _no_run_left_behind() -> Iterator[None]:
    with singletons.left_alone():
        yield


@pytest.fixture(autouse=True)
def _memory_given_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Free memory after tests of real sizes: glibc keeps unused gigabytes."""
    yield
    if request.node.get_closest_marker('slow') and hasattr(LIBC, 'malloc_trim'):
        gc.collect()
        LIBC.malloc_trim(0)


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that unpacks an archive of real images below tmp_path."""
    folder = Path(os.environ.get('RSP_SHARED_DATA', REAL_IMAGES))

    def unpack(archive: str, target: str = 'unpacked') -> Path:
        file = folder / archive
        if not file.is_file():
            pytest.skip(f'no archive at {file}; set RSP_SHARED_DATA')
        with tarfile.open(file) as tar:
            tar.extractall(tmp_path, filter='data')
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        return (tmp_path / Path(archive).stem).rename(tmp_path / target)

    return unpack


@pytest.fixture
def write_images(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes small random color images below tmp_path."""
    rng = np.random.default_rng(0)

    def write(folder: str, names: list[str], size: tuple[int, int] = (36, 40)) -> Path:
        for name in names:
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(256, size=(*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file)
        return tmp_path / folder

    return write


@pytest.fixture(scope='session', autouse=True)
def _cache_of_stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the tests stack out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('RSP_CACHE', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture
def write_scene(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a GeoTIFF below tmp_path whose pixels know places.

    Unless ``pixels`` (bands, H, W) are given, band 1 holds a pixel's column + 1, band 2
    its row + 1 and further bands ``fill``.
    """
    rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    north_up = rasterio.Affine(10, 0, 500_000, 0, -10, 5_000_000)

    def write(
        name: str,
        width: int = 100,
        height: int = 80,
        bands: int = 3,
        dtype: str = 'uint16',
        fill: float = 7,
        pixels: np.ndarray | None = None,
        mask: np.ndarray | None = None,
        **profile: Any,
    ) -> Path:
        if pixels is None:
            pixels = np.full((bands, height, width), fill, dtype)
            pixels[0] = np.arange(1, width + 1)
            if bands > 1:
                pixels[1] = np.arange(1, height + 1)[:, None]
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        count, height, width = pixels.shape
        facts = dict(crs='EPSG:32633', transform=north_up, dtype=pixels.dtype)
        shape = dict(driver='GTiff', width=width, height=height, count=count)
        with rasterio.open(file, 'w', **shape | facts | profile) as dataset:
            dataset.write(pixels)
            if mask is not None:
                dataset.write_mask(mask)
        return file

    return write


@pytest.fixture(scope='session')
def gloo() -> Callable[..., list[Any]]:
    """Return a function that runs a test module's function on two gloo ranks.

    The processes start once per session. The function must stand at the top level of
    its file and take and return what can be pickled; results come in rank order.
    """
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    key = secrets.token_bytes(16)
    environment = os.environ | dict(
        OMP_NUM_THREADS='1',
        PYTHONPATH=os.pathsep.join(sys.path),
        GLOO_WORKER_KEY=key.hex(),
    )
    with Listener(('127.0.0.1', 0), authkey=key) as listener:
        address = listener.address
        workers = [
            subprocess.Popen(
                [sys.executable, str(WORKER), str(rank), str(port), *map(str, address)],
                env=environment,
                # Not that of the test that comes first, which goes when it has passed.
                cwd=WORKER.parents[1],
            )
            for rank in range(2)
        ]
        # Either may come first; the first message tells which rank it is.
        pipes = sorted(
            (listener.accept() for _ in workers), key=lambda pipe: pipe.recv()
        )

        def run(function: Callable, *arguments: Any) -> list[Any]:
            file = inspect.getfile(function)
            for pipe in pipes:
                pipe.send((file, function.__name__, arguments))
            answers = [pickle.loads(pipe.recv_bytes()) for pipe in pipes]
            for rank, (succeeded, answer) in enumerate(answers):
                assert succeeded, f'rank {rank}:\n{answer}'
            return [answer for _, answer in answers]

        yield run
        for pipe in pipes:
            # Not by closing it: loader processes of tests may hold it open as well.
            pipe.send(None)
        for worker in workers:
            worker.wait(timeout=60)
