"""Write a vector for every image, or every window of scenes, as GeoParquet."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rsp.errors import UserError, print_once
from rsp.evaluation.analysis.backbones import Encoder, load_encoders
from rsp.evaluation.analysis.images import ImageSet, open_images, resize
from rsp.evaluation.analysis.retrieval.vectors import Place, write_vectors
from rsp.evaluation.analysis.stages import STAGES
from rsp.io.images import open_windows
from rsp.ops import check

BATCH = 64
RASTERS = ('.tif', '.tiff')


def embed_images(
    checkpoints: Sequence[str],
    data: str,
    out: Path,
    stage: int = 4,
    window: int | None = None,
    size: int = 224,
    seed: int = 0,
    branch: str | None = None,
    trust: bool = False,
    cfg_options: Sequence[str] = (),
) -> list[Path]:
    """Write the vectors of a backbone's stage, for each backbone to a file of its own.

    Args:
        checkpoints: See `load_encoders`.
        data: See `open_images`.
        out: Folder for ``<name>.parquet``.
        stage: 1 to 4; its map's mean, of length 1.
        window: Side in pixels of the windows that images are cut into, side by side,
            without the rest at the right and below, and those without data; None takes
            whole images.
        size: Side that each is scaled to, pixels.
        seed: Taken by all analyses; nothing is drawn here.
        branch: See `load_encoders`.
        trust: See `load_encoders`.
        cfg_options: See `open_images`.

    Returns:
        The files.

    Raises:
        UserError: If no window fits into any image.
    """
    check.between('--stage', stage, 1, 4)
    if window is not None:
        check.at_least('--window', window, 8)
    encoders = load_encoders(checkpoints, branch, trust, colors=True)
    images = open_images(data, cfg_options=cfg_options)
    places: list[Place] = []
    vectors: list[list[np.ndarray]] = [[] for _ in encoders]
    for batch in _batches(images, window, size):
        places += [place for place, _ in batch]
        pixels = [image for _, image in batch]
        for found, encoder in zip(vectors, encoders, strict=True):
            found.append(vectors_of(encoder, pixels, STAGES[stage]))
    if not places:
        raise UserError(
            f"no window of {window} pixels with data fits into the images of '{data}'; "
            'lower --window.'
        )
    files = []
    for encoder, found in zip(encoders, vectors, strict=True):
        file = out / f'{encoder.name.replace("/", "_")}.parquet'
        facts = encoder.describe() | dict(
            branch=branch, stage=stage, size=size, window=window
        )
        write_vectors(file, places, np.concatenate(found), facts)
        print_once(f'wrote {file}: {len(places)} vectors')
        files.append(file)
    return files


def vectors_of(
    encoder: Encoder, pixels: Sequence[np.ndarray], place: str
) -> np.ndarray:
    """Compute vectors of images of one size, shape (N, D), of length 1."""
    with torch.no_grad():
        maps = encoder.maps(encoder.prepare(pixels))[place]
        means = maps.mean(dim=(2, 3)).float()
        return torch.nn.functional.normalize(means, dim=1).numpy()


def _batches(
    images: ImageSet, window: int | None, size: int
) -> Iterator[list[tuple[Place, np.ndarray]]]:
    batch: list[tuple[Place, np.ndarray]] = []
    for index in range(len(images)):
        for item in _windows(images, index, window, size):
            batch.append(item)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _windows(
    images: ImageSet, index: int, window: int | None, size: int
) -> Iterator[tuple[Place, np.ndarray]]:
    path = images.paths[index]
    ground = Ground(path)
    if window is None:
        pixels = images.pixels(index)
        footprint = ground.footprint((0, 0, *pixels.shape[:2]))
        place = Place(path, None, ground.date, footprint)
        yield place, resize(pixels, size, square=True)
        return
    with open_windows(path) as opened:
        height, width = opened.shape
        for top in range(0, height - window + 1, window):
            for left in range(0, width - window + 1, window):
                box = (top, left, window, window)
                pixels = opened.read(*box)
                # Pixels without data are 0.
                if pixels.any():
                    place = Place(path, box, ground.date, ground.footprint(box))
                    yield place, resize(pixels, size, square=True)


class Ground:
    """Tell the footprint of windows of a file, and its date."""

    def __init__(self, path: str) -> None:
        self.transform: Any = None
        self.date: str | None = None
        if Path(path).suffix.lower() not in RASTERS:
            return
        import rasterio

        from rsp.geo.files.acquisition_date import acquisition_date

        with rasterio.open(path) as dataset:
            self.date = acquisition_date(Path(path).name, dataset.tags())
            if dataset.crs is not None:
                self.transform, self.crs = dataset.transform, dataset.crs

    def footprint(self, box: tuple[int, int, int, int]) -> bytes | None:
        """Return the ground of a window (top, left, height, width) as WKB, degrees."""
        if self.transform is None:
            return None
        from rasterio.crs import CRS
        from shapely import to_wkb

        from rsp.geo.footprint import Footprint
        from rsp.geo.windows.window import Window

        there = Footprint.from_window(self.transform, self.crs, Window(*box))
        found: bytes = to_wkb(there.to_crs(CRS.from_epsg(4326)))
        return found
