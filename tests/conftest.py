"""What all tests share: seeds, small images on disk, a two-process gloo pool."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import rsp  # noqa: F401  registers everything, and first: see rsp/platform.py

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    np.random.seed(0)


@pytest.fixture
def write_images(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes small colour images below tmp_path."""
    rng = np.random.default_rng(0)

    def write(folder: str, names: list[str], size: tuple[int, int] = (36, 40)) -> Path:
        for name in names:
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(256, size=(*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file)
        return tmp_path / folder

    return write


def _join(rank: int, port: int) -> None:
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', rank=rank, world_size=2)
