"""Find the images most similar to a query, among millions of vectors."""

import hashlib
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rsp.errors import UserError, print_once
from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.images import ImageSet, resize
from rsp.evaluation.analysis.results import save_figure, write_json
from rsp.evaluation.analysis.retrieval.embed import vectors_of
from rsp.evaluation.analysis.retrieval.vectors import Place, read_vectors
from rsp.evaluation.analysis.stages import STAGES
from rsp.io.files import make_folder, write_atomically
from rsp.io.images import open_windows
from rsp.ops import check
from rsp.visualization.figures.image_grid import Cell, draw_grid

# Candidates by half precision for each result; its rounding, 5e-4 of a cosine, moves
# none of the best behind so many.
CANDIDATES = 32
SHOWN = 8


class VectorSearch:
    """Search vectors by all their cosines.

    The product is taken in half precision, which halves the memory to read and with it
    the time; its best candidates are compared again in single precision.

    Args:
        vectors: Shape (N, D), float32, of length 1.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        with warnings.catch_warnings():
            # A file's columns are read-only, and nothing is written here.
            warnings.filterwarnings('ignore', 'The given NumPy array is not writable')
            self.vectors = torch.from_numpy(np.ascontiguousarray(vectors, np.float32))
        self.half = self.vectors.half()

    def cosines(self, query: np.ndarray) -> np.ndarray:
        """Compute all cosines in single precision, shape (N,)."""
        return (self.vectors @ _as_tensor(query)).numpy()

    def nearest(self, query: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the vectors of highest cosine.

        Args:
            query: Shape (D,), of length 1.
            count: Of results, at most N.

        Returns:
            Their rows and cosines, best first.
        """
        check.between('number of results', count, 1, len(self.vectors))
        wanted = _as_tensor(query)
        rough = self.half @ wanted.half()
        some = min(len(rough), count * CANDIDATES)
        candidates = rough.topk(some, sorted=False).indices.sort().values
        exact = self.vectors[candidates] @ wanted
        best = exact.argsort(descending=True, stable=True)[:count]
        return candidates[best].numpy(), exact[best].numpy()


def search_vectors(
    query: str,
    vectors: Path,
    out: Path,
    checkpoint: str | None = None,
    count: int = 10,
    trust: bool = False,
) -> dict[str, Any]:
    """Find the images most like a query, and paint maps of similarity.

    Args:
        query: An image; ``FILE@TOP,LEFT,HEIGHT,WIDTH``, a window of one in pixels; or
            ``#ROW`` of the vectors.
        vectors: What `embed_images` wrote.
        out: Folder for search.png, search.json and, of georeferenced windows,
            ``similarity_<scene>.tif``.
        checkpoint: The backbone that made the vectors; None takes the one they name.
        count: Of results.
        trust: See `load_encoders`.

    Returns:
        What search.json holds.

    Raises:
        UserError: If the query is none of these.
    """
    places, stored, facts = read_vectors(vectors)
    check.between('--count', count, 1, len(places))
    wanted, shown = _query(query, places, stored, facts, checkpoint, trust)
    searched = VectorSearch(stored)
    rows, cosines = searched.nearest(wanted, count)
    results = [
        dict(
            row=int(row),
            path=places[row].path,
            window=places[row].window,
            date=places[row].date,
            cosine=float(cosine),
        )
        for row, cosine in zip(rows, cosines, strict=True)
    ]
    cells = [Cell(shown, note='query', frame='#0072B2')]
    for result in results[:SHOWN]:
        pixels = _pixels(places[result['row']])
        cells.append(Cell(resize(pixels, 128, square=True), note=_note(result)))
    save_figure(out, 'search', draw_grid([cells[:5], cells[5:]], cell=1.8))
    maps = _similarity_maps(places, searched.cosines(wanted), out)
    summary = dict(
        query=query,
        vectors=str(vectors),
        source=facts['source'],
        results=results,
        maps=[str(path) for path in maps],
    )
    write_json(out, 'search', summary)
    return summary


def _as_tensor(query: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(query, np.float32))


def _query(
    query: str,
    places: list[Place],
    stored: np.ndarray,
    facts: dict[str, Any],
    checkpoint: str | None,
    trust: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vector of a query, and its picture."""
    if query.startswith('#') and query[1:].isdigit():
        row = int(query[1:])
        check.between('row of the query', row, 0, len(places) - 1)
        return stored[row], resize(_pixels(places[row]), 128, square=True)
    path, at, box = query.rpartition('@')
    if at and not Path(query).exists():
        numbers = box.split(',')
        if len(numbers) != 4 or not all(number.isdigit() for number in numbers):
            raise UserError(
                f"expected a query FILE@TOP,LEFT,HEIGHT,WIDTH in pixels, got '{query}'."
            )
        top, left, height, width = map(int, numbers)
        pixels = _pixels(Place(path, (top, left, height, width)))
    else:
        pixels = ImageSet([query]).pixels(0)
    source = checkpoint or facts['source']
    [encoder] = load_encoders([source], facts['branch'], trust)
    pixels = resize(pixels, facts['size'], square=True)
    [vector] = vectors_of(encoder, [pixels], STAGES[facts['stage']])
    if len(vector) != stored.shape[1]:
        raise UserError(
            f"expected the backbone of the vectors ({facts['source']}), got '{source}' "
            f'with {len(vector)} numbers instead of {stored.shape[1]}.'
        )
    return vector, resize(pixels, 128, square=True)


def _pixels(place: Place) -> np.ndarray:
    if place.window is None:
        return ImageSet([place.path]).pixels(0)
    with open_windows(place.path) as opened:
        return np.ascontiguousarray(opened.read(*place.window))


def _note(result: dict[str, Any]) -> str:
    return f'{result["cosine"]:.3f} {Path(result["path"]).stem[:18]}'


def _similarity_maps(places: list[Place], cosines: np.ndarray, out: Path) -> list[Path]:
    """Write a GeoTIFF per scene: a pixel per window, its cosine with the query."""
    scenes = defaultdict(list)
    for row, place in enumerate(places):
        if place.window is not None and place.footprint is not None:
            scenes[place.path].append(row)
    files = []
    for path, rows in scenes.items():
        import rasterio

        with rasterio.open(path) as dataset:
            transform, crs = dataset.transform, dataset.crs
        windows = np.array([places[row].window for row in rows])
        side = int(windows[0, 2])
        grid = windows[:, :2] // side
        height, width = grid.max(axis=0) + 1
        found = np.full((height, width), np.nan, np.float32)
        found[grid[:, 0], grid[:, 1]] = cosines[rows]
        # Scenes of two folders may have one name.
        mark = hashlib.sha256(path.encode()).hexdigest()[:6]
        file = out / f'similarity_{Path(path).stem}_{mark}.tif'
        make_folder(out)
        with write_atomically(file) as unfinished, rasterio.open(
            unfinished, 'w', driver='GTiff', height=height, width=width, count=1,
            dtype='float32', crs=crs, nodata=float('nan'),
            transform=transform @ transform.scale(side),
        ) as written:  # fmt: skip
            written.write(found, 1)
            written.set_band_description(1, 'cosine with the query')
        print_once(f'wrote {file}')
        files.append(file)
    return files
