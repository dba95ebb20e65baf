"""Where a drafted config takes its images from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rsp.errors import MissingData, UserError
from rsp.geo.land_cover.class_maps import load_class_map
from rsp.geo.land_cover.zonal import LandCover
from rsp.io.configs import config_folder
from rsp.prepare.generate.options import Wishes
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.file_info import Found
from rsp.prepare.scan.folder import Census

# An epoch has at least so many steps.
LEAST_STEPS = 20
# Files that a config lists by name at most.
MOST_LISTED = 1000
LISTING = 'images.txt'


def scene_source(
    census: Census,
    files: list[Found],
    wishes: Wishes,
    bands: tuple[int, ...],
    batch: int,
) -> tuple[dict[str, Any], int]:
    """Arguments of ``rsp.SceneDataset``, and its windows per epoch.

    Args:
        census: Of the folder.
        files: Those of one kind.
        wishes: What the config is to be.
        bands: Band numbers from 1.
        batch: Images of a step.

    Raises:
        FileNotFoundError: If labels or land cover are not there.
        ValueError: If the scenes are too small, or too many to be listed, or the land
            cover cannot be used.
    """
    window = wishes.window or _window(files, 64 if wishes.small else 256)
    fitting = [f for f in files if min(f.width, f.height) >= window]
    if not fitting:
        raise UserError(
            f'expected scenes of at least {window} x {window} pixels, the largest has '
            f'{max(min(f.width, f.height) for f in files)}; lower --window.'
        )
    root: str | list[str] = str(census.root.resolve())
    others = len(census.found) - len(files)
    if others or _lies_in(wishes.land_cover, census.root):
        if len(files) > MOST_LISTED:
            what = f'{others} others' if others else 'the land cover'
            raise UserError(
                f"expected files of one kind in '{census.root}', got {what} beside "
                f'{len(files):,} with {files[0].kind}; put them into another folder.'
            )
        root = [str(census.root.resolve() / file.path) for file in files]
    source: dict[str, Any] = dict(
        type='rsp.SceneDataset', data_root=root, bands=list(bands)
    )
    if len(bands) != 3:
        stored = census.stored[files[0].kind]
        mean, std = mean_and_std([stored[band - 1] for band in bands])
        source['reflectance'] = dict(mean=mean, std=std)
    elif files[0].dtype == 'uint8':
        source['stretch'] = None
    if wishes.labels is not None:
        if not wishes.labels.exists():
            raise MissingData(f"there is no '{wishes.labels}'.")
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
        class_map = _class_map(wishes.class_map)
        # Refused here, if there is no map, or no telling what its codes mean.
        LandCover(wishes.land_cover, class_map)
        source['land_cover'] = dict(
            rasters=str(wishes.land_cover.resolve()),
            class_map=class_map,
            min_coverage=0.5,
        )
    return source, length


def _lies_in(place: Path | None, folder: Path) -> bool:
    return place is not None and folder.resolve() in place.resolve().parents


def _window(files: list[Found], window: int) -> int:
    """The recipe's edge, halved until half of the scenes are as large."""
    edges = sorted(min(file.width, file.height) for file in files)
    while window > 16 and edges[len(edges) // 2] < window:
        window //= 2
    return window


def image_source(census: Census, files: list[Found], out: Path) -> dict[str, Any]:
    """The folder; if not all of it is of one kind and can be read, a list of that."""
    source = dict(
        type='rsp.ImageFolder',
        data_root=str(census.root.resolve()),
        with_label=False,
    )
    if census.unreadable or len(files) < len(census.found):
        listing = out.resolve() / LISTING
        lines = ''.join(f'{file.path}\n' for file in files)
        listing.write_text(lines, encoding='utf-8')
        source['ann_file'] = str(listing)
    return source


def photo_source(folder: Path | None) -> tuple[Path, int]:
    """A folder of photos and how many classes it has.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it has no folder per class.
    """
    folder = folder or config_folder().parent / 'data' / 'quickstart' / 'natural'
    if not folder.is_dir():
        raise MissingData(
            f'gersp expects labelled photos, a folder per class; there is no folder '
            f"'{folder}': give one with --photos, or choose --method cmid."
        )
    classes = sum(child.is_dir() for child in folder.iterdir())
    if not classes:
        raise UserError(f"expected a folder per class in '{folder}', got none.")
    return folder.resolve(), classes


def _class_map(name: str | None) -> str | None:
    """Refused here if it is none; a file by a path that holds from any folder."""
    if name is None:
        return None
    load_class_map(name)
    return str(Path(name).resolve()) if Path(name).is_file() else name


def mean_and_std(bands: Sequence[BandStatistics]) -> tuple[list[float], list[float]]:
    """Mean and deviation per band, as a config spells them."""
    # A band of a single value must not be divided by 0.
    return [float(f'{b.mean:.6g}') for b in bands], [
        float(f'{b.deviation or 1:.6g}') for b in bands
    ]
