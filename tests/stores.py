"""Packed stores of small images, for tests."""

import os
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import pytest

from rsp.io.images import read_pixels


def pack(folder: Path, out: Path, skip_bad: bool = False, **settings: Any) -> Path:
    """Pack a folder in this process; return the folder of the store."""
    pytest.importorskip('distributed', reason="needs the 'geo' extra")
    from rsp.prepare.pack.folder import pack_folder
    from rsp.prepare.pack.settings import PackSettings

    workers = settings.pop('workers', 0)
    pack_folder(folder, out, PackSettings(**settings), skip_bad, workers=workers)
    return out


def put_mean(path: str, queue: Queue) -> None:
    """Read an image in a process of its own; here, so that a spawned one finds it."""
    queue.put((os.getpid(), float(read_pixels(path).mean())))
