"""Generate large GeoTIFFs to read windows from, and serve them slowly.

    python tools/benchmarks/window_files.py FOLDER --latency 0.1

serves a folder on 127.0.0.1, prints the port, and ends with its standard input. Ranges
are understood, connections kept, and each answer comes so many seconds late.
"""

import argparse
import os
import shutil
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

TILES = dict(tiled=True, blockxsize=256, blockysize=256)
LAYOUTS: dict[str, dict] = {
    'tiled-raw': TILES,
    'tiled-deflate': TILES | dict(compress='deflate'),
    'tiled-deflate-2': TILES | dict(compress='deflate', predictor=2),
    'tiled-512-deflate-2': dict(
        tiled=True, blockxsize=512, blockysize=512, compress='deflate', predictor=2
    ),
    'tiled-lzw-2': TILES | dict(compress='lzw', predictor=2),
    'tiled-zstd-2': TILES | dict(compress='zstd', predictor=2),
    'striped-raw': {},
    'striped-deflate': dict(compress='deflate'),
    'striped-lzw-2': dict(compress='lzw', predictor=2),
}


def generate(
    folder: Path,
    layout: str,
    size: int,
    bands: int,
    dtype: str = 'uint8',
    interleave: str = 'pixel',
    noise: float = 4,
) -> Path:
    """Generate a file whose texture is that of fields: regions, gradients and noise.

    Args:
        folder: For files; one that is there is taken.
        layout: Of `LAYOUTS`.
        size: Edge, pixels.
        bands: Number.
        dtype: ``'uint8'``, or ``'uint16'`` with values 16 times as large.
        interleave: ``'pixel'`` or ``'band'``.
        noise: Deviation, gray levels of 8 bits.
    """
    import rasterio
    from rasterio.windows import Window

    name = f'{size}_{bands}_{dtype}_{layout}_{interleave}_{noise:g}'
    file = folder / name / f'{name}.tif'
    if file.is_file():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    needed = size**2 * bands * np.dtype(dtype).itemsize
    if shutil.disk_usage(file.parent).free < 1.1 * needed:
        raise SystemExit(f"expected {needed / 2**30:.1f} GiB free for '{file}'.")
    rng = np.random.default_rng(0)
    ground = _smooth(rng, size)
    profile: dict[str, Any] = dict(
        driver='GTiff',
        width=size,
        height=size,
        count=bands,
        dtype=dtype,
        crs='EPSG:32633',
        transform=rasterio.Affine(10, 0, 500_000, 0, -10, 5_000_000),
        interleave=interleave,
        num_threads='all_cpus',
    )
    partial = file.with_suffix('.part')
    with rasterio.open(partial, 'w', **profile | LAYOUTS[layout]) as dataset:
        for top in range(0, size, 512):
            rows = ground[top : top + 512]
            shared = rows + rng.normal(0, noise, rows.shape).astype(np.float32)
            pixels = np.stack(
                [
                    shared * (0.7 + 0.05 * band)
                    + rng.normal(0, 0.4 * noise, rows.shape).astype(np.float32)
                    for band in range(bands)
                ]
            )
            levels = pixels.clip(1, 255) * (16 if dtype == 'uint16' else 1)
            place = Window(0, top, size, len(rows))
            dataset.write(levels.astype(dtype), window=place)
    partial.rename(file)
    return file


def _smooth(rng: np.random.Generator, size: int) -> np.ndarray:
    import cv2

    coarse = rng.normal(110, 40, (size // 50, size // 50)).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def drop_from_memory(file: Path) -> None:
    """Ask the system to forget what it has read of a file."""
    with file.open('rb') as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Ranges(BaseHTTPRequestHandler):
    """Answer HEAD and GET of files of a folder, whole or a range, late."""

    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    folder, latency = Path(), 0.0

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def _answer(self, body: bool) -> None:
        time.sleep(self.latency)
        file = self.folder / self.path.lstrip('/').partition('?')[0]
        if not file.is_file():
            self.send_response(404)
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        size = file.stat().st_size
        first, last = 0, size - 1
        wanted = self.headers.get('Range')
        if wanted:
            start, _, stop = wanted.removeprefix('bytes=').partition('-')
            first, last = int(start), min(int(stop or last), last)
        self.send_response(206 if wanted else 200)
        self.send_header('Accept-Ranges', 'bytes')
        self.send_header('Content-Length', str(last - first + 1))
        if wanted:
            self.send_header('Content-Range', f'bytes {first}-{last}/{size}')
        self.end_headers()
        if body:
            with file.open('rb') as opened:
                opened.seek(first)
                self.wfile.write(opened.read(last - first + 1))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', type=Path)
    parser.add_argument('--latency', type=float, default=0.0, help='seconds')
    args = parser.parse_args()
    Ranges.folder, Ranges.latency = args.folder.resolve(), args.latency
    server = ThreadingHTTPServer(('127.0.0.1', 0), Ranges)
    server.daemon_threads = True
    server.request_queue_size = 512
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == '__main__':
    main()
