"""Small georeferenced scenes and the land cover of the same ground, generated.

One invented ground, 45 degrees north and 15 degrees east, decides what all files show:
a river, a lake, a town and fields, as a function of place. A scene and a land-cover
raster of any grid and CRS therefore agree, pixel by pixel, up to their sampling.

    files = scenes.make(tmp_path)      # a folder like that of a user
    scenes.sentinel2(tmp_path / 'a.tif', scenes.utm_grid(300, 200))
"""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import rasterio
from rasterio import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as warp_points

GROUND = CRS.from_epsg(32633)
# 15 degrees east, 45 degrees north: where two tiles of GlobeLand30 meet.
ORIGIN = (500_000.0, 4_982_950.4)
DEGREES = CRS.from_epsg(4326)

# What grows where: official names of GeoKR, in the order of `land_cover_at`.
CLASSES = (
    'Cultivated_Land',
    'Forest',
    'Grassland',
    'Waterbodies',
    'Artificial_Surfaces',
    'Bareland',
)
WORLDCOVER = np.array([40, 10, 30, 80, 50, 60], np.uint8)
GLOBELAND30 = np.array([10, 20, 30, 60, 80, 90], np.uint8)
# Blue, green, red, near infrared: reflectance x 10,000.
SPECTRA = np.array(
    [
        [700, 1100, 900, 3600],
        [300, 500, 350, 2800],
        [600, 1000, 800, 2500],
        [900, 700, 400, 150],
        [1500, 1600, 1700, 2000],
        [1800, 2200, 2600, 3000],
    ]
)


@dataclass(frozen=True)
class Grid:
    """Store where the pixels of a raster lie."""

    width: int
    height: int
    transform: Affine
    crs: CRS

    def ground(self) -> tuple[np.ndarray, np.ndarray]:
        """Meters east and north of `ORIGIN` of all pixel centers, each (H, W)."""
        columns, rows = np.meshgrid(
            np.arange(self.width) + 0.5, np.arange(self.height) + 0.5
        )
        x, y = self.transform @ (columns, rows)
        if self.crs != GROUND:
            x, y = warp_points(self.crs, GROUND, x.ravel(), y.ravel())
        shape = (self.height, self.width)
        east = np.reshape(x, shape) - ORIGIN[0]
        return east, np.reshape(y, shape) - ORIGIN[1]


def utm_grid(
    width: int,
    height: int,
    east: float = 0.0,
    north: float = 0.0,
    pixel: float = 10.0,
    rotation: float = 0.0,
) -> Grid:
    """A grid in UTM zone 33; corner in meters from `ORIGIN`, rotation in degrees."""
    corner = Affine.translation(ORIGIN[0] + east, ORIGIN[1] + north)
    return Grid(
        width,
        height,
        corner @ Affine.rotation(rotation) @ Affine.scale(pixel, -pixel),
        GROUND,
    )


def degree_grid(
    width: int, height: int, east: float = 0.0, north: float = 0.0, pixel: float = 10.0
) -> Grid:
    """A grid in longitude and latitude; all arguments in meters, about."""
    (lon,), (lat,) = warp_points(
        GROUND, DEGREES, [ORIGIN[0] + east], [ORIGIN[1] + north]
    )
    step = pixel / 111_320
    scale = Affine.scale(step / np.cos(np.radians(lat)), -step)
    return Grid(width, height, Affine.translation(lon, lat) @ scale, DEGREES)


