"""Measure how many planted copies the leak guard finds, and how many false ones.

    python tests/prepare/leaks/leak_table.py data/quickstart
    python tests/prepare/leaks/leak_table.py --scale 100000

Every second scene of a folder is changed and looked for among all of them; pairs of
different files count as false, though some may show the same ground.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from rsp.io.files import files_below
from rsp.prepare.leaks.search import find_copies
from rsp.prepare.leaks.signatures import (
    SIDE,
    normalize,
    read_signatures,
    shrink,
)


def jpeg(image, quality):
    """Encode and decode an image."""
    written = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(written, cv2.IMREAD_COLOR)


def brighter(image, factor, offset):
    """Change contrast and brightness; what leaves 8 bits is clipped."""
    return np.clip(image.astype(float) * factor + offset, 0, 255).astype(np.uint8)


def resized(image, factor):
    """Resize, over areas if it shrinks."""
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=way)


CHANGES = {
    'JPEG, quality 75': lambda x: jpeg(x, 75),
    'JPEG, quality 50': lambda x: jpeg(x, 50),
    'half the size': lambda x: resized(x, 0.5),
    'four times the size': lambda x: resized(x, 4),
    'turned by 90 degrees': lambda x: np.rot90(x),
    'turned by 180 degrees, mirrored': lambda x: np.rot90(x, 2)[:, ::-1],
    '40 levels brighter': lambda x: brighter(x, 1, 40),
    '40 % darker': lambda x: brighter(x, 0.6, 0),
    'all: enlarged, turned, brighter, JPEG 75': lambda x: jpeg(
        brighter(np.rot90(resized(x, 3.5)), 1.15, 10), 75
    ),
}


def measure(folder, most=None):
    """Yield name, share found of all, of those that are not flat, and false pairs."""
    files = [
        f for f in files_below(folder, ('.jpg', '.png')) if 'natural' not in f.parts
    ]
    files = files[:most]
    whole = read_signatures(files)
    planted = np.arange(0, len(files), 2)
    images = [cv2.imread(str(files[row])) for row in planted]
    for name, change in CHANGES.items():
        grays = [change(image).mean(axis=2, dtype=np.float32) for image in images]
        cells = normalize(np.array([shrink(gray) for gray in grays]))
        pairs = {(c.first, planted[c.second]) for c in find_copies(whole.cells, cells)}
        hit = np.array([(row, row) in pairs for row in planted])
        false = sum(first != second for first, second in pairs)
        clear = ~whole.flat[planted]
        yield name, hit.mean(), hit[clear].mean(), clear.mean(), false, len(files)


def main():
    """Print the table, or the time of a search."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, nargs='?')
    parser.add_argument('--scale', type=int)
    args = parser.parse_args()
    if args.scale:
        draw = np.random.default_rng(0)
        one, two = (
            normalize(draw.normal(size=(args.scale, SIDE, SIDE)).astype(np.float32))
            for _ in range(2)
        )
        begin = time.perf_counter()
        print(len(find_copies(one, two)), 'pairs')
        print(f'{time.perf_counter() - begin:.1f} s for {args.scale} x {args.scale}')
        return
    print('| change | found | of those not flat | false pairs |')
    print('|---|---:|---:|---:|')
    rows = [*measure(args.folder)]
    for name, all_, clear, _, false, count in rows:
        print(f'| {name} | {all_:.2%} | {clear:.2%} | {false} of {count**2 // 2:,} |')
    print(f'{rows[0][3]:.1%} of the scenes are not flat')


if __name__ == '__main__':
    main()
