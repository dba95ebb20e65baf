"""Generate the training config of a folder from one of the project's configs."""

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from rsp.errors import UserError
from rsp.io.configs import config_folder
from rsp.prepare.generate.choose_bands import (
    Bands,
    card_names,
    choose_bands,
    color_places,
    stored_statistics,
)
from rsp.prepare.generate.options import Method, Options
from rsp.prepare.generate.pipelines import adapt_pipeline
from rsp.prepare.generate.pretty_text import comment, pretty_text
from rsp.prepare.generate.sources import (
    image_source,
    mean_and_std,
    photo_source,
    scene_source,
)
from rsp.prepare.scan.file_info import FileInfo, is_picture
from rsp.prepare.scan.folder import Scan


@dataclass(frozen=True)
class GeneratedConfig:
    """Store a config and what its bands are.

    Attributes:
        text: Of the file.
        bands: The chosen ones, as they are called in the files.
        values: Of these bands, in words.
    """

    text: str
    bands: Bands
    values: str


def generate_config(scan: Scan, options: Options, out: Path) -> GeneratedConfig:
    """Generate a config that trains on the most common pixel format of a folder.

    Maps of classes count only where there is nothing else.

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
    bands = choose_bands(files, options)
    batch_size = base.train_dataloader.batch_size
    if scenes:
        source, length = scene_source(scan, files, options, bands, batch_size)
    else:
        source, length = image_source(scan, files, out)
        batch_size = min(batch_size, max(length // 4, 1))
    model: dict[str, Any] = {}
    parts: dict[str, Any] = dict(bands=card_names(files, bands), model=model)
    if len(bands) != 3:
        model.update(_for_bands(base.model, len(bands)))
        parts['custom_hooks'] = _drawing(base, color_places(files[0], bands))
        if base.get('checkpoint'):
            parts['inflate_stem'] = True
    if facts.keys_per_image:
        if facts.queue == 'queue_len':
            # A power of 2: mmpretrain's MoCo wants a queue that batches fill exactly.
            batch_size = 2 ** int(math.log2(batch_size))
        _shorten_queue(model, base.model, facts, length * facts.keys_per_image)
    photos = None
    if facts.photos:
        photos, classes = photo_source(options.photos)
        model['sup_head'] = dict(num_classes=classes)
    if len(bands) == 3:
        mean, std = mean_and_std(scan.rgb[pixel_format])
        parts['data_preprocessor'] = dict(mean=mean, std=std, to_rgb=True)
    else:
        mean, std = mean_and_std(stored_statistics(scan, files, bands))
        parts['data_preprocessor'] = _normalization(base, mean, std, facts.photos)
    loader = dict(batch_size=batch_size) | _seeded(base.train_dataloader, scenes)
    parts['train_dataloader'] = loader | dict(
        dataset=_dataset(base.train_dataloader.dataset, source, scenes, bands, photos),
    )
    values = _describe_values(files, bands, scenes)
    header = [
        f'{options.method} on {len(files):,} files with {pixel_format} of',
        f'{scan.root.resolve()}',
        'Command:',
        f'  {training_command(out / f"{options.method}.py")}',
        '',
        f'Bands {shown(bands)}: {values}.',
    ]
    lines = [*map(comment, header)]
    lines += [f'_base_ = {pretty_text(str(base_path.resolve()))}', '']
    lines += [f'{key} = {pretty_text(value)}' for key, value in parts.items() if value]
    return GeneratedConfig('\n'.join(lines) + '\n', bands, values)


def shown(bands: Bands) -> str:
    """List bands for people."""
    return ', '.join(map(str, bands))


def training_command(config: Path) -> str:
    """Return the command that trains a config."""
    return f'rsp train {shlex.quote(str(config))}'


def _dataset(
    base: ConfigDict,
    source: dict[str, Any],
    scenes: bool,
    bands: Bands,
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
    return not all(is_picture(f.dtype, f.bands, f.outline) for f in files)


def _for_bands(base: ConfigDict, bands: int) -> dict[str, Any]:
    """Return the changes to a base config's model for other than three bands."""
    changed: dict[str, Any] = dict(backbone=dict(in_channels=bands))
    if 'reconstruction' in base:
        decoder = dict(type='rsp.LinearDecoder', out_channels=bands)
        changed['reconstruction'] = dict(decoder=decoder)
    if 'sup_head' in base:
        changed['source_stems'] = dict(natural=3)
    return changed


def _drawing(
    base: Config, colors: tuple[int, ...] | None
) -> list[dict[str, Any]] | None:
    """Return the hooks of a base config if they draw images: red, green and blue."""
    hooks = [dict(hook) for hook in base.get('custom_hooks', ())]
    drawing = [hook for hook in hooks if hook['type'] == 'rsp.ReconstructionHook']
    for hook in drawing:
        hook['bands'] = [*(colors or ())]
    return hooks if drawing and colors else None


def _shorten_queue(
    model: dict[str, Any], base: ConfigDict, facts: Method, keys: int
) -> None:
    """Set a queue shorter than what an epoch adds to it.

    Beyond that an image's old key is its own negative.
    """
    shorter = 2 ** int(math.log2(max(keys - 1, 2)))
    *parents, name = facts.queue.split('.')
    for key in parents:
        model, base = model.setdefault(key, {}), base[key]
    model[name] = min(base[name], shorter)


def _normalization(
    base: Config, mean: list[float], std: list[float], photos: bool
) -> dict[str, Any]:
    """Return the preprocessor of bands that are no colors."""
    own: dict[str, Any] = dict(mean=mean, std=std, to_rgb=False)
    if not photos:
        return dict(type='rsp.BandDataPreprocessor') | own
    given = base.data_preprocessor
    colors = dict(mean=list(given.mean), std=list(given.std), to_rgb=given.to_rgb)
    return own | dict(sources=dict(natural=colors))


def _seeded(base: ConfigDict, scenes: bool) -> dict[str, Any]:
    """Return the changes to a loader that does not draw the windows of scenes."""
    if not scenes or base.sampler.type == 'rsp.PairedSampler':
        return {}
    return dict(
        drop_last=True,
        sampler=dict(_delete_=True, type='rsp.PairedSampler', shuffle=True),
        batch_sampler=dict(type='rsp.PairedBatchSampler', drop_last=True),
        collate_fn=dict(type='rsp.stacked_collate'),
    )


def _describe_values(files: list[FileInfo], bands: Bands, scenes: bool) -> str:
    if len(bands) != 3:
        return 'values as stored, normalized per band'
    if scenes and files[0].dtype != 'uint8':
        return '8 bits, stretched by the percentiles of each scene'
    return '8 bits, as stored'
