"""Compare pre-training images with those of a test: files, copies, windows, places."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsp.errors import MissingData, UserError
from rsp.io.files import files_below, write_atomically
from rsp.prepare.leaks.places import Overlap, find_overlaps
from rsp.prepare.leaks.search import Copy, find_copies, find_windows
from rsp.prepare.leaks.signatures import Signatures, read_signatures

ENDINGS = ('.jpg', '.jpeg', '.png', '.tif', '.tiff', '.bmp', '.jp2', '.webp')
# Keys of a sample that name its images.
IMAGES = ('img_path', 'img_path2')
Watch = Callable[[Iterable, int], Iterable]


@dataclass
class Leaks:
    """Hold what a test set shares with pre-training images.

    Attributes:
        first: The pre-training images.
        second: The test images.
        copies: Pictures of both.
        windows: Test pictures cut out of larger pre-training ones; rows of ``larger``.
        overlaps: Rasters that share ground.
        larger: Files in which windows were looked for.
    """

    first: Signatures
    second: Signatures
    copies: list[Copy]
    windows: list[Copy] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    larger: Sequence[str] = ()

    @property
    def leaked(self) -> set[str]:
        """Return the test files that were seen in pre-training."""
        rows = {copy.second for copy in (*self.copies, *self.windows)}
        names = {self.second.paths[row] for row in rows}
        return names | {overlap.second for overlap in self.overlaps}

    @property
    def sources(self) -> set[str]:
        """Return the pre-training files that show them."""
        return (
            {self.first.paths[copy.first] for copy in self.copies}
            | {self.larger[copy.first] for copy in self.windows}
            | {overlap.first for overlap in self.overlaps}
        )

    @property
    def percent(self) -> float:
        """Return the share of the test files that leaked, 0 to 100."""
        return 100 * len(self.leaked) / max(len(self.second.paths), 1)

    def to_dict(self) -> dict[str, Any]:
        """Return all pairs and counts, for a JSON file."""
        seen, tests = self.first.paths, self.second.paths
        return dict(
            pretraining_images=len(seen),
            test_images=len(tests),
            leaked_images=len(self.leaked),
            leaked_percent=round(self.percent, 4),
            flat_test_images=int(self.second.flat.sum()),
            copies=[_pair(seen, tests, copy) for copy in self.copies],
            windows=[_pair(self.larger, tests, copy) for copy in self.windows],
            overlaps=[overlap._asdict() for overlap in self.overlaps],
            unreadable=self.first.broken | self.second.broken,
        )

    def __str__(self) -> str:
        tests = len(self.second.paths)
        lines = [
            f'{len(self.leaked)} of {tests} test images ({self.percent:.2f} %) are '
            f'among {len(self.first.paths)} pre-training images: {len(self.copies)} '
            f'pairs of copies, {len(self.windows)} windows, {len(self.overlaps)} '
            'overlaps of ground'
        ]
        first, second = self.first.paths, self.second.paths
        lines += [
            f'  {second[copy.second]}  is  {first[copy.first]}  '
            f'(correlation {copy.correlation:.3f}, {copy.bits} bits)'
            for copy in self.copies[:10]
        ]
        lines += [
            f'  {second[copy.second]}  is in  {self.larger[copy.first]}  '
            f'(correlation {copy.correlation:.3f})'
            for copy in self.windows[:10]
        ]
        lines += [
            f'  {overlap.second}  lies by {overlap.share:.0%} on  {overlap.first}'
            for overlap in self.overlaps[:10]
        ]
        if flat := int(self.second.flat.sum()):
            lines.append(
                f'{flat} test images are flat (water, clouds): of copies that were '
                'encoded again, some are missed.'
            )
        broken = len(self.first.broken) + len(self.second.broken)
        if broken:
            lines.append(f'{broken} files cannot be read and are left out.')
        return '\n'.join(lines)


def _pair(first: Sequence[str], second: Sequence[str], copy: Copy) -> dict[str, Any]:
    return dict(
        first=first[copy.first],
        second=second[copy.second],
        correlation=round(copy.correlation, 4),
        bits=copy.bits,
    )


def find_leaks(
    first: Sequence[str],
    second: Sequence[str],
    windows: bool = False,
    footprints: bool = True,
    workers: int = 4,
    watch: Watch = lambda items, count: items,
) -> Leaks:
    """Compare all pre-training images with all test images.

    Args:
        first: Pre-training files.
        second: Test files.
        windows: Look for test pictures in windows of larger pre-training ones, too.
        footprints: Compare the ground of georeferenced rasters.
        workers: Threads that decode.
        watch: Wraps long walks, for progress bars.
    """
    one, two = (read_signatures(files, workers, watch) for files in (first, second))
    leaks = Leaks(one, two, find_copies(one.cells, two.cells))
    if windows and len(two.paths):
        leaks.larger = one.paths
        leaks.windows = find_windows(one.paths, two, watch)
    if footprints:
        leaks.overlaps = find_overlaps(first, second)
    return leaks


def image_files(source: str, loaders: Sequence[str]) -> list[str]:
    """Return the images of a folder, or of a config's data set.

    Args:
        source: Folder or config.
        loaders: Keys of the config's loaders, of which the first one is taken.

    Raises:
        UserError: If there are no images.
    """
    if Path(source).is_dir():
        files = [str(file) for file in files_below(Path(source), ENDINGS)]
    elif source.endswith('.py'):
        files = [*dict.fromkeys(_of_config(source, loaders))]
    else:
        raise MissingData(
            f"expected a folder of images or a config (.py), got '{source}'; correct "
            'the path.'
        )
    if not files:
        raise UserError(
            f"expected images ({', '.join(ENDINGS)}) in '{source}', found none; name "
            'the folder that holds them, or a config whose data are there.'
        )
    return files


def _of_config(source: str, loaders: Sequence[str]) -> Iterator[str]:
    from mmengine.registry import DefaultScope

    from rsp.engine.train import load_config

    cfg = load_config(source, None, 'none', None)
    loader = next((cfg[key] for key in loaders if cfg.get(key)), None)
    if loader is None:
        raise UserError(
            f"expected one of {', '.join(loaders)} in '{source}', got none of them; "
            'name a config that has one, or a folder.'
        )
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        yield from dataset_images(dict(loader['dataset']))


def dataset_images(dataset: dict[str, Any]) -> Iterator[str]:
    """Yield the images of a data set's config, in the scope that it is made for."""
    from rsp.prepare.check import build

    sources = dataset.get('sources')
    if isinstance(sources, Mapping):
        for part in sources.values():
            yield from dataset_images(dict(part))
        return
    if dataset.get('type') in ('rsp.SceneDataset', 'rsp.TemporalSceneDataset'):
        for root in [dataset['data_root']]:
            yield from map(str, files_below(Path(root), ENDINGS))
        return
    for built in build(dict(dataset)):
        for index in range(len(built)):
            info = built.get_data_info(index)
            yield from (str(info[key]) for key in IMAGES if key in info)


def write_json(leaks: Leaks, file: Path) -> None:
    """Write all pairs and counts."""
    with write_atomically(file) as unfinished:
        unfinished.write_text(json.dumps(leaks.to_dict(), indent=1), encoding='utf-8')


def write_clean_list(leaks: Leaks, folder: Path, file: Path) -> int:
    """Write the pre-training files that show no test image; return their number.

    Args:
        leaks: Of a folder.
        folder: That the names are relative to: ``data_root`` and ``data_prefix``.
        file: For ``ann_file`` of `rsp.ImageFolder` with ``with_label=False``.
    """
    sources = leaks.sources
    kept = [path for path in leaks.first.paths if path not in sources]
    names = [Path(path).relative_to(folder).as_posix() for path in kept]
    with write_atomically(file) as unfinished:
        unfinished.write_text(''.join(f'{name}\n' for name in names), encoding='utf-8')
    return len(names)
