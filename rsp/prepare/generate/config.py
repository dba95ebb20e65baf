"""A config for a folder, made of one of the project's."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from rsp.errors import UserError
from rsp.io.configs import config_folder
from rsp.prepare.generate.options import Wishes
from rsp.prepare.generate.pipelines import adapt
from rsp.prepare.generate.pretty_text import spell
from rsp.prepare.generate.sources import (
    image_source,
    mean_and_std,
    photo_source,
    scene_source,
)
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.file_info import Found
from rsp.prepare.scan.folder import Census

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
        raise UserError(
            f'geokr expects georeferenced scenes, got {kind} without a place on the '
            f"ground in '{census.root}'; choose gersp or cmid."
        )
    bands = _bands(files, wishes)
    batch = base.train_dataloader.batch_size
    if scenes:
        source, length = scene_source(census, files, wishes, bands, batch)
    else:
        source, length = image_source(census, files, out), len(files)
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
        photos, classes = photo_source(wishes.photos)
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
            raise UserError(
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
    mean, std = mean_and_std(colours)
    return dict(mean=mean, std=std, to_rgb=True)
