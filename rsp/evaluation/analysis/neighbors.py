"""Show the scenes whose features are nearest to those of a query."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from rsp.evaluation.analysis.backbones import load_encoders, read_alike
from rsp.evaluation.analysis.images import (
    ImageSet,
    open_images,
    resize,
    stage_features,
)
from rsp.evaluation.analysis.results import draw_indices, save_figure, write_json
from rsp.evaluation.analysis.retrieval.embed import RASTERS, Ground
from rsp.evaluation.analysis.stages import STAGES
from rsp.ops import check
from rsp.visualization.figures.image_grid import Cell, draw_grid
from rsp.visualization.figures.neighbor_maps import plot_neighbor_maps

SAME, OTHER = '#009E73', '#D55E00'


def show_neighbors(
    checkpoints: Sequence[str],
    data: str,
    out: Path,
    neighbors: int = 5,
    num_images: int = 4,
    stage: int = 4,
    size: int | None = None,
    seed: int = 0,
    branch: str | None = None,
    trust: bool = False,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Draw the nearest scenes of a few queries, a row per query and backbone.

    Args:
        checkpoints: See `load_encoders`.
        data: See `open_images`.
        out: Folder for neighbors.png, neighbors.json and, where scenes are
            georeferenced, neighbors_map.png.
        neighbors: Images beside a query; nearest by the cosine of centered features.
        num_images: Queries, drawn by the seed.
        stage: Whose features, 1 to 4.
        size: See `batches`.
        seed: Of the draw.
        branch: See `load_encoders`.
        trust: See `load_encoders`.
        cfg_options: See `open_images`.

    Returns:
        What neighbors.json holds: names and cosines, and with classes the share of
        neighbors of the query's own, over all images.

    Raises:
        UserError: If there are fewer images than neighbors.
    """
    check.between('--stage', stage, 1, 4)
    images = open_images(data, cfg_options=cfg_options)
    check.at_least('number of images (more than --neighbors)', len(images),
                   neighbors + 1)  # fmt: skip
    encoders = load_encoders(checkpoints, branch, trust)
    read_alike(images, encoders)
    queries = draw_indices(len(images), num_images, seed)
    results, found = [], []
    for encoder in encoders:
        features = stage_features(encoder, images, size, [STAGES[stage]])
        unit = F.normalize(_centered(features[STAGES[stage]]), dim=1)
        cosines = unit @ unit.T
        cosines.fill_diagonal_(-torch.inf)
        top = cosines.topk(neighbors)
        found.append(top)
        result = encoder.describe() | dict(name=encoder.name)
        if images.labels is not None:
            labels = torch.from_numpy(images.labels)
            same = labels[top.indices] == labels[:, None]
            result['same_class'] = same.double().mean().item()
        result['queries'] = [
            dict(
                image=images.names([query])[0],
                neighbors=images.names(top.indices[query].tolist()),
                cosines=top.values[query].tolist(),
            )
            for query in queries
        ]
        results.append(result)
    rows, names = [], []
    for query in queries:
        for encoder, top in zip(encoders, found, strict=True):
            cells = [_cell(images, query, query, None)]
            for index, cosine in zip(
                top.indices[query].tolist(), top.values[query].tolist(), strict=True
            ):
                cells.append(_cell(images, query, index, cosine))
            rows.append(cells)
            names.append(encoder.name)
    columns = ['query', *(f'nearest {n + 1}' for n in range(neighbors))]
    figure = draw_grid(rows, columns, names, cell=1.5, caption=images.caption())
    save_figure(out, 'neighbors', figure)
    places = centers(images)
    if np.isfinite(places[queries]).any():
        nearest = [[top.indices[query].tolist() for query in queries] for top in found]
        figure = plot_neighbor_maps(
            places, queries, nearest, [encoder.name for encoder in encoders]
        )
        save_figure(out, 'neighbors_map', figure)
    summary = dict(
        stage=STAGES[stage],
        data=data,
        cfg_options=list(cfg_options),
        seed=seed,
        colors=images.caption() or None,
        backbones=results,
    )
    write_json(out, 'neighbors', summary)
    return summary


def centers(images: ImageSet) -> np.ndarray:
    """Return where images lie.

    Returns:
        Longitude and latitude of their middles, degrees, shape (N, 2); NaN where a file
        does not tell.
    """
    found = np.full((len(images), 2), np.nan)
    for index, path in enumerate(images.paths):
        if Path(path).suffix.lower() not in RASTERS:
            continue
        import rasterio
        from shapely import from_wkb

        with rasterio.open(path) as dataset:
            whole = (0, 0, *dataset.shape)
        footprint = Ground(path).footprint(whole)
        if footprint is not None:
            middle = from_wkb(footprint).centroid
            found[index] = middle.x, middle.y
    return found


def _centered(features: torch.Tensor) -> torch.Tensor:
    return features - features.mean(dim=0)


def _cell(images: Any, query: int, index: int, cosine: float | None) -> Cell:
    pixels = resize(images.pixels(index), 128, square=True)
    note, frame = images.class_of(index), ''
    if cosine is not None:
        note = f'{note} {cosine:.2f}'.strip()
        if images.labels is not None:
            is_same = images.labels[index] == images.labels[query]
            frame = SAME if is_same else OTHER
    return Cell(np.ascontiguousarray(pixels), note=note, frame=frame)
