"""Time windows per second from large GeoTIFFs: SceneDataset against other libraries.

    python tools/benchmarks/bench_scenes.py --folder /tmp/bench_scenes
    python tools/benchmarks/bench_scenes.py --folder /tmp/bench_scenes --size 4000 \
        --bands 3 --layouts tiled-deflate --foreign ENV/bin/python --out scenes.json
    python tools/benchmarks/bench_scenes.py --folder /tmp/bench_scenes --latency 0 0.1 \
        --layouts tiled-deflate --foreign ENV/bin/python --windows 128

One process each, in alternation, on files in the memory of the system; medians of
--rounds. Windows are 256 x 256 pixels and all bands as stored, from one file. GDAL's
cache is the same for all and smaller than any file; its size is printed.

    rasterio   an open per window, as most loaders do
    torchgeo   RasterDataset and RandomGeoSampler, of the environment --foreign
    rasteret   Collection.read_window, likewise
    default    SceneDataset as it is: windows of a compressed scene share reads by fours
    single     windows=dict(windows_per_read=1): each drawn by itself
    shared     windows=dict(windows_per_read=16): sixteen that begin in one block
    aligned    windows=dict(align=True): windows that begin where blocks do

Files are generated in --folder, or used if they are there. How much work compressed
ones are depends on their texture: with --noise 4, deflate leaves 0.74 of an image, as
of real ones (0.71 of a NAIP and of a Landsat 7 image); with --noise 0, nothing but
smooth regions is left and little time goes into decoding.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import rsp  # noqa: F401  first: see rsp/compat.py

# isort: split
import rasterio
from window_files import LAYOUTS, drop_from_memory, generate

from rsp.datasets import PairedSampler, SceneDataset
from rsp.errors import UserError, report_user_errors

HERE = Path(__file__).parent
BATCH = 64
OURS: dict[str, dict] = dict(
    default={},
    single=dict(windows_per_read=1),
    shared=dict(windows_per_read=16),
    aligned=dict(align=True),
)
BASES = ('rasterio', 'torchgeo', 'rasteret')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--folder', type=Path, required=True, help='for the files')
    add('--size', type=int, default=10_000, help='edge, pixels')
    add('--bands', type=int, nargs='+', default=[3, 13])
    add('--dtypes', nargs='+', choices=('uint8', 'uint16'), default=['uint8'])
    add('--layouts', nargs='+', choices=LAYOUTS, default=list(LAYOUTS), metavar='NAME')
    add('--interleave', nargs='+', choices=('pixel', 'band'), default=['pixel'])
    add('--noise', type=float, default=4, help='of the texture')
    add('--window', type=int, default=256, help='edge, pixels')
    add('--windows', type=int, default=512, help='read by each way in a round')
    add('--rounds', type=int, default=5)
    add('--ways', nargs='+', choices=OURS, default=list(OURS), metavar='NAME')
    add('--threads', type=int, default=2, help='of SceneDataset')
    add('--gdal-cache', type=int, default=64, help='of all ways, MiB')
    add('--cold', action='store_true', help='drop the file from memory each time')
    add('--foreign', help='Python of the environment of torchgeo and rasteret')
    add('--rasteret', action='store_true', help='compare with it, too')
    add('--latency', type=float, nargs='+', help='serve by HTTP, so many seconds late')
    add('--out', type=Path, help='write all figures here, JSON')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with report_user_errors():
        whole = args.windows > 0 and args.windows % BATCH == 0
        if not whole or args.rounds < 1 or args.size < 5 * args.window:
            raise UserError(
                f'expected --windows a multiple of {BATCH}, rounds, and --size of five '
                f'times --window, got {args.windows}, {args.rounds}, {args.size} and '
                f'{args.window}.'
            )
        print(
            f'{args.size} x {args.size} pixels; medians of {args.rounds} rounds of '
            f'{args.windows} windows of {args.window} x {args.window}; GDAL cache '
            f'{args.gdal_cache} MiB; {args.threads} reading threads on '
            f'{os.cpu_count()} cores; {"cold" if args.cold else "warm"}; '
            f'{time.strftime("%Y-%m-%d")}.'
        )
        found = []
        for case in cases(args):
            file = generate(
                args.folder, *(case[key] for key in ('layout', 'size', 'bands')),
                case['dtype'], case['interleave'], args.noise,
            )  # fmt: skip
            case['compressed to'] = round(file.stat().st_size / case.pop('bytes'), 2)
            rates, cpu = measure(args, file, case['latency'])
            found.append(case | dict(rates=rates, cpu_milliseconds=cpu))
            report(case, rates, cpu)
        if args.out:
            args.out.write_text(json.dumps(found, indent=1) + '\n', encoding='utf-8')


def cases(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for dtype in args.dtypes:
        for bands in args.bands:
            for interleave in args.interleave:
                for layout in args.layouts:
                    for latency in args.latency or [None]:
                        width = bands * (2 if dtype == 'uint16' else 1)
                        yield dict(
                            layout=layout, size=args.size, bands=bands, dtype=dtype,
                            interleave=interleave, latency=latency,
                            bytes=args.size**2 * width,
                        )  # fmt: skip


Found = dict[str, list[float]]


def measure(
    args: argparse.Namespace, file: Path, latency: float | None
) -> tuple[Found, Found]:
    """Measure windows per second of each way, round by round in alternation.

    Returns:
        Windows per second, and milliseconds of CPU time of a window, by way.
    """
    with ExitStack() as stack:
        source = str(file)
        if latency is not None:
            port = stack.enter_context(served(file.parent, latency))
            source = f'http://127.0.0.1:{port}/{file.name}'
        foreign = dict(rasterio=args.foreign or sys.executable)
        if args.foreign:
            foreign['torchgeo'] = args.foreign
        if args.rasteret:
            foreign['rasteret'] = args.foreign
        ways: dict[str, Any] = {}
        for way, python in foreign.items():
            ways[way] = stack.enter_context(reader_elsewhere(args, way, python, source))
        cache = rasterio.Env(GDAL_CACHEMAX=args.gdal_cache * 2**20)
        stack.enter_context(cache)
        for way in args.ways:
            ways[way] = reader_here(args, source, OURS[way])
        rates: Found = {way: [] for way in ways}
        cpu: Found = {way: [] for way in ways}
        for turn in range(-1, args.rounds):
            for way, read in ways.items():
                if args.cold:
                    drop_from_memory(file)
                else:
                    file.read_bytes()
                wall, used = read(BATCH if turn < 0 else args.windows)
                if turn >= 0:
                    rates[way].append(args.windows / wall)
                    cpu[way].append(used / args.windows * 1e3)
        return rates, cpu


@contextmanager
def served(folder: Path, latency: float) -> Iterator[str]:
    """Serve a folder by a process of its own; gives the port."""
    script = [sys.executable, HERE / 'window_files.py', folder, '--latency', latency]
    with _process(script) as server:
        yield server.stdout.readline().strip()


@contextmanager
def reader_elsewhere(
    args: argparse.Namespace, way: str, python: str, source: str
) -> Iterator[Any]:
    """Start another library's reader; gives a function of a number of windows."""
    script = [python, HERE / 'foreign_windows.py', way, source]
    script += ['--window', args.window, '--gdal-cache', args.gdal_cache]
    with _process(script) as process:

        def read(windows: int) -> tuple[float, float]:
            process.stdin.write(f'{windows}\n')
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise UserError(f'{way} ended by an error, see above.')
            wall, used = map(float, line.split())
            return wall, used

        yield read


