"""Cut large images into tiles for pre-training."""

from pathlib import Path

from rich.progress import track

from rsp.datasets.image_folder import EXTENSIONS
from rsp.errors import MissingData, UserError
from rsp.ops.tiling import tile_corners
from rsp.prepare.images import read_image, write_image


def tile_images(scenes: Path, out: Path, size: int, stride: int | None = None) -> None:
    """Cut all images of a folder; print how many tiles there are.

    Args:
        scenes: Folder of 8-bit images, each read whole.
        out: Folder for the tiles, PNGs named ``<stem>_<top>_<left>``; existing ones
            are kept.
        size: Edge of a tile, pixels.
        stride: Pixels between tiles, default the size.

    Raises:
        UserError: If there is no image, or one that cannot be cut.
    """
    if not scenes.is_dir():
        raise MissingData(f"expected a folder of scenes at '{scenes}', there is none.")
    files = sorted(f for f in scenes.iterdir() if f.name.lower().endswith(EXTENSIONS))
    if not files:
        raise UserError(f"expected images in '{scenes}', found none.")
    out.mkdir(parents=True, exist_ok=True)
    tiles = sum(
        tile_image(file, out, size, stride or size) for file in track(files, 'cutting')
    )
    print(f'{tiles} tiles of {len(files)} scenes')


def tile_image(file: Path, out: Path, size: int, stride: int) -> int:
    """Write the tiles of one image; return how many there are.

    Raises:
        UserError: If it cannot be read as 8-bit colors or is too small.
    """
    scene = read_image(file)
    height, width = scene.shape[:2]
    if min(height, width) < size:
        raise UserError(
            f"'{file}' has {height} x {width} pixels, expected at least {size} each "
            'way; lower --size or remove it.'
        )
    corners = list(tile_corners((height, width), size, stride))
    for top, left in corners:
        tile = out / f'{file.stem}_{top:05d}_{left:05d}.png'
        if not tile.exists():
            write_image(tile, scene[top : top + size, left : left + size])
    return len(corners)
