"""Time windows per second from large GeoTIFFs: SceneDataset, plain rasterio, torchgeo.

    python tools/benchmarks/bench_scenes.py --folder /tmp/bench_scenes
    python tools/benchmarks/bench_scenes.py --folder /tmp/bench_scenes --size 4000 \
        --bands 3 --layouts tiled-deflate

One process. Each way reads the same number of windows of 256 x 256 pixels and all bands
as stored, after a warm-up: once with the file dropped from the memory of the system
(cold), once with the file there (warm). GDAL's cache is the same for all and smaller
than any file; its size is printed.

    rasterio   an open per window, as most loaders do
    torchgeo   RasterDataset and RandomGeoSampler; skipped where it is not installed
    windows    SceneDataset, windows anywhere
    shared     windows=dict(windows_per_read=8): anywhere, but eight from one read
    aligned    windows=dict(align=True): windows that begin where blocks do

Files are generated in --folder, or used if they are there: 6 GB by default. How much
work compressed ones are depends on their texture: with --noise 4, deflate leaves 0.74
of an image, as of real ones (0.71 of a NAIP and of a Landsat 7 image); with --noise 0,
nothing but smooth regions is left and little time goes into decoding.
"""

import argparse
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import rsp  # noqa: F401  first: see rsp/compat.py

# isort: split
import cv2
import numpy as np
import rasterio
from rasterio.windows import Window

from rsp.datasets import PairedSampler, SceneDataset
from rsp.errors import UserError, report_user_errors

TILES = dict(tiled=True, blockxsize=256, blockysize=256)
LAYOUTS: dict[str, dict] = {
    'tiled-deflate': TILES | dict(compress='deflate'),
    'tiled-raw': TILES,
    'striped-deflate': dict(compress='deflate'),
    'striped-raw': {},
}
BATCH = 64


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--folder', type=Path, required=True, help='for the files')
    parser.add_argument('--size', type=int, default=10_000, help='edge, pixels')
    parser.add_argument('--bands', type=int, nargs='+', default=[3, 13])
    parser.add_argument(
        '--layouts', nargs='+', choices=LAYOUTS, default=list(LAYOUTS), metavar='NAME'
    )
    parser.add_argument('--interleave', choices=('pixel', 'band'), default='pixel')
    parser.add_argument('--noise', type=float, default=4, help='of the texture')
    parser.add_argument('--window', type=int, default=256, help='edge, pixels')
    parser.add_argument('--windows', type=int, default=2000, help='read by each way')
    parser.add_argument('--warm-up', type=int, default=BATCH, help='windows before')
    parser.add_argument('--per-read', type=int, default=8, help="of 'shared'")
    parser.add_argument('--threads', type=int, default=2, help='of SceneDataset')
    parser.add_argument('--gdal-cache', type=int, default=64, help='of all ways, MiB')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with report_user_errors():
        if args.windows < 1 or args.size < 2 * args.window:
            raise UserError(
                f'expected at least one window and --size of twice --window, got '
                f'{args.windows}, {args.size} and {args.window}.'
            )
        ways = dict(
            rasterio=naive,
            torchgeo=torchgeo,
            windows=windows,
            shared=shared,
            aligned=aligned,
        )
        try:
            import torchgeo as _  # noqa: F401
        except ImportError:
            del ways['torchgeo']
            print('torchgeo is not installed: no comparison with its sampler.')
        print(
            f'{args.size} x {args.size} pixels, uint8, {args.interleave} interleaved; '
            f'{args.windows} windows of {args.window} x {args.window} after '
            f'{args.warm_up}; GDAL cache {args.gdal_cache} MiB; {args.threads} reading '
            f'threads on {os.cpu_count()} cores; {args.per_read} per shared read.'
        )
        head = ''.join(f'{name:>18}' for name in ways)
        print(f'{"windows/s, cold/warm":34}{head}')
        for bands in args.bands:
            for layout in args.layouts:
                file = generate(args, bands, layout)
                rates = {way: measure(args, file, ways[way]) for way in ways}
                size = size_of(file, args.size**2 * bands)
                report(f'{bands} bands, {layout}{size}', rates)


def size_of(file: Path, pixels: int) -> str:
    share = file.stat().st_size / pixels
    return f' to {share:.2f}' if share < 0.99 else f', {pixels / 2**20:.0f} MiB'