@contextmanager
def _process(script: list[Any]) -> Iterator[Any]:
    pipe = subprocess.PIPE
    command = [str(part) for part in script]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.stdin.close()


def reader_here(args: argparse.Namespace, source: str, options: dict) -> Any:
    length = BATCH * (2 + args.windows * args.rounds // BATCH + args.rounds)
    dataset = SceneDataset(
        [source],
        windows=dict(size=args.window, length=length, **options),
        stretch=None if args.dtypes == ['uint8'] else dict(limits=(0, 4080)),
        reader=dict(threads=args.threads),
    )
    draws = iter(PairedSampler(dataset, seed=0, batch_size=BATCH))

    def read(windows: int) -> tuple[float, float]:
        wall, used = time.perf_counter(), time.process_time()
        for _ in range(windows // BATCH):
            dataset.__getitems__([next(draws) for _ in range(BATCH)])
        return time.perf_counter() - wall, time.process_time() - used

    return read


def report(case: dict[str, Any], rates: Found, cpu: Found) -> None:
    print('\n' + ', '.join(f'{k} {v}' for k, v in case.items() if v is not None))
    bases = [base for base in BASES if base in rates]
    head = ''.join(f'{"x " + base:>12}' for base in bases)
    print(f'  {"":10}{"windows/s":>11}{head}{"CPU ms":>9}{"x rasterio":>12}')
    for way, found in rates.items():
        cells = ''
        for base in bases:
            ratio = statistics.median(
                ours / theirs for ours, theirs in zip(found, rates[base], strict=True)
            )
            cells += f'{"" if way in bases else f"{ratio:.2f}":>12}'
        used = statistics.median(cpu[way])
        less = statistics.median(cpu['rasterio']) / used
        print(f'  {way:10}{statistics.median(found):>11,.0f}{cells}', end='')
        print(f'{used:>9.2f}{less:>12.2f}', flush=True)


if __name__ == '__main__':
    warnings.filterwarnings('ignore', category=UserWarning)
    main()
