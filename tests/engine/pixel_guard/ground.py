"""Make small data sets of all tasks out of the quick start's real EuroSAT images."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from PIL import Image

QUICKSTART = Path(__file__).parents[3] / 'data/quickstart'
# Of EuroSAT's 13 bands, digital numbers (published with torchgeo's data set).
PUBLISHED_MEAN = (1354.4, 1118.2, 1042.9, 947.6, 1199.5, 2000.0, 2369.2)
PUBLISHED_MEAN += (2296.8, 732.1, 12.1, 1819.0, 1118.9, 2594.1)
PUBLISHED_STD = (245.7, 333.0, 395.1, 593.8, 566.4, 861.2, 1086.6)
PUBLISHED_STD += (1118.0, 404.9, 4.8, 1002.6, 761.3, 1231.6)
# Sentinel-1 of land, VV and VH in decibels.
DECIBELS = (-11.0, -18.0), (4.0, 4.5)
SIDE = 256


@cache
def tiles() -> np.ndarray:
    """Real images, (N, 64, 64, 3), in a fixed disorder."""
    files = sorted((QUICKSTART / 'remote').rglob('*.jpg'))
    order = np.random.default_rng(0).permutation(len(files))[:512]
    return np.stack([np.asarray(Image.open(files[i])) for i in order])


def mosaic(seed: int, side: int = SIDE) -> np.ndarray:
    """Lay real images side by side, (side, side, 3), red, green, blue."""
    rng = np.random.default_rng(seed)
    n = side // 64
    chosen = tiles()[rng.integers(0, len(tiles()), n * n)]
    return chosen.reshape(n, n, 64, 64, 3).swapaxes(1, 2).reshape(side, side, 3)


def spectral(seed: int, side: int = SIDE) -> np.ndarray:
    """Draw 13 bands with EuroSAT's statistics, (13, side, side) uint16."""
    return to_bands(mosaic(seed, side))


def to_bands(image: np.ndarray) -> np.ndarray:
    """Give an image (H, W, 3) 13 bands with EuroSAT's statistics, (13, H, W) uint16."""
    white = (image.astype(np.float64) - (87.8, 96.9, 103.9)) / (51.6, 34.2, 29.4)
    mixing = np.random.default_rng(13).dirichlet([0.6] * 3, 13)
    mixing[[1, 2, 3]] = np.eye(3)[[2, 1, 0]]
    mixing /= np.linalg.norm(mixing, axis=1, keepdims=True)
    bands = white @ mixing.T * PUBLISHED_STD + PUBLISHED_MEAN
    return bands.transpose(2, 0, 1).clip(1, 20000).astype(np.uint16)


def radar(seed: int) -> np.ndarray:
    """Two bands in decibels, (2, side, side) float32."""
    rgb = mosaic(seed)[..., :2].astype(np.float64)
    white = (rgb - (87.8, 96.9)) / (51.6, 34.2)
    speckle = np.random.default_rng(seed).normal(0, 0.5, white.shape)
    mean, std = DECIBELS
    return ((white + speckle) * std + mean).transpose(2, 0, 1).astype(np.float32)


def measured(draw: Any, count: int = 6) -> tuple[list[float], list[float]]:
    """Measure mean and std per band of scenes, as ``rsp prepare scan`` does."""
    bands = np.concatenate(
        [draw(n).reshape(len(draw(n)), -1) for n in range(count)], axis=1
    )
    return bands.mean(axis=1).tolist(), bands.std(axis=1).tolist()


def write(
    path: Path, pixels: np.ndarray, number: int = 0, pixel: float = 10.0, **options: Any
) -> None:
    """Write (bands, H, W) as a georeferenced scene; ``number`` says where it lies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bands, height, width = pixels.shape
    profile: dict[str, Any] = dict(
        driver='GTiff', count=bands, height=height, width=width, dtype=pixels.dtype
    )
    corner = Affine(pixel, 0, 500_000 + number * 20_000, 0, -pixel, 5_000_000)
    profile |= dict(crs='EPSG:32633', transform=corner) | options
    with rasterio.open(path, 'w', **profile) as file:
        file.write(pixels)


def scenes(folder: Path, make: Any, count: int = 6, **options: Any) -> Path:
    """Write scenes that ``make(seed)`` draws."""
    for number in range(count):
        write(folder / f'{number}.tif', make(number), number, **options)
    return folder


def cover(folder: Path, count: int = 6, constant: int | None = None) -> Path:
    """Write a land-cover map (WorldCover's codes) below the scenes."""
    codes = np.array([10, 30, 40, 50, 60, 80], np.uint8)
    for number in range(count):
        rng = np.random.default_rng(number)
        fields = codes[rng.integers(0, 6, (16, 16))].repeat(16, 0).repeat(16, 1)
        if constant is not None:
            fields[:] = constant
        write(folder / f'map_{number}.tif', fields[None], number, nodata=0)
    return folder


def images(folder: Path, change: Any = None, count: int = 64) -> Path:
    """Write mosaics as PNG, after ``change`` of their pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = mosaic(number)
        pixels = pixels if change is None else change(pixels)
        Image.fromarray(pixels).save(folder / f'{number:02}.png')
    return folder


def spectral_images(folder: Path, count: int = 64) -> Path:
    """Write 13-band files, as many as `images`."""
    for number in range(count):
        write(folder / f'{number:02}.tif', spectral(number))
    return folder


def spectral_classes(folder: Path, source: Path) -> Path:
    """Link the files of a folder into two class folders."""
    for number, file in enumerate(sorted(source.glob('*.tif'))):
        link = folder / 'ab'[number % 2] / file.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.hardlink_to(file)
    return folder


def masks(folder: Path, fill: Any, count: int = 64) -> Path:
    """Write masks; ``fill(rng)`` draws one of (SIDE, SIDE) uint8."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        mask = fill(np.random.default_rng(number))
        Image.fromarray(mask).save(folder / f'{number:02}.png')
    return folder


def blocks(values: tuple[int, ...]) -> Any:
    """Return a drawer of masks of rectangles with these values."""
    return lambda rng: (
        rng.choice(np.array(values, np.uint8), (8, 8)).repeat(32, 0).repeat(32, 1)
    )


def coco(folder: Path, count: int = 64, name: str = 'car') -> Path:
    """Write a COCO json with two boxes per image."""
    shots = [
        dict(id=n, file_name=f'{n:02}.png', height=SIDE, width=SIDE)
        for n in range(count)
    ]
    boxes = [
        dict(
            id=2 * n + k,
            image_id=n,
            category_id=1,
            iscrowd=0,
            bbox=[20 + 90 * k, 30, 40, 25],
            area=1000,
        )
        for n in range(count)
        for k in range(2)
    ]
    content = dict(images=shots, annotations=boxes, categories=[dict(id=1, name=name)])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'boxes.json').write_text(json.dumps(content))
    return folder / 'boxes.json'
