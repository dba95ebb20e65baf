"""Read random windows by other libraries, in an environment of their own.

    ENV/bin/python tools/benchmarks/foreign_windows.py torchgeo FILE --window 256

bench_scenes.py starts it: for each line on the standard input, a number of windows, it
reads so many and prints seconds, and seconds of this process's CPUs. FILE is a path or
a URL.

    rasterio   an open per window, as most loaders do
    torchgeo   RasterDataset and RandomGeoSampler
    rasteret   Collection.read_window, on an index of the file made beforehand; 64
               windows at a time in threads, as it has no call for many windows
"""

import argparse
import datetime
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
import rasterio.warp
from rasterio.windows import Window

TOGETHER = 64


def by_rasterio(file: str, edge: int) -> Iterator[np.ndarray]:
    with rasterio.open(file) as dataset:
        height, width = dataset.shape
    rng = np.random.default_rng(0)
    while True:
        x, y = rng.integers(width - edge + 1), rng.integers(height - edge + 1)
        with rasterio.open(file) as dataset:
            yield dataset.read(window=Window(x, y, edge, edge))


def by_torchgeo(file: str, edge: int) -> Iterator[object]:
    from torchgeo.datasets import RasterDataset
    from torchgeo.samplers import RandomGeoSampler

    class Scenes(RasterDataset):
        filename_glob = '*.tif'

    remote = '://' in file
    dataset = Scenes([f'/vsicurl/{file}'] if remote else Path(file).parent)
    while True:
        for query in RandomGeoSampler(dataset, size=edge, length=1000):
            yield dataset[query]


def by_rasteret(file: str, edge: int) -> Iterator[np.ndarray]:
    import pyarrow
    import rasteret
    import shapely
    from rasteret.fetch import cog

    # It refuses HTTP without TLS otherwise.
    cog._OBSTORE_CLIENT_OPTIONS['allow_http'] = 'true'
    with rasterio.open(file) as dataset:
        height, width, count = *dataset.shape, dataset.count
        transform, code = dataset.transform, dataset.crs.to_epsg()
        outline = rasterio.warp.transform_bounds(
            dataset.crs, 'EPSG:4326', *dataset.bounds
        )
    names = [f'B{band}' for band in range(count)]
    table = pyarrow.table(
        dict(
            id=['scene'],
            datetime=[datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)],
            geometry=[shapely.to_wkb(shapely.box(*outline))],
            url=[file],
            **{'proj:epsg': [code]},
        )
    )
    scenes = rasteret.build_from_table(
        table,
        href_column='url',
        band_index_map={name: band for band, name in enumerate(names)},
        enrich_cog=True,
        band_codes=names,
    )

    def read(corner: np.ndarray) -> np.ndarray:
        left, top = transform * (int(corner[0]), int(corner[1]))
        right, bottom = transform * (int(corner[0]) + edge, int(corner[1]) + edge)
        return scenes.read_window(
            record_ids=['scene'],
            bounds=(left, bottom, right, top),
            res=(transform.a, -transform.e),
            bands=names,
            target_crs=code,
        )

    rng = np.random.default_rng(0)
    with ThreadPoolExecutor(TOGETHER) as pool:
        while True:
            limits = width - edge + 1, height - edge + 1
            yield from pool.map(read, rng.integers(limits, size=(TOGETHER, 2)))


WAYS = dict(rasterio=by_rasterio, torchgeo=by_torchgeo, rasteret=by_rasteret)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('way', choices=WAYS)
    parser.add_argument('file')
    parser.add_argument('--window', type=int, default=256, help='edge, pixels')
    parser.add_argument('--gdal-cache', type=int, default=64, help='MiB')
    args = parser.parse_args()
    warnings.filterwarnings('ignore')
    with rasterio.Env(GDAL_CACHEMAX=args.gdal_cache * 2**20):
        reading = WAYS[args.way](args.file, args.window)
        for line in sys.stdin:
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(int(line)):
                next(reading)
            used = time.perf_counter() - wall, time.process_time() - cpu
            print(*used, flush=True)


if __name__ == '__main__':
    main()
