"""Generate the training config of a folder from one of the project's configs."""

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from rsp.errors import UserError
from rsp.io.configs import config_folder
from rsp.prepare.generate.options import Options
from rsp.prepare.generate.pipelines import adapt_pipeline
from rsp.prepare.generate.pretty_text import pretty_text
from rsp.prepare.generate.sources import (
    image_source,
    mean_and_std,
    photo_source,
    scene_source,
)
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.file_info import FileInfo
from rsp.prepare.scan.folder import Scan


def generate_config(scan: Scan, options: Options, out: Path) -> str:
    """Return a config that trains on the most common pixel format of a folder.

    Args:
        scan: Of the folder.
        options: Choices of the user.
        out: Folder for a list of images, should one be needed.

    Raises:
        MissingData: If the photos or the land cover are not there.
        UserError: If files and options do not fit.
    """
    pixel_format = next(iter(scan.pixel_formats))
    files = scan.with_format(pixel_format)
    facts = options.facts
    base_path = config_folder() / (facts.small if options.small else facts.full)
    base = Config.fromfile(base_path)
    scenes = _are_scenes(files)
    if facts.land_cover and not scenes:
        raise UserError(
            f'{options.method} expects georeferenced scenes, got {pixel_format} '
            f"without georeference in '{scan.root}'; choose another method."
        )
    bands = _choose_bands(files, options)
    batch_size = base.train_dataloader.batch_size
    if scenes:
        source, length = scene_source(scan, files, options, bands, batch_size)
    else:
        source, length = image_source(scan, files, out), len(files)
        batch_size = min(batch_size, max(length // 4, 1))
    model: dict[str, Any] = {}
    parts: dict[str, Any] = dict(model=model)
    if len(bands) != 3:
        model['backbone'] = dict(in_channels=len(bands))
        if base.get('checkpoint'):
            parts['inflate_stem'] = True
    if facts.keys_per_image:
        # Shorter than what an epoch adds: an image's old key is its own negative.
        keys = length * facts.keys_per_image
        shorter = 2 ** int(math.log2(max(keys - 1, 2)))
        model['queue'] = dict(length=min(base.model.queue.length, shorter))
    photos = None
    if facts.photos:
        photos, classes = photo_source(options.photos)
        model['sup_head'] = dict(num_classes=classes)
    parts['data_preprocessor'] = _normalization(scan.rgb[pixel_format], bands)
    parts['train_dataloader'] = dict(
        batch_size=batch_size,
        dataset=_dataset(base.train_dataloader.dataset, source, scenes, bands, photos),
    )
    header = [
        f'{options.method} on {len(files):,} files with {pixel_format} of',
        f'{scan.root.resolve()}',
        'Command:',
        f'  {training_command(out / f"{options.method}.py")}',
        '',
        _describe_values(files, bands, scenes),
    ]
    # Line by line: a folder's name may hold line breaks.
    lines = [
        f'# {line}'.rstrip() for text in header for line in text.splitlines() or ['']
    ]
    lines += [f'_base_ = {str(base_path.resolve())!r}', '']
    lines += [f'{key} = {pretty_text(value)}' for key, value in parts.items() if value]
    return '\n'.join(lines) + '\n'


def training_command(config: Path) -> str:
    """Return the command that trains a config."""
    return f'python tools/train.py {shlex.quote(str(config))}'


def most_common_display(files: Sequence[FileInfo]) -> tuple[int, ...]:
    """Return the numbers of the red, green and blue band of most files."""
    counts = Counter(tuple(file.display) for file in files)
    return max(sorted(counts), key=counts.__getitem__)


def _dataset(
    base: ConfigDict,
    source: dict[str, Any],
    scenes: bool,
    bands: tuple[int, ...],
    photos: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return the changes to a base config's data set for another source."""
    if photos is not None:
        pipeline = adapt_pipeline(base.sources.remote.pipeline, scenes, bands)
        remote = dict(_delete_=True, **source, pipeline=pipeline)
        return dict(sources=dict(remote=remote, natural=photos))
    inner = base.get('dataset')
    pipeline = adapt_pipeline((inner or base).pipeline, scenes, bands)
    changed = dict(_delete_=True, **source, pipeline=pipeline)
    # Scenes are drawn by seeds of their own and need no wrapper.
    return dict(dataset=changed) if inner and not scenes else changed


def _are_scenes(files: list[FileInfo]) -> bool:
    """Return True if windows are drawn from the files, False if each is one image."""
    return any(file.outline for file in files) or not all(
        file.dtype == 'uint8' and file.bands in (1, 3) for file in files
    )


def _choose_bands(files: list[FileInfo], options: Options) -> tuple[int, ...]:
    count = files[0].bands
    if options.bands is not None:
        if not 1 <= min(options.bands) <= max(options.bands) <= count:
            raise UserError(
                f'expected --bands from 1 to {count}, got '
                f'{" ".join(map(str, options.bands))}.'
            )
        return options.bands
    if options.facts.any_bands and count != 3:
        return tuple(range(1, count + 1))
    return most_common_display(files)


def _normalization(
    rgb: Sequence[BandStatistics], bands: tuple[int, ...]
) -> dict[str, Any]:
    if len(bands) != 3:
        # The data set has done it: mmengine's preprocessor takes one or three bands.
        return dict(mean=None, std=None, to_rgb=False)
    mean, std = mean_and_std(rgb)
    return dict(mean=mean, std=std, to_rgb=True)


def _describe_values(
    files: list[FileInfo], bands: tuple[int, ...], scenes: bool
) -> str:
    if len(bands) != 3:
        values = 'values as stored, normalized per band'
    elif scenes and files[0].dtype != 'uint8':
        values = '8 bits, stretched by the percentiles of each scene'
    else:
        values = '8 bits, as stored'
    return f'Bands {", ".join(map(str, bands))}: {values}.'
