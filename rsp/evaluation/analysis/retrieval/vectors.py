"""Write and read vectors of images with their footprints, as GeoParquet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import MissingData, UserError
from rsp.io.files import make_folder, write_atomically

# Where our own facts are in the metadata of a file.
KEY = b'rsp'
GEO_VERSION = '1.1.0'


@dataclass(frozen=True)
class Place:
    """Tell what a vector is of.

    Attributes:
        path: Of the image.
        window: Top, left, height and width in pixels; None for the whole image.
        date: Of acquisition, YYYY-MM-DD; None if unknown.
        footprint: In degrees, longitude first, as WKB; None if not georeferenced.
    """

    path: str
    window: tuple[int, int, int, int] | None = None
    date: str | None = None
    footprint: bytes | None = None


def write_vectors(
    file: Path, places: Sequence[Place], vectors: np.ndarray, facts: Mapping[str, Any]
) -> None:
    """Write vectors as GeoParquet 1.1, a row each.

    Columns: ``path``, ``top``, ``left``, ``height``, ``width`` (pixels, empty for whole
    images), ``date``, ``geometry`` (WKB in longitude and latitude, OGC:CRS84, empty if
    not georeferenced) and ``vector``.

    Args:
        file: To write.
        places: N.
        vectors: Shape (N, D), written in float32.
        facts: What a search needs to make such a vector, as JSON.

    Raises:
        UserError: If pyarrow is missing.
    """
    pa, parquet = _pyarrow()
    windows = [place.window or (None,) * 4 for place in places]
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    columns = dict(path=pa.array([place.path for place in places], pa.string()))
    for number, name in enumerate(('top', 'left', 'height', 'width')):
        columns[name] = pa.array([window[number] for window in windows], pa.int32())
    columns['date'] = pa.array([place.date for place in places], pa.string())
    footprints = [place.footprint for place in places]
    columns['geometry'] = pa.array(footprints, pa.binary())
    columns['vector'] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    geometry = dict(encoding='WKB', geometry_types=_types(footprints))
    geo = dict(
        version=GEO_VERSION, primary_column='geometry', columns=dict(geometry=geometry)
    )
    notes = {b'geo': json.dumps(geo).encode(), KEY: json.dumps(facts).encode()}
    make_folder(file.parent)
    with write_atomically(file) as unfinished:
        table = pa.table(columns).replace_schema_metadata(notes)
        parquet.write_table(table, unfinished, compression='zstd')


def read_vectors(
    file: str | Path,
) -> tuple[list[Place], np.ndarray, dict[str, Any]]:
    """Read what `write_vectors` wrote.

    Returns:
        Places, vectors (N, D) in float32, and facts.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is another kind of file, or pyarrow is missing.
    """
    pa, parquet = _pyarrow()
    if not Path(file).is_file():
        raise MissingData(
            f"expected vectors at '{file}', there is no such file; `rsp analyze embed` "
            'writes one.'
        )
    try:
        table = parquet.read_table(file)
    except pa.ArrowInvalid as error:
        reason = str(error).partition('\n')[0]
        raise UserError(
            f"expected a Parquet file at '{file}', got: {reason}; `rsp analyze embed` "
            'writes one.'
        ) from error
    notes = table.schema.metadata or {}
    if KEY not in notes or 'vector' not in table.column_names:
        raise UserError(
            f"expected vectors that `rsp analyze embed` wrote in '{file}', got columns "
            f'{table.column_names}.'
        )
    vectors = table['vector'].combine_chunks()
    size = vectors.type.list_size
    values = vectors.flatten().to_numpy().reshape(-1, size)
    rest = table.drop_columns(['vector']).to_pylist()
    places = [
        Place(
            row['path'],
            None
            if row['top'] is None
            else (row['top'], row['left'], row['height'], row['width']),
            row['date'],
            row['geometry'],
        )
        for row in rest
    ]
    return places, values, json.loads(notes[KEY])


def _types(footprints: Sequence[bytes | None]) -> list[str]:
    known = [footprint for footprint in footprints if footprint is not None]
    if not known:
        return []
    from shapely import from_wkb

    return sorted({shape.geom_type for shape in from_wkb(known)})


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise UserError(
            "vectors are written as GeoParquet, which needs the package 'pyarrow'; "
            'install rsp-pretrain[analyze].'
        ) from error
    return pyarrow, parquet
