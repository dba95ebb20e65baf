"""Cut pairs of dates into tiles, and check folders of pairs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rsp.errors import BrokenFile, UserError
from rsp.io.images import open_windows
from rsp.ops.tiling import tile_corners
from rsp.prepare.check import image_size
from rsp.prepare.images import write_image
from rsp.tasks.change_detection.masks import read_mask
from rsp.tasks.change_detection.pairs import Pair, find_pairs


@dataclass(frozen=True)
class Layout:
    """Describe a data set on disk: ``<split>/<folder>/<name>``.

    Attributes:
        masks: Folder of the masks, beside ``A`` and ``B``.
        lossy: Whether they are JPEGs, see `read_mask`.
        size: Pixels of an edge.
        pairs: Published number of pairs by split.
    """

    masks: str
    lossy: bool
    size: int
    pairs: Mapping[str, int]

    def find(self, root: Path, split: str) -> list[Pair]:
        """Find the pairs of a split, see `find_pairs`."""
        folder = root / split
        return find_pairs(folder / 'A', folder / 'B', folder / self.masks)


LAYOUTS = {
    'cdd': Layout('OUT', True, 256, dict(train=10_000, val=3_000, test=3_000)),
    'levir-cd': Layout('label', False, 1024, dict(train=445, val=64, test=128)),
    # Each of 1024 px gives 16 of 256.
    'levir-cd_256': Layout(
        'label', False, 256, dict(train=7_120, val=1_024, test=2_048)
    ),
}


@dataclass
class SplitReport:
    """Store the counts and problems of a split.

    Attributes:
        name: Of the split.
        pairs: Their number.
        changed: Share of changed pixels, 0 to 1.
        unchanged_pairs: Pairs without any changed pixel.
        problems: One line each, with the file.
    """

    name: str
    pairs: int
    changed: float
    unchanged_pairs: int
    problems: list[str]

    def __str__(self) -> str:
        lines = [
            f'{self.name}: {self.pairs} pairs, {self.changed:.2%} of the pixels '
            f'changed, {self.unchanged_pairs} pairs unchanged'
        ]
        return '\n'.join([*lines, *(f'  PROBLEM {line}' for line in self.problems)])


def check(name: str, root: Path) -> list[SplitReport]:
    """Read every file of a data set, and compare its counts with the published ones.

    Args:
        name: A key of `LAYOUTS`.
        root: Its folder.

    Returns:
        One report per split; a split that is missing or lacks partners is a problem of
        its, which names the files.
    """
    layout = LAYOUTS[name]
    return [check_split(layout, root, split) for split in layout.pairs]


def check_split(layout: Layout, root: Path, split: str) -> SplitReport:
    """Read every file of a split, see `check`."""
    try:
        pairs = layout.find(root, split)
    except UserError as error:
        return SplitReport(split, 0, 0.0, 0, [str(error)])
    problems = []
    if len(pairs) != layout.pairs[split]:
        problems.append(f'expected {layout.pairs[split]} pairs, found {len(pairs)}')
    shares = []
    for pair in pairs:
        try:
            shares.append(check_pair(pair, layout))
        except UserError as error:
            problems.append(str(error))
    changed = float(np.mean(shares)) if shares else 0.0
    return SplitReport(split, len(pairs), changed, shares.count(0.0), problems)


def check_pair(pair: Pair, layout: Layout) -> float:
    """Decode a pair and its mask.

    Returns:
        Share of changed pixels, 0 to 1.

    Raises:
        UserError: If a file is broken, or has another size than the layout's.
    """
    for file in (pair.first, pair.second):
        try:
            shape = image_size(str(file))
        except BrokenFile as error:
            raise UserError(f"'{file}' is unreadable: {error.reason}.") from error
        _expect_size(shape, layout.size, file)
    mask = read_mask(pair.mask, layout.lossy)
    _expect_size(mask.shape, layout.size, pair.mask)
    return float(mask.mean())


def cut(
    name: str,
    root: Path,
    out: Path,
    tile: int = 256,
    report: Callable[[str], object] = print,
) -> None:
    """Cut every split of a data set into tiles without overlap.

    Tiles are PNGs named ``<name>_<top>_<left>``; a cut that was stopped goes on where
    it was.

    Args:
        name: A key of `LAYOUTS`.
        root: Its folder.
        out: Folder to write to, in the same layout.
        tile: Edge in pixels; a last one that would not fit ends at the border.
        report: Gets one line per split.

    Raises:
        MissingData, UserError: If files are missing, broken or of another size.
    """
    layout = LAYOUTS[name]
    for split in layout.pairs:
        pairs = layout.find(root, split)
        for pair in pairs:
            check_pair(pair, layout)
            cut_image(pair.first, out / split / 'A', tile)
            cut_image(pair.second, out / split / 'B', tile)
            cut_mask(pair.mask, out / split / layout.masks, tile, layout.lossy)
        report(f'{split}: {len(pairs)} pairs cut')


def cut_image(file: Path, folder: Path, tile: int) -> None:
    """Write the tiles of an image, unless they are there.

    Args:
        file: Image.
        folder: For the tiles.
        tile: Edge, pixels.

    Raises:
        UserError: If it cannot be read.
    """
    with open_windows(file) as image:
        for (top, left), target in _tiles(file, folder, image.shape, tile):
            write_image(target, image.read(top, left, tile, tile))


def cut_mask(file: Path, folder: Path, tile: int, lossy: bool) -> None:
    """Write the tiles of a mask as 0 and 255, unless they are there.

    As in training, a palette's numbers count, not its colors.

    Args:
        file: Mask.
        folder: For the tiles.
        tile: Edge, pixels.
        lossy: See `read_mask`.

    Raises:
        UserError: If it cannot be read.
    """
    mask = read_mask(file, lossy) * np.uint8(255)
    for (top, left), target in _tiles(file, folder, (len(mask), len(mask[0])), tile):
        write_image(target, mask[top : top + tile, left : left + tile])


def _tiles(
    file: Path, folder: Path, shape: tuple[int, int], tile: int
) -> Iterator[tuple[tuple[int, int], Path]]:
    """Yield corner and file of each tile that is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for top, left in tile_corners(shape, tile, tile):
        target = folder / f'{file.stem}_{top:04d}_{left:04d}.png'
        if not target.exists():
            yield (top, left), target


def _expect_size(shape: tuple[int, ...], size: int, file: Path) -> None:
    if tuple(shape[:2]) != (size, size):
        raise UserError(
            f"expected {size} x {size} pixels in '{file}', got {shape[0]} x {shape[1]}."
        )
