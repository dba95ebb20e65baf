"""Time how many images a second a data loader makes views of, per core.

    python tools/benchmarks/bench_loader.py configs/moco/v2_r50_maid.py --images FOLDER
    python tools/benchmarks/bench_loader.py configs/moco/v2_r50_maid.py \
        --make-from DIOR.tar --images /tmp/aerial --stores /tmp/stores --out loader.json

One process and one thread for every way, the same files in alternation; what counts is
CPU time, which other work on the machine hardly changes. A sample is one item of the
data set: an image with all its views, or a pair of them.

    CONFIG         the training loader of each config, on the images:
      exact        views by mmpretrain's transforms, as exact_pillow=True makes them
      fast         views by rsp.LoadViews
      device       the part of an image that rsp.DeviceViews needs (LoadForDevice):
                   what a core ships, and no views
      whole        all of an image, likewise
      packed, raw  the same from stores that `rsp prepare pack` makes, with --stores
    mmpretrain     its own loader of MoCo v2: OpenCV reads, Pillow makes two views
    torchvision    the same views: Pillow reads, torchvision v2 on tensors, or on
                   Pillow's images
    lightly        MoCoV2Transform, where it is installed

--make-from makes --images files of a folder or .tar of aerial images: each is tiled by
reflection, from it a part of random place, of 0.3 to 1.5 megapixels (log-uniform) and
an aspect of 3:4 to 4:3, is cut and saved as JPEG of quality 87, colors at half the
size, as the originals of DIOR are. All from a seed.
"""

import argparse
import functools
import io
import json
import os
import platform
import statistics
import sys
import tarfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from loader_ways import (
    STAGES,
    NotThisWay,
    Way,
    of_config,
    single_thread,
    stock,
    with_lightly,
    with_torchvision,
)
from PIL import Image

ENDINGS = ('.jpg', '.jpeg', '.png', '.tif', '.tiff')
BASES = ('mmpretrain', 'torchvision', 'torchvision, PIL')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('configs', nargs='+', metavar='CONFIG')
    add('--images', type=Path, required=True, help='folder of files to read')
    add('--make-from', type=Path, help='folder or .tar to make --images from')
    add('--files', type=int, default=64, help='that --make-from makes')
    add('--stores', type=Path, help='folder for packed stores of the images')
    add('--batch-size', type=int, default=16)
    add('--batches', type=int, default=4, help='of each way in a round')
    add('--rounds', type=int, default=5)
    add('--only', nargs='+', metavar='WAY', help='ways whose names contain these')
    add('--out', type=Path, help='write all figures here, JSON')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    single_thread()
    if args.make_from is not None:
        make_images(args.make_from, args.images, args.files)
    ways = {
        name: way
        for name, way in all_ways(args).items()
        if not args.only or any(part in name for part in args.only)
    }
    feeds = {name: batches_of(way) for name, way in ways.items()}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(-1, args.rounds):
        for name, feed in feeds.items():
            seconds = run(feed, args.batches if turn >= 0 else 1)
            if turn >= 0:
                rates[name].append(args.batches * args.batch_size / seconds)
    splits = {name: split(way, args) for name, way in ways.items()}
    report(args, rates, splits)
    if args.out:
        facts = dict(
            date=time.strftime('%Y-%m-%d'),
            machine=f'{os.cpu_count()} cores, {platform.machine()}',
            images=describe(args.images),
            samples_per_core_second=rates,
            milliseconds=splits,
        )
        args.out.write_text(json.dumps(facts, indent=1) + '\n', encoding='utf-8')


def all_ways(args: argparse.Namespace) -> dict[str, Way]:
    ways, files, batch = {}, args.images, args.batch_size
    stores: dict[str, Path | None] = dict(files=None)
    for kind in ('packed', 'raw') if args.stores else ():
        stores[kind] = pack(files, args.stores / kind, kind == 'raw')
    for config in args.configs:
        name = '/'.join(Path(config).with_suffix('').parts[-2:])
        for views in ('exact', 'fast', 'device', 'whole'):
            for kind, store in stores.items():
                if views == 'exact' and store is not None:
                    continue
                with suppress(NotThisWay):
                    way = of_config(config, files, batch, views, store)
                    ways[f'{name}, {views}, {kind}'] = way
    ways['mmpretrain'] = stock(args.images, args.batch_size)
    for name, tensors in (('torchvision', True), ('torchvision, PIL', False)):
        ways[name] = with_torchvision(args.images, args.batch_size, tensors)
    lightly = with_lightly(args.images, args.batch_size)
    return ways if lightly is None else ways | dict(lightly=lightly)


def pack(images: Path, store: Path, raw: bool) -> Path:
    from rsp.prepare.pack.folder import pack_folder
    from rsp.prepare.pack.settings import PackSettings

    pack_folder(images, store, PackSettings(raw=raw), workers=1)
    return store


