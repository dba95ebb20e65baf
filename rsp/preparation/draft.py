"""A config for a folder, made of one of the project's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from rsp.config_files import config_folder
from rsp.geo.legends import legend_of
from rsp.ops.band_statistics import BandStatistics
from rsp.preparation.census import Census
from rsp.preparation.look import Found
from rsp.preparation.pipelines import adapt
from rsp.preparation.spelling import spell

# Small ones learn in minutes on a CPU; the others are the published recipes.
BASES = {
    ('gersp', True): 'gersp/gersp_resnet18_1xb64-adamw-coslr-10e_quickstart.py',
    ('gersp', False): 'gersp/gersp_resnet50_8xb32-coslr-restart-100e_maid-in1k.py',
    ('cmid', True): 'cmid/cmid_resnet18_1xb64-adan-coslr-16e_quickstart.py',
    ('cmid', False): 'cmid/cmid_resnet50_4xb64-adan-coslr-200e_maid.py',
    ('geokr', True): 'geokr/geokr_resnet18_1xb16-adam-steplr-20e_scenes.py',
    ('geokr', False): 'geokr/geokr_resnet50_1xb8-adam-steplr-10e_s2-worldcover.py',
}
# Keys that an image gives the queue.
KEYS = dict(gersp=1, cmid=2)
METHODS = ('gersp', 'cmid', 'geokr')
# An epoch has at least so many steps.
LEAST_STEPS = 20
# Files that a config lists by name at most.
MOST_LISTED = 1000
LISTING = 'images.txt'


@dataclass(frozen=True)
class Wishes:
    """What a config is to be.

    Attributes:
        method: ``'gersp'``, ``'cmid'`` or ``'geokr'``.
        small: For minutes on a CPU instead of the published recipe.
        bands: Band numbers from 1; None for red, green and blue, or for all in GeoKR.
        window: Edge in pixels; None for one that suits the recipe and the scenes.
        photos: Folder of photos by class, for GeRSP; None for the project's few.
        land_cover: Raster of classes or folder of them, for GeoKR.
        legend: Of ``land_cover``; None if its files tell.
        labels: Label file instead of ``land_cover``.
    """

    method: str
    small: bool = True
    bands: tuple[int, ...] | None = None
    window: int | None = None
    photos: Path | None = None
    land_cover: Path | None = None
    legend: str | None = None
    labels: Path | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(
                f'expected one of {", ".join(METHODS)}, got {self.method!r}.'
            )
        if self.method == 'geokr' and (self.land_cover is None) == (
            self.labels is None
        ):
            raise ValueError(
                'geokr expects a map or labels of it; give one of --land-cover and '
                '--labels.'
            )
        if self.method != 'geokr' and self.bands and len(self.bands) != 3:
            raise ValueError(
                f'{self.method} expects three bands, got --bands '
                f'{" ".join(map(str, self.bands))}; geokr takes any number.'
            )


def draft_config(census: Census, wishes: Wishes, out: Path) -> str:
    """Text of a config that trains on the most common kind of files of a folder.

    Args:
        census: Of the folder.
        wishes: What it is to be.
        out: Folder for a list of images, should one be needed.

    Raises:
        FileNotFoundError: If the photos or the land cover are not there.
        ValueError: If files and wishes do not fit.
    """
    kind = next(iter(census.kinds))
    files = census.of_kind(kind)
    base_path = config_folder() / BASES[wishes.method, wishes.small]
    base = Config.fromfile(base_path)
    scenes = _are_scenes(files)
    if wishes.method == 'geokr' and not scenes:
        raise ValueError(
            f'geokr expects georeferenced scenes, got {kind} without a place on the '
            f"ground in '{census.root}'; choose gersp or cmid."
        )
    bands = _bands(files, wishes)
    batch = base.train_dataloader.batch_size
    if scenes:
        source, length = _scene_source(census, files, wishes, bands, batch)
    else:
        source, length = _image_source(census, out), len(census.found)
        batch = min(batch, max(length // 4, 1))
    model: dict[str, Any] = {}
    if len(bands) != 3:
        model['backbone'] = dict(in_channels=len(bands))
    if wishes.method != 'geokr':
        # Shorter than what an epoch adds: an image's old key is its own negative.
        keys = length * KEYS[wishes.method]
        shorter = 2 ** int(math.log2(max(keys - 1, 2)))
        model['queue'] = dict(length=min(base.model.queue.length, shorter))
    parts: dict[str, Any] = {}
    loader: dict[str, Any] = dict(batch_size=batch)
    if wishes.method == 'gersp':
        photos, classes = _photos(wishes.photos)
        model['sup_head'] = dict(num_classes=classes)
        remote = base.train_dataloader.dataset.sources.remote
        loader['dataset'] = dict(
            sources=dict(
                remote=dict(_delete_=True, **source)
                | dict(pipeline=adapt(remote.pipeline, scenes, bands)),
                natural=dict(data_root=str(photos), data_prefix=''),
            )
        )
    else:
        dataset = base.train_dataloader.dataset
        inside = dataset.get('dataset', dataset)
        source['pipeline'] = adapt(inside.pipeline, scenes, bands)
        if scenes:
            loader['dataset'] = dict(_delete_=True, **source)
        else:
            loader['dataset'] = dict(dataset=dict(_delete_=True, **source))
    if wishes.method == 'geokr' and not wishes.small and len(bands) != 3:
        parts['inflate_stem'] = True
    if model:
        parts['model'] = model
    parts['data_preprocessor'] = _normalisation(census.coloured[kind], bands)
    parts['train_dataloader'] = loader
    if len(bands) != 3:
        values = 'values as stored, normalised per band'
    elif scenes and files[0].dtype != 'uint8':
        values = '8 bits, stretched by the percentiles of each scene'
    else:
        values = '8 bits, as stored'
    head = [
        f'# {wishes.method} on {len(files):,} files with {kind} of',
        f'# {census.root.resolve()}',
        '# Command:',
        f'#   python tools/train.py {out / wishes.method}.py',
        '#',
        f'# Bands {", ".join(map(str, bands))}: {values}.',
        f'_base_ = {str(base_path.resolve())!r}',
        '',
    ]
    return '\n'.join(head + [f'{k} = {spell(v)}' for k, v in parts.items()]) + '\n'


def _are_scenes(files: list[Found]) -> bool:
    """Whether windows are drawn from them; else each is one image."""
    return any(file.outline for file in files) or not all(
        file.dtype == 'uint8' and file.bands in (1, 3) for file in files
    )


def _bands(files: list[Found], wishes: Wishes) -> tuple[int, ...]:
    count = files[0].bands
    if wishes.bands is not None:
        if not 1 <= min(wishes.bands) <= max(wishes.bands) <= count:
            raise ValueError(
                f'expected --bands from 1 to {count}, got '
                f'{" ".join(map(str, wishes.bands))}.'
            )
        return wishes.bands
    if wishes.method == 'geokr' and count != 3:
        return tuple(range(1, count + 1))
    return tuple(most_common_display(files))


def most_common_display(files: list[Found]) -> tuple[int, ...]:
    """Red, green and blue of most files."""
    displays = [tuple(file.display) for file in files]
    return max(sorted(set(displays)), key=displays.count)


def _normalisation(
    colours: Sequence[BandStatistics], bands: tuple[int, ...]
) -> dict[str, Any]:
    if len(bands) != 3:
        # The data set has done it: mmengine's preprocessor takes one or three bands.
        return dict(mean=None, std=None, to_rgb=False)
    mean, std = _mean_and_std(colours)
    return dict(mean=mean, std=std, to_rgb=True)


def _mean_and_std(bands: Sequence[BandStatistics]) -> tuple[list[float], list[float]]:
    # A band of a single value must not be divided by 0.
    return [float(f'{b.mean:.6g}') for b in bands], [
        float(f'{b.deviation or 1:.6g}') for b in bands
    ]


def _scene_source(
    census: Census,
    files: list[Found],
    wishes: Wishes,
    bands: tuple[int, ...],
    batch: int,
) -> tuple[dict[str, Any], int]:
    window = wishes.window or _window(files, 64 if wishes.small else 256)
    fitting = [f for f in files if min(f.width, f.height) >= window]
    if not fitting:
        raise ValueError(
            f'expected scenes of at least {window} x {window} pixels, the largest has '
            f'{max(min(f.width, f.height) for f in files)}; lower --window.'
        )
    root: str | list[str] = str(census.root.resolve())
    others = len(census.found) - len(files)
    if others:
        if len(files) > MOST_LISTED:
            raise ValueError(
                f"expected files of one kind in '{census.root}', got {others} beside "
                f'{len(files)} with {files[0].kind}; put them into another folder.'
            )
        root = [str(census.root.resolve() / file.path) for file in files]
    source: dict[str, Any] = dict(
        type='rsp.SceneDataset', data_root=root, bands=list(bands)
    )
    if len(bands) != 3:
        stored = census.stored[files[0].kind]
        mean, std = _mean_and_std([stored[band - 1] for band in bands])
        source['reflectance'] = dict(mean=mean, std=std)
    elif files[0].dtype == 'uint8':
        source['stretch'] = None
    if wishes.labels is not None:
        _refuse_missing(wishes.labels)
        return source | dict(labels=str(wishes.labels.resolve())), batch
    pixels = sum(f.width * f.height * (1 - f.nodata_share) for f in fitting)
    length = max(int(pixels / window**2), LEAST_STEPS * batch)
    source |= dict(window=window, length=length)
    if wishes.method == 'geokr' and not wishes.small:
        # As published; of dark ground little would be left.
        source['reject'] = True
    if wishes.method != 'geokr' and len(fitting) >= batch:
        source['max_per_scene'] = max(batch // 8, 1)
    if wishes.land_cover is not None:
        _refuse_missing(wishes.land_cover)
        source['land_cover'] = dict(
            rasters=str(wishes.land_cover.resolve()),
            legend=_legend(wishes.legend),
            min_coverage=0.5,
        )
    return source, length


def _window(files: list[Found], window: int) -> int:
    """The recipe's edge, halved until half of the scenes are as large."""
    edges = sorted(min(file.width, file.height) for file in files)
    while window > 16 and edges[len(edges) // 2] < window:
        window //= 2
    return window


def _image_source(census: Census, out: Path) -> dict[str, Any]:
    """The folder; if not all of it can be read, a list of what can."""
    source = dict(
        type='rsp.ImageFolder',
        data_root=str(census.root.resolve()),
        with_label=False,
    )
    if census.unreadable:
        listing = out.resolve() / LISTING
        listing.write_text(''.join(f'{file.path}\n' for file in census.found))
        source['ann_file'] = str(listing)
    return source


def _photos(folder: Path | None) -> tuple[Path, int]:
    """A folder of photos and how many classes it has."""
    folder = folder or config_folder().parent / 'data' / 'quickstart' / 'natural'
    if not folder.is_dir():
        raise FileNotFoundError(
            f'gersp expects labelled photos, a folder per class; there is no folder '
            f"'{folder}': give one with --photos, or choose --method cmid."
        )
    classes = sum(child.is_dir() for child in folder.iterdir())
    if not classes:
        raise ValueError(f"expected a folder per class in '{folder}', got none.")
    return folder.resolve(), classes


def _legend(name: str | None) -> str | None:
    """Refused here if it is none; a file by a path that holds from any folder."""
    if name is None:
        return None
    legend_of(name)
    return str(Path(name).resolve()) if Path(name).is_file() else name


def _refuse_missing(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"there is no '{path}'.")
