"""Generated data for the configs that learn land cover."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

COUNT = 8


def label_file(file: Path, places: list[tuple[str, list[int]]]) -> str:
    """Write labels of windows: random counts of four classes, none of the others."""
    from rsp.ops.fractions import LAND_COVER_CLASSES

    rng = np.random.default_rng(0)
    lines: list[dict[str, Any]] = [
        dict(rsp_land_cover_labels=1, scenes='.', class_map='worldcover', rasters=[])
    ]
    for image, window in places:
        counts = dict.fromkeys(LAND_COVER_CLASSES, 0)
        for name in ('Cultivated_Land', 'Forest', 'Waterbodies', 'Shrubland'):
            counts[name] = int(rng.integers(1, 50))
        facts = dict(nodata=0, unknown=0, coverage=1.0, crs='EPSG:32633', date=None)
        lines.append(
            dict(image=image, window=window, counts=counts, pixel_size=[10, 10]) | facts
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('\n'.join(json.dumps(line) for line in lines))
    return str(file)


def label_images(node: dict, folder: Path, write_images: Callable[..., Path]) -> None:
    """Let a ``rsp.LandCoverImages`` read eight images with labels."""
    names = [f'{i}.png' for i in range(COUNT)]
    write_images(str(folder), names, size=(48, 40))
    windows = [(name, [0, 0, 40, 48]) for name in names]
    node.update(
        data_root=str(folder), labels=label_file(folder / 'labels.jsonl', windows)
    )


def make_scenes(node: dict, folder: Path) -> None:
    """Let a ``rsp.SceneDataset`` draw eight windows from a scene on its land cover."""
    pytest.importorskip('rasterio')
    import scenes

    windows = node['windows'] if isinstance(node['windows'], dict) else {}
    edge = (64 if windows else node['windows']) + 20
    bands = max(node.get('bands') or [13])
    grid = scenes.utm_grid(edge, edge)
    if np.min((node.get('reflectance') or {}).get('value_range', 0)) < 0:
        # Decibels of two polarizations.
        power = scenes.reflectance(grid, bands) / 10_000
        pixels = 10 * np.log10(power) - np.array([2, 10])[:, None, None]
        scenes.write(folder / 'a.tif', pixels.astype(np.float32), grid)
    else:
        scenes.sentinel2(folder / 'a.tif', grid, bands)
    node['data_root'] = str(folder)
    if windows:
        places = [('a.tif', [i, 2 * i, 64, 64]) for i in range(COUNT)]
        windows['file'] = label_file(folder / 'labels.jsonl', places)
        return
    node['windows'] = dict(size=node['windows'], length=COUNT)
    if 'land_cover' in node:
        node['land_cover']['rasters'] = str(
            scenes.worldcover(folder.with_name(f'{folder.name}_map') / 'map.tif')
        )
