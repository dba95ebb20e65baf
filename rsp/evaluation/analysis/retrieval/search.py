"""Find the images most similar to a query, among millions of vectors."""

from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import UserError, print_once
from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.images import ImageSet, resize
from rsp.evaluation.analysis.results import save_figure, write_json
from rsp.evaluation.analysis.retrieval.embed import vectors_of
from rsp.evaluation.analysis.retrieval.exact_search import VectorSearch
from rsp.evaluation.analysis.retrieval.graph_search import MANY, GraphSearch
from rsp.evaluation.analysis.retrieval.similarity_maps import (
    scene_maps,
    write_geotiffs,
    write_page,
)
from rsp.evaluation.analysis.retrieval.vectors import Place, read_vectors
from rsp.evaluation.analysis.stages import STAGES
from rsp.io.images import open_windows
from rsp.ops import check
from rsp.visualization.figures.image_grid import Cell, draw_grid

SHOWN = 8


def search_vectors(
    query: str,
    vectors: Path,
    out: Path,
    checkpoint: str | None = None,
    count: int = 10,
    index: str = 'auto',
    trust: bool = False,
) -> dict[str, Any]:
    """Find the images most like a query, and paint maps of similarity.

    Args:
        query: An image; ``FILE@TOP,LEFT,HEIGHT,WIDTH``, a window of one in pixels; or
            ``#ROW`` of the vectors.
        vectors: What `embed_images` wrote.
        out: Folder for search.png, search.json, of windows similarity.html, and of
            georeferenced ones ``similarity_<scene>.tif``.
        checkpoint: The backbone that made the vectors; None takes the one they name.
        count: Of results.
        index: Whether a graph is searched in place of all vectors: ``'always'``,
            ``'never'``, or ``'auto'``, above a million. See `GraphSearch`.
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
    graph = _graph(index, vectors, stored, searched)
    how: dict[str, Any] = dict(by='all cosines')
    if graph is not None:
        how = dict(by='graph', recall_at_10=graph.measured.recall)
    rows, cosines = (graph or searched).nearest(wanted, count)
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
    maps = scene_maps(places, searched.cosines(wanted))
    written = write_geotiffs(maps, out)
    if maps:
        write_page(maps, query, shown, results, out)
    summary = dict(
        query=query,
        vectors=str(vectors),
        source=facts['source'],
        results=results,
        maps=[str(path) for path in written],
        search=how,
    )
    write_json(out, 'search', summary)
    return summary


def _graph(
    index: str, file: Path, vectors: np.ndarray, exact: VectorSearch
) -> GraphSearch | None:
    if index == 'never' or (index == 'auto' and len(vectors) <= MANY):
        return None
    try:
        return GraphSearch(file, vectors, exact)
    except UserError as error:
        if index == 'always':
            raise
        print_once(f'note: {error} All vectors are compared.')
        return None


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
    [encoder] = load_encoders([source], facts['branch'], trust, colors=True)
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
