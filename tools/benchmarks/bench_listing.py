"""Time the start of data sets of many images, and the memory of their processes.

    python tools/benchmarks/bench_listing.py --folder /tmp/bench_listing
    python tools/benchmarks/bench_listing.py --folder /tmp/bench_listing \
        --entries 1000000 --files 100000 --baseline --out listing.json

Each line is a process of its own. It builds the data set of a training as the runner
does, starts two workers that are forked (or --start spawn), and takes --batches of 64
images. Imports are not counted.

    store      every image of a packed store
    list       the lines of a list file with labels, whose images are in that store
    list again the same, as kept from the call before
    folder     --files files in a hundred folders, listed
    folder again
    baseline   mmpretrain's CustomDataset with the same list file, which does not look
               whether the images are there

Names are like those of ImageNet, 35 bytes with their folder. The store is a true one,
but all its images are one of 8 x 8 pixels: neither start nor memory depend on them. Its
memory is told as the sum of proportional set sizes, where a page that n processes share
counts 1/n in each, at the first batches; and the peak of the process that lists.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import rsp  # noqa: F401  first: see rsp/compat.py

# isort: split
import numpy as np
from mmengine.registry import DATASETS, TRANSFORMS
from torch.utils.data import DataLoader

from rsp.datasets import PairedBatchSampler, PairedSampler, SeededDataset
from rsp.io.stores.manifest import DIGESTS, IMAGES, NAMES, PLACES, Manifest
from rsp.io.stores.names import PackedNames
from rsp.io.stores.store import content_hash, digest_of

CLASSES, SIDE, BATCH = 1000, 8, 64
PIPELINE = [dict(type='rsp.LoadImageFromFile'), dict(type='mmpretrain.PackInputs')]


def main() -> None:
    args = parse_args()
    if args.measure:
        print(json.dumps(measure(args)))
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    make_store(args.folder, args.entries)
    make_files(args.folder / f'files-{args.files}', args.files)
    kinds = ['store', 'list', 'list again', 'folder', 'folder again']
    kinds += ['baseline'] if args.baseline else []
    results = {}
    for kind in kinds:
        results[kind] = run(kind)
        print(describe(kind, results[kind]), flush=True)
    if args.out:
        args.out.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--folder', type=Path, required=True, help='for what is made')
    parser.add_argument('--entries', type=int, default=10_000_000)
    parser.add_argument('--files', type=int, default=100_000)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--start', choices=['fork', 'spawn'], default='fork')
    parser.add_argument('--batches', type=int, default=20)
    parser.add_argument('--baseline', action='store_true', help='1 kB an image')
    parser.add_argument('--out', type=Path, help='JSON')
    parser.add_argument('--measure', help=argparse.SUPPRESS)
    return parser.parse_args()


def run(kind: str) -> dict[str, Any]:
    """Measure in a process of its own, with the words of this one."""
    words = [sys.executable, __file__, *sys.argv[1:], '--measure', kind]
    environment = dict(os.environ)
    cache = parse_args().folder / 'cache'
    if not kind.endswith('again'):
        shutil.rmtree(cache, ignore_errors=True)
    environment['RSP_CACHE'] = str(cache)
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def describe(kind: str, told: dict[str, Any]) -> str:
    return (
        f'{kind:12} {told["images"]:>12,} images  listed {told["listed"]:6.2f} s '
        f'({told["cpu"]:5.2f} s of a core)  '
        f'first batch {told["first_batch"]:7.2f} s  '
        f'all processes {told["memory"]:6.2f} GiB  peak {told["peak"]:6.2f} GiB'
    )


def measure(args: argparse.Namespace) -> dict[str, Any]:
    for registry, name in ((DATASETS, 'ImageFolder'), (TRANSFORMS, 'PackInputs')):
        for scope in ('rsp', 'mmpretrain'):
            registry.get(f'{scope}.{name}')  # Imports what it needs.
    began, began_cpu = time.perf_counter(), time.process_time()
    dataset = DATASETS.build(config(args))
    listed = time.perf_counter() - began
    cpu = time.process_time() - began_cpu
    told = dict(images=len(dataset), listed=listed, first_batch=0.0, memory=pss())
    if args.measure in ('store', 'list', 'list again'):
        told |= load(SeededDataset(dataset), args, began)
    told['cpu'] = cpu
    told['peak'] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return told


def config(args: argparse.Namespace) -> dict[str, Any]:
    listed = dict(ann_file=str(args.folder / f'list-{args.entries}.txt'))
    store = str(args.folder / f'store-{args.entries}')
    files = str(args.folder / f'files-{args.files}')
    if args.measure == 'baseline':
        place = dict(data_prefix=files, **listed)
        return dict(type='mmpretrain.CustomDataset', **place)
    if args.measure.startswith('folder'):
        return dict(type='rsp.ImageFolder', data_root=files)
    place = dict(store=store) | ({} if args.measure == 'store' else listed)
    return dict(type='rsp.ImageFolder', pipeline=PIPELINE, **place)


def load(dataset: Any, args: argparse.Namespace, began: float) -> dict[str, float]:
    """Take the first batches; return when the first one came, and the memory then."""
    batches = PairedBatchSampler(PairedSampler(dataset, shuffle=True, seed=0), BATCH)
    loader = DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=args.workers,
        multiprocessing_context=args.start,
        collate_fn=list,
    )
    first, memory = 0.0, 0.0
    for number, _ in zip(range(args.batches), loader, strict=False):
        if not number:
            first = time.perf_counter() - began
        memory = pss() if number == args.batches - 1 else memory
    return dict(first_batch=first, memory=memory)


def pss() -> float:
    """Return the memory of this process and its children, GiB."""
    here = os.getpid()
    total = 0
    for process in [here, *children(here)]:
        for line in Path(f'/proc/{process}/smaps_rollup').read_text().splitlines():
            if line.startswith('Pss:'):
                total += int(line.split()[1])
    return total / 2**20


def children(process: int) -> Iterator[int]:
    text = Path(f'/proc/{process}/task/{process}/children').read_text()
    for child in map(int, text.split()):
        yield child
        yield from children(child)


def make_store(folder: Path, entries: int) -> None:
    """Make a packed store of many names of one image, and a list file of it."""
    out = folder / f'store-{entries}'
    if (out / 'manifest.json').exists():
        return
    out.mkdir(exist_ok=True)
    per_class = -(-entries // CLASSES)
    names = PackedNames.of(
        f'n{n // per_class:08d}/n{n // per_class:08d}_{n:09d}.JPEG'
        for n in range(entries)
    )
    names.save(out / NAMES)
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    digests = np.full(entries, digest_of(pixels), np.uint64)
    np.save(out / DIGESTS, digests)
    np.save(out / PLACES, np.tile(np.array([0, SIDE, SIDE]), (entries, 1)))
    content = content_hash(names, digests)
    (out / IMAGES['raw']).write_bytes(pixels.tobytes() + content.encode())
    files = (NAMES, DIGESTS, PLACES, IMAGES['raw'])
    manifest = Manifest(
        kind='raw',
        count=entries,
        content=content,
        source=str(folder / 'photos'),
        endings=['.jpeg'],
        bytes={name: (out / name).stat().st_size for name in files},
    )
    with (folder / f'list-{entries}.txt').open('w') as file:
        file.writelines(f'{name} {n // per_class}\n' for n, name in enumerate(names))
    os.utime(folder / f'list-{entries}.txt', (1e9, 1e9))
    manifest.write(out)


def make_files(folder: Path, files: int) -> None:
    """Make empty files, whose folders have not changed for a while."""
    if folder.exists():
        return
    for number in range(100):
        place = folder / f'{number:02d}'
        place.mkdir(parents=True)
        for n in range(files // 100):
            (place / f'n{number:08d}_{n:09d}.JPEG').touch()
        os.utime(place, (1e9, 1e9))
    os.utime(folder, (1e9, 1e9))


if __name__ == '__main__':
    main()
