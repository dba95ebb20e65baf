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

import cv2
from rich.progress import track

from rsp.datasets.image_folder import EXTENSIONS
from rsp.errors import MissingData, UserError, report_user_errors
from rsp.io.files import write_atomically
from rsp.ops.tiling import tile_offsets


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
    scene = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if scene is None:
        raise UserError(f"cannot read '{file}' as an image; repair or remove it.")
    height, width = scene.shape[:2]
    if min(height, width) < size:
        raise UserError(
            f"'{file}' has {height} x {width} pixels, expected at least {size} each "
            'way; lower --size or remove it.'
        )
    count = 0
    for top in tile_offsets(height, size, stride):
        for left in tile_offsets(width, size, stride):
            tile = out / f'{file.stem}_{top:05d}_{left:05d}.png'
            if not tile.exists():
                pixels = scene[top : top + size, left : left + size]
                with write_atomically(tile) as unfinished:
                    cv2.imwrite(str(unfinished), pixels)
            count += 1
    return count


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
