"""Describe the labeling of a folder, and split it into parts for several processes."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsp.errors import UserError
from rsp.geo.files.signature import Signatures
from rsp.geo.rasters import open_raster
from rsp.geo.windows.window import Window
from rsp.ops import check
from rsp.ops.tiling import tile_offsets

# Small enough to share work evenly and lose little, large enough to be worth a message.
FILES_PER_PART = 32
WINDOWS_PER_PART = 512


@dataclass(frozen=True)
class LabelJob:
    """Store which images are labeled by which map; every worker reads it.

    Args:
        scenes: Folder of georeferenced images.
        rasters: Files of the land cover.
        class_map: See `rsp.geo.land_cover.class_maps.load_class_map`.
        crop_size: Edge of the windows in pixels; None labels whole files.
        stride: Pixels between windows; None for ``crop_size``.
        low_coverage: Share of known land cover, 0 to 1, below which a window is listed.
        max_nodata: Largest share of pixels without data, 0 to 1, of a window that gets
            a label; of those without any pixel none does. As of random windows, see
            `rsp.geo.rejection.RejectionConfig`.

    Raises:
        UserError: If sizes are below one pixel, or there is a stride without windows.
    """

    scenes: str
    rasters: list[str]
    class_map: Any = None
    crop_size: int | None = None
    stride: int | None = None
    low_coverage: float = 0.5
    max_nodata: float = 0.1

    def __post_init__(self) -> None:
        check.between("'max_nodata' (--max-nodata)", self.max_nodata, 0, 1)
        sizes = [size for size in (self.crop_size, self.stride) if size is not None]
        if min(sizes, default=1) < 1 or (self.stride and self.crop_size is None):
            raise UserError(
                "expected 'crop_size' (--crop-size) of at least one pixel, and with it "
                f"'stride' (--stride), got {self.crop_size} and {self.stride}; without "
                'both, whole files are labeled.'
            )

    def windows(self, height: int, width: int) -> list[Window]:
        """Return the windows of a scene, column by column as the official code does.

        Windows at the edge are shifted inside; a scene smaller than a window has none.
        """
        size = self.crop_size
        if size is None:
            return [Window(0, 0, height, width)]
        if min(width, height) < size:
            return []
        tops, lefts = (
            tile_offsets(length, size, self.stride or size)
            for length in (height, width)
        )
        return [Window(top, left, size, size) for left in lefts for top in tops]

    def split(self, scenes: list[str]) -> Iterator[dict]:
        """Yield parts of the work: some whole files, or some windows of one file.

        Args:
            scenes: Paths below the folder.

        Yields:
            ``files``; ``windows``: start and stop among the windows of each file;
            ``key``, which changes with the files.
        """
        folder, signatures = Path(self.scenes), Signatures()
        if self.crop_size is None:
            for start in range(0, len(scenes), FILES_PER_PART):
                files = scenes[start : start + FILES_PER_PART]
                paths = [folder / name for name in files]
                signature = rasters_signature(paths, signatures)
                yield dict(key=f'{files[0]} {signature}', files=files, windows=[0, 1])
            return
        for name in scenes:
            signature = rasters_signature([folder / name], signatures)
            for start in range(0, self._count_windows(folder / name), WINDOWS_PER_PART):
                windows = [start, start + WINDOWS_PER_PART]
                key = f'{name} {start} {signature}'
                yield dict(key=key, files=[name], windows=windows)

    def _count_windows(self, scene: Path) -> int:
        """Count the windows of a scene, at least 1 for a worker to report a failure."""
        try:
            with open_raster(scene) as data:
                return max(len(self.windows(data.height, data.width)), 1)
        except UserError:
            return 1


def rasters_signature(
    files: Iterable[Path], signatures: Signatures | None = None
) -> str:
    """Return a digest of names that changes if anything the rasters depend on does."""
    signatures = signatures or Signatures()
    return digest([(str(file), signatures(file)) for file in files])


def digest(content: Any) -> str:
    """Return 12 hexadecimal digits that identify JSON-like content."""
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=6).hexdigest()
