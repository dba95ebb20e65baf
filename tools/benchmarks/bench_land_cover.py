"""Time how fast footprints get their land cover, against masks of rasterio.

    python tools/benchmarks/bench_land_cover.py

writes a map of 10,000 x 10,000 cells (GeoTIFF, tiles of 256, deflate) twice, in meters
at 30 m and in degrees at about 10 m, and asks it for footprints of 256 pixels anywhere.
The baseline opens the map per footprint and cuts it by rasterio.mask.mask (cells whose
middle is inside, the box clipped to it), then counts the codes. One process, after a
warm-up; seconds are those of the processor, so other work matters little.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import rasterio
import rasterio.mask
from affine import Affine
from rasterio.crs import CRS

from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.zonal import LandCover
from rsp.geo.windows.window import Window

EDGE = 10_000
CODES = np.array([10, 20, 30, 40, 50, 60, 80, 90], np.uint8)
SCENES = CRS.from_epsg(32633)
# The corner of both maps, and how large the pixels of the scenes are, in meters.
WEST, NORTH = 400_000, 5_100_000
MAPS = {
    '30 m cells, meters': (SCENES, Affine(30, 0, WEST, 0, -30, NORTH)),
    '10 m cells, degrees': (
        CRS.from_epsg(4326),
        Affine(1 / 8000, 0, 13.7, 0, -1 / 12000, 46.1),
    ),
}
PIXELS = (0.8, 3, 10)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--footprints', type=int, default=2000)
    parser.add_argument('--baseline', type=int, default=200, help='footprints of it')
    return parser.parse_args()


def write_map(path: Path, crs: CRS, transform: Affine) -> None:
    """Write patches of 16 cells of one class with a grain of others, as maps have."""
    rng = np.random.default_rng(0)
    patches = rng.integers(len(CODES), size=(EDGE // 16, EDGE // 16))
    codes = CODES[patches.repeat(16, 0).repeat(16, 1)]
    grain = rng.random(codes.shape) < 0.05
    codes[grain] = rng.choice(CODES, int(grain.sum()))
    with rasterio.open(
        path, 'w', driver='GTiff', width=EDGE, height=EDGE, count=1, dtype='uint8',
        crs=crs, transform=transform, tiled=True, compress='deflate',
    ) as data:  # fmt: skip
        data.write(codes, 1)


def draw_footprints(number: int, pixel: float, crs: CRS) -> list[Footprint]:
    """Draw windows of 256 pixels within both maps."""
    rng = np.random.default_rng(1)
    x = rng.uniform(WEST + 5000, WEST + 70_000, number)
    y = rng.uniform(NORTH - 75_000, NORTH - 10_000, number)
    return [
        Footprint.from_window(
            Affine(pixel, 0, a, 0, -pixel, b), crs, Window(0, 0, 256, 256)
        )
        for a, b in zip(x, y, strict=True)
    ]


def rate(work: Callable[[Footprint], object], footprints: list[Footprint]) -> float:
    """Return the footprints per second of one core."""
    for footprint in footprints[:20]:
        work(footprint)
    start = time.process_time()
    for footprint in footprints:
        work(footprint)
    return len(footprints) / (time.process_time() - start)


def main() -> None:
    args = parse_args()
    print('footprints per second and core')
    print(f'{"map":22}{"pixel":>7}{"ours":>8}{"baseline":>10}{"ratio":>7}')
    with tempfile.TemporaryDirectory() as folder:
        for name, (crs, transform) in MAPS.items():
            path = Path(folder) / 'map.tif'
            write_map(path, crs, transform)
            land_cover = LandCover(path, 'globeland30')

            def mask(footprint: Footprint, path: Path = path, crs: CRS = crs) -> None:
                with rasterio.open(path) as data:
                    cut, _ = rasterio.mask.mask(
                        data, [footprint.to_crs(crs)], crop=True
                    )
                np.unique(cut, return_counts=True)

            for pixel in PIXELS:
                footprints = draw_footprints(args.footprints, pixel, SCENES)
                ours = rate(land_cover.count, footprints)
                base = rate(mask, footprints[: args.baseline])
                print(
                    f'{name:22}{pixel:5} m{ours:8.0f}{base:10.0f}{ours / base:7.1f}',
                    flush=True,
                )


if __name__ == '__main__':
    main()