def land_cover_at(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Places in `CLASSES` of what covers these points, meters from `ORIGIN`."""
    # Fields of 160 m: crops, woods, meadows and fallow land in a fixed disorder.
    column, row = np.floor(east / 160), np.floor(north / 160)
    disorder = np.modf(np.abs(np.sin(column * 12.9898 + row * 78.233) * 43758.5))[0]
    cover = np.select([disorder < 0.4, disorder < 0.7, disorder < 0.9], [0, 1, 2], 5)
    cover[np.hypot(east - 900, north + 900) < 350] = 4
    cover[np.abs(north + 1200 - 300 * np.sin(east / 500)) < 60] = 3
    cover[np.hypot(east - 1900, north + 700) < 260] = 3
    return cover


def reflectance(grid: Grid, bands: int = 4) -> np.ndarray:
    """Render what a sensor sees, (bands, H, W), reflectance x 10,000, uint16, never 0.

    Texture comes from the place as well: two pictures of a place are alike.
    """
    east, north = grid.ground()
    spectra = SPECTRA[:, np.arange(bands) % SPECTRA.shape[1]]
    seen = spectra[land_cover_at(east, north)].transpose(2, 0, 1)
    ripple = 1 + 0.12 * np.sin(east / 23) * np.cos(north / 31)
    return np.clip(seen * ripple, 1, 10_000).astype(np.uint16)


def write(path: Path, pixels: np.ndarray, grid: Grid, **profile: Any) -> Path:
    """Write (bands, H, W); ``profile`` overrides tiles of 128 pixels, deflated."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = dict(tiled=True, blockxsize=128, blockysize=128, compress='deflate')
    with rasterio.open(
        path,
        'w',
        driver='GTiff',
        count=len(pixels),
        height=grid.height,
        width=grid.width,
        dtype=pixels.dtype,
        **dict(crs=grid.crs, transform=grid.transform) | options | profile,
    ) as file:
        file.write(pixels)
    return path


def sentinel2(
    path: Path, grid: Grid, bands: int = 4, wedge: bool = False, **profile: Any
) -> Path:
    """Write reflectances as uint16; ``wedge`` leaves a corner without data (0)."""
    pixels = reflectance(grid, bands)
    if wedge:
        rows, columns = np.indices(pixels.shape[1:])
        pixels[:, rows / grid.height + columns / grid.width < 0.6] = 0
        profile = dict(nodata=0) | profile
    return write(path, pixels, grid, **profile)


def aerial(path: Path, grid: Grid, **profile: Any) -> Path:
    """Write an 8-bit picture: red, green, blue."""
    pixels = reflectance(grid)[[2, 1, 0]] / 3000 * 255
    return write(path, np.clip(pixels, 1, 255).astype(np.uint8), grid, **profile)


def striped(path: Path, grid: Grid) -> Path:
    """Write a `sentinel2` scene in rows, as many tools do without being asked."""
    return sentinel2(path, grid, tiled=False, blockxsize=None, blockysize=1)


def without_crs(path: Path, grid: Grid) -> Path:
    """Write a `sentinel2` scene that does not say where its coordinates belong."""
    return sentinel2(path, grid, crs=None)


def truncated(path: Path, grid: Grid) -> Path:
    """Write a `sentinel2` scene of which only the first half arrived."""
    sentinel2(path, grid, compress=None)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def worldcover(path: Path, grid: Grid | None = None) -> Path:
    """Write the ground like ESA WorldCover: degrees, 10 m, its codes, 0 no data."""
    grid = grid or degree_grid(420, 420, east=-400, north=400)
    cover = WORLDCOVER[land_cover_at(*grid.ground())]
    return write(path, cover[None], grid, nodata=0)


def globeland30(folder: Path) -> list[Path]:
    """Write the ground as two tiles of GlobeLand30, which meet at 45 degrees north.

    UTM, 30 m, its codes and file names; 0 beyond a tile's latitudes.
    """
    grid = utm_grid(140, 140, east=-400, north=400, pixel=30)
    east, north = grid.ground()
    cover = GLOBELAND30[land_cover_at(east, north)]
    _, latitudes = warp_points(
        GROUND, DEGREES, east.ravel() + ORIGIN[0], north.ravel() + ORIGIN[1]
    )
    upper = np.reshape(latitudes, cover.shape) >= 45
    return [
        write(folder / f'n33_{lowest}_2020lc030.tif', tile[None], grid, nodata=0)
        for lowest, tile in (
            (45, np.where(upper, cover, 0).astype(np.uint8)),
            (40, np.where(upper, 0, cover).astype(np.uint8)),
        )
    ]


def make(folder: Path) -> SimpleNamespace:
    """Write a folder of good scenes, one of bad files, and two land-cover maps.

    Returns:
        ``scenes``, ``bad``, ``worldcover`` (paths) and ``globeland30`` (list of paths).
    """
    good, bad = folder / 'scenes', folder / 'bad'
    sentinel2(good / 's2' / 'S2A_20200601_T33TWK.tif', utm_grid(300, 260))
    striped(good / 's2' / 'S2B_20200811_T33TWK.tif', utm_grid(280, 200, 150, -90))
    sentinel2(good / 's2' / 'wedge.tif', utm_grid(256, 256, 600, 200), wedge=True)
    sentinel2(good / 's2' / 'rotated.tif', utm_grid(220, 200, 300, -200, rotation=20))
    for number, east in enumerate((200, 500)):
        grid = degree_grid(300, 240, east, -300, pixel=2)
        aerial(good / 'aerial' / f'tile_{number}.tif', grid)
    truncated(bad / 'truncated.tif', utm_grid(300, 260))
    without_crs(bad / 'no_crs.tif', utm_grid(200, 200))
    return SimpleNamespace(
        scenes=good,
        bad=bad,
        worldcover=worldcover(folder / 'land_cover' / 'worldcover.tif'),
        globeland30=globeland30(folder / 'land_cover' / 'globeland30'),
    )
