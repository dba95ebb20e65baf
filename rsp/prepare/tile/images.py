"""Cut large images into tiles for pre-training."""

from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from rsp.datasets.image_folder import EXTENSIONS
from rsp.datasets.transforms.loader_log import tell
from rsp.errors import MissingData, UserError
from rsp.io.files import entries_of
from rsp.io.images import PLAIN, ColorRule, open_windows
from rsp.ops.tiling import tile_corners
from rsp.prepare.images import write_image


def tile_images(
    scenes: Path,
    out: Path,
    size: int,
    stride: int | None = None,
    stretch: Sequence[float] | None = None,
) -> None:
    """Cut all images of a folder; print how many tiles there are.

    Args:
        scenes: Folder of images; TIFFs of any size are read by windows.
        out: Folder for the tiles, PNGs named ``<stem>_<top>_<left>``; existing ones
            are kept.
        size: Edge of a tile, pixels.
        stride: Pixels between tiles, default the size.
        stretch: Of more than 8 bits, see `ColorRule`.

    Raises:
        UserError: If there is no image, or one that cannot be cut.
    """
    if not scenes.is_dir():
        raise MissingData(f"expected a folder of scenes at '{scenes}', there is none.")
    files = [f for f in entries_of(scenes) if f.name.lower().endswith(EXTENSIONS)]
    if not files:
        raise UserError(f"expected images in '{scenes}', found none.")
    rule = ColorRule(stretch)
    out.mkdir(parents=True, exist_ok=True)
    tiles = sum(
        tile_image(file, out, size, stride or size, rule)
        for file in track(files, 'cutting')
    )
    print(f'{tiles} tiles of {len(files)} scenes')


def tile_image(
    file: Path, out: Path, size: int, stride: int, rule: ColorRule = PLAIN
) -> int:
    """Write the tiles of one image; return how many there are.

    Raises:
        UserError: If it cannot be read as 8-bit colors or is too small.
    """
    with open_windows(file, rule) as scene:
        height, width = scene.shape
        if min(height, width) < size:
            raise UserError(
                f"'{file}' has {height} x {width} pixels, expected at least {size} "
                'each way; lower --size or remove it.'
            )
        corners = list(tile_corners((height, width), size, stride))
        for top, left in corners:
            tile = out / f'{file.stem}_{top:05d}_{left:05d}.png'
            if not tile.exists():
                write_image(tile, scene.read(top, left, size, size))
        tell(str(file), scene.notes)
    return len(corners)
