"""Paint how similar each window of a scene is to a query, as GeoTIFF and page."""

import base64
import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rsp.errors import print_once
from rsp.evaluation.analysis.results import write_text
from rsp.evaluation.analysis.retrieval.vectors import Place
from rsp.io.files import make_folder, write_atomically
from rsp.io.images import open_windows

# Of a scene on the page, pixels, and read at once, rows of such pixels.
LONGEST, STRIP = 1000, 64
# Scenes on the page, those with the most similar windows.
MOST_SCENES = 12
COLORS = 'inferno'


@dataclass(frozen=True)
class SceneMap:
    """Hold the cosines of a scene's windows.

    Attributes:
        path: Of the scene.
        side: Of a window, pixels.
        cosines: Shape (rows, columns); NaN where a window has no data.
        is_on_ground: Whether the scene is georeferenced.
    """

    path: str
    side: int
    cosines: np.ndarray
    is_on_ground: bool


def scene_maps(places: Sequence[Place], cosines: np.ndarray) -> list[SceneMap]:
    """Arrange the cosines of windows by scenes, the most similar scene first."""
    scenes = defaultdict(list)
    for row, place in enumerate(places):
        if place.window is not None:
            scenes[place.path].append(row)
    maps = []
    for path, rows in scenes.items():
        windows = np.array([places[row].window for row in rows])
        side = int(windows[0, 2])
        grid = windows[:, :2] // side
        found = np.full(tuple(grid.max(axis=0) + 1), np.nan, np.float32)
        found[grid[:, 0], grid[:, 1]] = cosines[rows]
        maps.append(SceneMap(path, side, found, places[rows[0]].footprint is not None))
    return sorted(maps, key=lambda one: -np.nanmax(one.cosines))


def write_geotiffs(maps: Sequence[SceneMap], out: Path) -> list[Path]:
    """Write ``similarity_<scene>.tif`` of each georeferenced scene: a pixel per window.

    Returns:
        The files, in the order of the scenes.
    """
    files = []
    for scene in maps:
        if not scene.is_on_ground:
            continue
        import rasterio

        with rasterio.open(scene.path) as dataset:
            transform, crs = dataset.transform, dataset.crs
        # Scenes of two folders may have one name.
        mark = hashlib.sha256(scene.path.encode()).hexdigest()[:6]
        file = out / f'similarity_{Path(scene.path).stem}_{mark}.tif'
        height, width = scene.cosines.shape
        make_folder(out)
        with write_atomically(file) as unfinished, rasterio.open(
            unfinished, 'w', driver='GTiff', height=height, width=width, count=1,
            dtype='float32', crs=crs, nodata=float('nan'),
            transform=transform @ transform.scale(scene.side),
        ) as written:  # fmt: skip
            written.write(scene.cosines, 1)
            written.set_band_description(1, 'cosine with the query')
        print_once(f'wrote {file}')
        files.append(file)
    return files


def write_page(
    maps: Sequence[SceneMap],
    query: str,
    picture: np.ndarray,
    results: Sequence[dict[str, Any]],
    out: Path,
) -> Path:
    """Write similarity.html, a page of its own: maps over scenes, without network.

    Args:
        maps: As `scene_maps` returns them; the first `MOST_SCENES` are shown.
        query: In words.
        picture: Of the query, RGB, (H, W, 3).
        results: Each with ``path``, ``window`` and ``cosine``, best first.
        out: Folder.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    shown = maps[:MOST_SCENES]
    values = np.concatenate([scene.cosines.ravel() for scene in shown])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    environment = Environment(
        loader=PackageLoader('rsp.evaluation.analysis.retrieval', ''),
        autoescape=True,
        undefined=StrictUndefined,
    )
    text = environment.get_template('similarity.html.j2').render(
        query='/'.join(Path(query).parts[-2:]),
        picture=_address(picture, '.png'),
        scenes=[_on_page(scene, results, low, high) for scene in shown],
        left_out=len(maps) - len(shown),
        bar=_address(_colored(np.linspace(low, high, 256)[None], low, high), '.png'),
        low=f'{low:.3f}',
        high=f'{high:.3f}',
    )
    return write_text(out, 'similarity.html', text)


def preview(path: str, longest: int = LONGEST) -> np.ndarray:
    """Read a scene at a smaller size, strip by strip; RGB, (h, w, 3).

    Args:
        path: Of the scene.
        longest: At most, of the longer side, pixels.
    """
    with open_windows(path) as opened:
        height, width = opened.shape
        factor = math.ceil(max(height, width) / longest)
        strips = []
        for top in range(0, height, factor * STRIP):
            rows = min(factor * STRIP, height - top)
            pixels = opened.read(top, 0, rows, width)
            size = max(1, width // factor), max(1, rows // factor)
            strips.append(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return np.concatenate(strips)


def _on_page(
    scene: SceneMap, results: Sequence[dict[str, Any]], low: float, high: float
) -> dict[str, Any]:
    with open_windows(scene.path) as opened:
        height, width = opened.shape
    rows, columns = scene.cosines.shape
    per_cent = 100 * scene.side / width, 100 * scene.side / height
    return dict(
        name='/'.join(Path(scene.path).parts[-2:]),
        image=_address(preview(scene.path), '.jpg'),
        heat=_address(_colored(scene.cosines, low, high), '.png'),
        # The rest at the right and below has no window.
        width=columns * per_cent[0],
        height=rows * per_cent[1],
        side=scene.side,
        cosines=[*_rows(scene.cosines)],
        found=[
            dict(
                rank=rank,
                cosine=f'{result["cosine"]:.3f}',
                left=result['window'][1] / scene.side * per_cent[0],
                top=result['window'][0] / scene.side * per_cent[1],
                width=per_cent[0],
                height=per_cent[1],
            )
            for rank, result in enumerate(results, 1)
            if result['path'] == scene.path and result['window'] is not None
        ],
    )


def _rows(cosines: np.ndarray) -> Iterator[list[float | None]]:
    for row in cosines.tolist():
        yield [None if math.isnan(value) else round(value, 3) for value in row]


def _colored(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Color values from low to high, RGBA; clear where NaN."""
    from matplotlib import colormaps

    scaled = (values - low) / max(high - low, 1e-9)
    colors = (255 * colormaps[COLORS](np.nan_to_num(scaled))).round().astype(np.uint8)
    colors[..., 3] = np.where(np.isnan(values), 0, 255)
    return colors


def _address(pixels: np.ndarray, kind: str) -> str:
    """Return an image as an address that holds its data."""
    from PIL import Image

    file = BytesIO()
    name = dict(jpg='JPEG', png='PNG')[kind[1:]]
    Image.fromarray(pixels).save(file, name)
    data = base64.b64encode(file.getvalue()).decode()
    return f'data:image/{name.lower()};base64,{data}'