def batches_of(way: Way) -> Iterator[Any]:
    epoch = 0
    while True:
        for sampler in (way.loader.sampler, way.loader.batch_sampler.sampler):
            if hasattr(sampler, 'set_epoch'):
                sampler.set_epoch(epoch)
        yield from way.loader
        epoch += 1


def run(feed: Iterator[Any], batches: int) -> float:
    """Return the CPU seconds of some batches."""
    start = time.process_time()
    for _ in range(batches):
        next(feed)
    return time.process_time() - start


class Stopwatch:
    """Add up the CPU seconds of stages of a way, each without those inside it."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._inner = [0.0]

    def timed(self, stage: str, function: Callable) -> Callable:
        """Return a function that is timed as a stage."""

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            start = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.thread_time() - start
                self.seconds[stage] += spent - self._inner.pop()
                self._inner[-1] += spent

        return run


def split(way: Way, args: argparse.Namespace) -> dict[str, float]:
    """Measure milliseconds per sample of each stage, and of what is none."""
    watch = Stopwatch()
    before = {}
    for stage, owner, name in way.parts:
        if (owner, name) not in before:
            before[owner, name] = getattr(owner, name)
            setattr(owner, name, watch.timed(stage, before[owner, name]))
    try:
        total = run(batches_of(way), args.batches)
    finally:
        for (owner, name), function in before.items():
            setattr(owner, name, function)
    samples = args.batches * args.batch_size
    found = {stage: watch.seconds[stage] * 1e3 / samples for stage in STAGES}
    return found | dict(rest=total * 1e3 / samples - sum(found.values()))


def report(
    args: argparse.Namespace,
    rates: dict[str, list[float]],
    splits: dict[str, dict[str, float]],
) -> None:
    width = max(map(len, rates)) + 2
    bases = [base for base in BASES if base in rates]
    print(f'{describe(args.images)}; {time.strftime("%Y-%m-%d")}')
    print(f'{"samples per core and second":{width}}{"median":>9}', end='')
    print(''.join(f'{"x " + base:>19}' for base in bases), end='')
    print(''.join(f'{stage:>9}' for stage in (*STAGES, 'rest')), 'ms')
    for name, found in rates.items():
        cells = ''
        for base in bases:
            ratio = statistics.median(
                ours / theirs for ours, theirs in zip(found, rates[base], strict=True)
            )
            cells += f'{"" if name == base else f"{ratio:.2f}":>19}'
        parts = ''.join(f'{spent:>9.2f}' for spent in splits[name].values())
        print(f'{name:{width}}{statistics.median(found):>9.1f}{cells}{parts}')


def describe(images: Path) -> str:
    files = [file for file in images.rglob('*') if file.suffix.lower() in ENDINGS]
    sizes = []
    for file in files:
        with Image.open(file) as image:
            sizes.append(image.width * image.height / 1e6)
    return f'{len(files)} images of {min(sizes):.2f} to {max(sizes):.2f} megapixels'


def make_images(source: Path, out: Path, count: int) -> None:
    """Make files of aerial images, see the top; do nothing if they are there."""
    if out.is_dir() and sum(1 for _ in out.glob('*.jpg')) == count:
        return
    out.mkdir(parents=True, exist_ok=True)
    originals = [*_images_in(source)]
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = np.asarray(originals[number % len(originals)])
        area = 1e6 * np.exp(rng.uniform(np.log(0.3), np.log(1.5)))
        aspect = np.exp(rng.uniform(-1, 1) * np.log(4 / 3))
        height, width = int((area / aspect) ** 0.5), int((area * aspect) ** 0.5)
        # Reflected to twice the size at least, so that any part can be cut.
        grown = [max(2 * edge, 2 * old) - old for edge, old in
                 zip((height, width), pixels.shape[:2], strict=True)]  # fmt: skip
        tiled = np.pad(pixels, ((0, grown[0]), (0, grown[1]), (0, 0)), 'symmetric')
        top = rng.integers(tiled.shape[0] - height + 1)
        left = rng.integers(tiled.shape[1] - width + 1)
        part = Image.fromarray(tiled[top : top + height, left : left + width])
        part.save(out / f'{number:05}.jpg', quality=87, subsampling='4:2:0')


def _images_in(source: Path) -> Iterator[Image.Image]:
    if source.suffix != '.tar':
        for file in sorted(source.rglob('*')):
            if file.suffix.lower() in ENDINGS:
                yield Image.open(file).convert('RGB')
        return
    with tarfile.open(source) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            if member.name.lower().endswith(ENDINGS):
                content = archive.extractfile(member).read()
                yield Image.open(io.BytesIO(content)).convert('RGB')


if __name__ == '__main__':
    warnings.filterwarnings('ignore')
    main()