def report(name: str, rates: dict[str, list[float]]) -> None:
    row = ''.join(f'{f"{cold:.0f} / {warm:.0f}":>18}' for cold, warm in rates.values())
    print(f'{name:34}{row}', flush=True)
    for base in ('rasterio', 'torchgeo'):
        if base not in rates:
            continue
        cells = []
        for way, rate in rates.items():
            times = [
                ours / theirs for ours, theirs in zip(rate, rates[base], strict=True)
            ]
            ratio = ' / '.join(f'{factor:.1f}x' for factor in times)
            cells.append('' if way in ('rasterio', 'torchgeo') else ratio)
        ratios = ''.join(f'{cell:>18}' for cell in cells)
        print(f'{f"  times {base}":34}{ratios}', flush=True)


def measure(args: argparse.Namespace, file: Path, way: Callable) -> list[float]:
    """Measure windows per second, cold and warm."""
    rates = []
    for cold in (True, False):
        with rasterio.Env(GDAL_CACHEMAX=args.gdal_cache * 2**20):
            reading = way(args, file)
            for _ in range(args.warm_up):
                next(reading)
            if cold:
                drop_from_memory(file)
            else:
                file.read_bytes()
            start = time.perf_counter()
            for _ in range(args.windows):
                next(reading)
            rates.append(args.windows / (time.perf_counter() - start))
            reading.close()
    return rates


def drop_from_memory(file: Path) -> None:
    """Ask the system to forget what it has read of a file."""
    with file.open('rb') as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def naive(args: argparse.Namespace, file: Path) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    while True:
        x, y = rng.integers(args.size - args.window, size=2)
        with rasterio.open(file) as dataset:
            yield dataset.read(window=Window(x, y, args.window, args.window))


def torchgeo(args: argparse.Namespace, file: Path) -> Iterator[object]:
    from torchgeo.datasets import RasterDataset
    from torchgeo.samplers import RandomGeoSampler

    class Scenes(RasterDataset):
        filename_glob = file.name

    dataset = Scenes(file.parent)
    wanted = args.windows + args.warm_up
    for query in RandomGeoSampler(dataset, size=args.window, length=wanted):
        yield dataset[query]


def windows(
    args: argparse.Namespace, file: Path, **options: object
) -> Iterator[object]:
    dataset = SceneDataset(
        [str(file)],
        windows=dict(size=args.window, length=args.windows + args.warm_up, **options),
        stretch=None,
        reader=dict(threads=args.threads),
    )
    draws = list(PairedSampler(dataset, seed=0, batch_size=BATCH))
    for first in range(0, len(draws), BATCH):
        yield from dataset.__getitems__(draws[first : first + BATCH])


def shared(args: argparse.Namespace, file: Path) -> Iterator[object]:
    yield from windows(args, file, windows_per_read=args.per_read)


def aligned(args: argparse.Namespace, file: Path) -> Iterator[object]:
    yield from windows(args, file, align=True)


def generate(args: argparse.Namespace, bands: int, layout: str) -> Path:
    """Generate a file whose texture is that of fields: regions, gradients and noise."""
    name = f'{args.size}_{bands}_{layout}_{args.interleave}_{args.noise:g}.tif'
    file = args.folder / layout / str(bands) / name
    if file.is_file():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    needed = args.size**2 * bands
    if shutil.disk_usage(file.parent).free < 1.1 * needed:
        raise UserError(f"expected {needed / 2**30:.1f} GiB free for '{file}'.")
    rng = np.random.default_rng(0)
    ground = cv2.resize(
        rng.normal(110, 40, (args.size // 50, args.size // 50)).astype(np.float32),
        (args.size, args.size),
        interpolation=cv2.INTER_CUBIC,
    )
    partial = file.with_suffix('.part')
    profile = dict(
        driver='GTiff',
        width=args.size,
        height=args.size,
        count=bands,
        dtype='uint8',
        crs='EPSG:32633',
        transform=rasterio.Affine(10, 0, 500_000, 0, -10, 5_000_000),
        interleave=args.interleave,
        num_threads='all_cpus',
    )
    with rasterio.open(partial, 'w', **profile | LAYOUTS[layout]) as dataset:
        for top in range(0, args.size, 256):
            rows = ground[top : top + 256]
            shared = rows + rng.normal(0, args.noise, rows.shape).astype(np.float32)
            pixels = np.stack(
                [
                    shared * (0.7 + 0.05 * band)
                    + rng.normal(0, 0.4 * args.noise, rows.shape).astype(np.float32)
                    for band in range(bands)
                ]
            )
            place = Window(0, top, args.size, len(rows))
            dataset.write(pixels.clip(1, 255).astype(np.uint8), window=place)
    partial.rename(file)
    return file


if __name__ == '__main__':
    warnings.filterwarnings('ignore', category=UserWarning)
    main()
