"""Cut large images into tiles for pre-training, e.g. the 38 scenes of Potsdam.

    python tools/dataset_tools/cut_tiles.py 2_Ortho_RGB data/potsdam_tiles

gives 24 x 24 tiles of 256 pixels for each scene of 6000 x 6000, 21,888 in all, as
PNG (no second loss). The last row and column end at the border and so overlap the ones
before. Scenes are read whole; finished tiles are not written again.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.progress import track

from rsp.datasets.image_folder import EXTENSIONS
from rsp.errors import MissingData, UserError, report_user_errors
from rsp.ops.tiling import tile_corners
from rsp.prepare.convert.images import read_image, write_image


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('scenes', type=Path, help='folder of 8-bit images')
    parser.add_argument('out', type=Path, help='folder for the tiles')
    parser.add_argument('--size', type=int, default=256, help='edge, pixels')
    parser.add_argument('--stride', type=int, help='pixels; default: the size')
    return parser.parse_args()


def cut(file: Path, out: Path, size: int, stride: int) -> int:
    """Write the tiles of one scene; return how many there are.

    Raises:
        UserError: If the scene cannot be read as 8-bit colors or is too small.
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


def main() -> None:
    args = parse_args()
    with report_user_errors():
        if not args.scenes.is_dir():
            raise MissingData(
                f"expected a folder of scenes at '{args.scenes}', there is none."
            )
        files = sorted(
            f for f in args.scenes.iterdir() if f.name.lower().endswith(EXTENSIONS)
        )
        if not files:
            raise UserError(f"expected images in '{args.scenes}', found none.")
        args.out.mkdir(parents=True, exist_ok=True)
        stride = args.stride or args.size
        tiles = sum(
            cut(file, args.out, args.size, stride) for file in track(files, 'cutting')
        )
        print(f'{tiles} tiles of {len(files)} scenes')


if __name__ == '__main__':
    main()
