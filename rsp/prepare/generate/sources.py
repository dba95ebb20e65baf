"""Choose the data sets of a generated config."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsp.errors import MissingData, UserError
from rsp.geo.files.listing import list_files
from rsp.geo.land_cover.class_maps import load_class_map
from rsp.geo.land_cover.zonal import LandCover
from rsp.geo.rasters import ENDINGS
from rsp.io.configs import config_folder
from rsp.io.files import folders_in
from rsp.io.images import PLAIN, read_info
from rsp.prepare.generate.choose_bands import Bands, stored_statistics
from rsp.prepare.generate.options import Options
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.file_info import FileInfo
from rsp.prepare.scan.folder import Scan

# Fewest steps of an epoch.
LEAST_STEPS = 20
# Most files that a config lists by name.
MOST_LISTED = 1000
IMAGE_LIST = 'images.txt'


def scene_source(
    scan: Scan,
    files: list[FileInfo],
    options: Options,
    bands: Bands,
    batch_size: int,
) -> tuple[dict[str, Any], int]:
    """Return the arguments of ``rsp.SceneDataset``, and its windows per epoch.

    Args:
        scan: Of the folder.
        files: Files of one pixel format.
        options: Choices of the user.
        bands: Numbers or names.
        batch_size: Images per step.

    Raises:
        MissingData: If labels or land cover are not there.
        UserError: If the scenes are too small, or too many to be listed, or the land
            cover cannot be used.
    """
    window = options.window or _choose_window(files, 64 if options.small else 256)
    fitting = [f for f in files if min(f.width, f.height) >= window]
    if not fitting:
        raise UserError(
            f'expected scenes of at least {window} x {window} pixels, the largest has '
            f'{max(min(f.width, f.height) for f in files)}; lower --window.'
        )
    source: dict[str, Any] = dict(
        type='rsp.SceneDataset',
        data_root=_data_root(scan, files, options),
        bands=_band_option(scan, files, bands),
    )
    if len(bands) != 3:
        stored = stored_statistics(scan, files, bands)
        source['reflectance'] = dict(value_range=value_ranges(stored))
    elif files[0].dtype == 'uint8':
        source['stretch'] = None
    if options.labels is not None:
        if not options.labels.exists():
            raise MissingData(f"there is no '{options.labels}'.")
        labels = str(options.labels.resolve())
        windows: dict[str, Any] = dict(type='rsp.LabeledWindowSampler', file=labels)
        return source | dict(windows=windows), batch_size
    pixels = sum(f.width * f.height * (1 - f.nodata_share) for f in fitting)
    length = max(int(pixels / window**2), LEAST_STEPS * batch_size)
    windows = dict(size=window, length=length)
    if options.facts.keys_per_image and len(fitting) >= batch_size:
        # Windows of one scene are easy negatives for each other.
        windows['max_per_scene'] = max(batch_size // 8, 1)
    source['windows'] = windows
    rejection = {} if options.small else dict(options.facts.full_rejection)
    if options.land_cover is not None:
        class_map = _resolve_class_map(options.class_map)
        # Fails early if the rasters are missing or their class map is not certain.
        LandCover(options.land_cover, class_map)
        source['land_cover'] = dict(
            rasters=str(options.land_cover.resolve()), class_map=class_map
        )
        rejection['min_coverage'] = 0.5
    if rejection:
        source['rejection'] = rejection
    return source, length


def _band_option(
    scan: Scan, files: list[FileInfo], bands: Bands
) -> list[int | str] | dict[str, Any]:
    """Return the option ``bands``; where files are stacked, with how."""
    if not any(file.path in scan.parts for file in files):
        return list(bands)
    option: dict[str, Any] = dict(names=list(bands), resampling='nearest')
    sizes = {file.pixel_size[0] for file in files if file.pixel_size}
    if len(sizes) == 1:
        option['pixel_size'] = sizes.pop()
    return option


def _data_root(scan: Scan, files: list[FileInfo], options: Options) -> str | list[str]:
    """Return the folder, if ``rsp.SceneDataset`` finds these files in it and no others.

    Otherwise return the paths of the files.
    """
    root = scan.root.resolve()
    wanted = [part for f in files for part in scan.parts.get(f.path, [f.path])]
    beside = {*scan.unreadable, *scan.others, *scan.previews}
    place = options.land_cover
    if place is None or root not in place.resolve().parents:
        _, found = list_files(root, ENDINGS)
        names = {file.relative_to(root).as_posix() for file in found}
        if names - beside == set(wanted):
            return str(root)
    if len(wanted) > MOST_LISTED:
        others = len(scan.files) - len(files)
        what = f'{others} others' if others else 'the land cover or other files'
        raise UserError(
            f"expected files of one pixel format in '{scan.root}', got {what} beside "
            f'{len(files):,} with {files[0].pixel_format}; put them into another '
            'folder.'
        )
    return [str(root / path) for path in wanted]


def _choose_window(files: list[FileInfo], window: int) -> int:
    """Return the edge of the recipe, halved until half of the scenes are as large."""
    edges = sorted(min(file.width, file.height) for file in files)
    while window > 16 and edges[len(edges) // 2] < window:
        window //= 2
    return window


def image_source(
    scan: Scan, files: list[FileInfo], out: Path
) -> tuple[dict[str, Any], int]:
    """Return the arguments of ``rsp.ImageFolder``, and the number of images.

    Writes a list of the files to ``out`` if the folder holds others as well:
    unreadable, of another pixel format, or refused by the loader of images.

    Raises:
        UserError: If the loader refuses all.
    """
    refused: list[UserError] = []
    files = [file for file in files if _is_image(scan.root / file.path, refused)]
    if not files:
        raise refused[0]
    source = dict(
        type='rsp.ImageFolder', data_root=str(scan.root.resolve()), with_label=False
    )
    if scan.unreadable or scan.previews or len(files) < len(scan.files):
        image_list = out.resolve() / IMAGE_LIST
        lines = ''.join(f'{file.path}\n' for file in files)
        image_list.write_text(lines, encoding='utf-8')
        source['ann_file'] = str(image_list)
    return source, len(files)


def _is_image(file: Path, refused: list[UserError]) -> bool:
    try:
        PLAIN.require_whole(read_info(file))
    except UserError as error:
        refused.append(error)
        return False
    return True


def photo_source(folder: Path | None) -> tuple[dict[str, Any], int]:
    """Return the changes to ``rsp.ImageFolder`` for photos, and the number of classes.

    Raises:
        MissingData: If there is no such folder.
        UserError: If it has no folder per class.
    """
    folder = folder or config_folder().parent / 'data' / 'quickstart' / 'natural'
    if not folder.is_dir():
        raise MissingData(
            'expected labeled photos, a folder per class; there is no folder '
            f"'{folder}': give one with --photos, or choose --method cmid."
        )
    classes = len(folders_in(folder))
    if not classes:
        raise UserError(f"expected a folder per class in '{folder}', got none.")
    return dict(data_root=str(folder.resolve()), data_prefix=''), classes


def _resolve_class_map(name: str | None) -> str | None:
    """Check a class map; return its name, or the absolute path of its file."""
    if name is None:
        return None
    load_class_map(name)
    return str(Path(name).resolve()) if Path(name).is_file() else name


def value_ranges(bands: Sequence[BandStatistics]) -> list[list[float]]:
    """Return black and white of bands: the percentiles that a stretch takes."""
    ranges = []
    for band in bands:
        low, high = (float(f'{v:.6g}') for v in band.percentiles([1.0, 99.0]))
        ranges.append([low, high if high > low else low + 1])
    return ranges


def mean_and_std(bands: Sequence[BandStatistics]) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation per band, rounded for a config."""
    mean = [float(f'{band.mean:.6g}') for band in bands]
    # A band of a single value must not be divided by 0.
    return mean, [float(f'{band.std or 1:.6g}') for band in bands]
