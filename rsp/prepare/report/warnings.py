"""Find properties of a folder that may harm a training."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from rasterio.crs import CRS

from rsp.errors import shorten
from rsp.geo.bands.products import has_offset
from rsp.geo.bands.stacks import find_stacks
from rsp.geo.files.storage_notes import storage_notes
from rsp.geo.overlaps import Ground, find_repeats, outline_of
from rsp.prepare.scan.folder import Scan

FEW = 1000


def find_warnings(scan: Scan) -> Iterator[str]:
    """Yield one sentence per problem for a training, the most serious first."""
    files = scan.files
    georeferenced = [file for file in files if file.outline]
    if scan.unreadable:
        yield f'{_files(len(scan.unreadable))} cannot be read; their names are below.'
    formats = scan.pixel_formats
    if len(formats) > 1:
        counts = ', '.join(f'{n} with {name}' for name, n in formats.items())
        yield (
            f'The files have {len(formats)} pixel formats: {counts}. The config takes '
            f'those with {next(iter(formats))}; images come before maps of classes.'
        )
    yield from _about_bands(scan)
    tied: dict[tuple[str, ...], list[str]] = {}
    for file in files:
        if file.tied_by is not None:
            tied.setdefault(tuple(file.tied_by), []).append(file.path)
    for (what, code), names in tied.items():
        yield (
            f'{_files(len(names))} with {what} instead of a transform: '
            f'{shorten(names, 3)}. Rows and columns lie askew on the ground: warp them '
            f'first by gdalwarp -t_srs {code} IN OUT.'
        )
    # Where no file is georeferenced (photographs, tiles), none is expected to be.
    if georeferenced and len(georeferenced) < len(files):
        names = [f.path for f in files if not f.outline and f.tied_by is None]
    else:
        names = []
    if names:
        yield (
            f'{_files(len(names))} without georeference (no reference system '
            f'or transform): {shorten(names, 3)}. They cannot get land-cover labels.'
        )
    yield from storage_notes(files)
    empty = [file.path for file in files if file.nodata_share == 1]
    if empty:
        yield f'{_files(len(empty))} without any data: {shorten(empty, 3)}.'
    undeclared = [
        file.path
        for file in files
        if file.nodata == 'none' and 0.005 < file.nodata_share < 1
    ]
    if undeclared:
        yield (
            f'{_files(len(undeclared))} with more than 0.5 % of pixels that are 0 in '
            'all bands without being declared as no-data: '
            f'{shorten(undeclared, 3)}. They are taken for it.'
        )
    yield from find_repeats(
        [
            Ground(file.path, outline, file.date, tuple(file.pixels))
            for file in georeferenced
            if (outline := outline_of(np.array(file.outline))) is not None
        ]
    ).sentences()
    scalings = Counter(str(file.scaling)[1:-1] for file in georeferenced)
    if len(scalings) > 1:
        counts = ', '.join(f'{pair} in {_files(n)}' for pair, n in scalings.items())
        yield (
            f'Different scales and offsets are declared, {counts}. Pixels are read as '
            'they are stored, and the same value then means different things: bring '
            'the files to one, e.g. by gdal_translate -unscale -ot Float32.'
        )
    blank = [file.path for file in files if file.hash is None and file.nodata_share < 1]
    if blank:
        yield f'{_files(len(blank))} of a single color: {shorten(blank, 3)}.'
    if scan.copies:
        extra = sum(len(group) - 1 for group in scan.copies)
        verb = 'looks' if extra == 1 else 'look'
        yield (
            f'{_files(extra)} {verb} like another one: copies, resized or encoded '
            "again. In contrastive methods an image is its copy's negative."
        )
    in_rows = [
        file.path
        for file in georeferenced
        if file.striped and file.compressed and file.height > 1024
    ]
    if in_rows:
        yield (
            f'{_files(len(in_rows))} compressed in rows instead of tiles: whole rows '
            f'are decoded for a window, which is slow: {shorten(in_rows, 3)}. '
            'gdal_translate IN OUT -of COG rewrites one.'
        )
    if any(not file.display_known and file.bands >= 3 for file in files):
        display = Counter(
            tuple(file.display) for file in files if not file.display_known
        ).most_common(1)[0][0]
        yield (
            'The files do not say which bands are red, green and blue; '
            f'{", ".join(map(str, display))} are taken. Look at the pictures, and '
            'choose others with --bands.'
        )
    sizes = {
        round(file.pixel_size[0], 9)
        for file in georeferenced
        if file.pixel_size and _is_metric(file.crs)
    }
    if sizes and max(sizes) > 2 * min(sizes):
        yield (
            f'Pixels are {min(sizes):g} to {max(sizes):g} meters: windows of a fixed '
            'number of pixels show very different areas.'
        )
    if len(files) < FEW and not georeferenced:
        yield (
            f'{len(files)} images are few: pre-training wants thousands to millions. '
            'This is enough for a trial.'
        )
    pixels = sum(f.width * f.height * (1 - f.nodata_share) for f in georeferenced)
    if georeferenced and pixels < FEW * 256**2:
        yield (
            f'All scenes together have {pixels:,.0f} pixels with data, less than {FEW} '
            'windows of 256 x 256: pre-training wants thousands to millions. This is '
            'enough for a trial.'
        )


def _about_bands(scan: Scan) -> Iterator[str]:
    """Yield what may mix up bands: their order, pages, stacks and baselines."""
    files = scan.with_format(next(iter(scan.pixel_formats)))
    orders = {tuple(file.display): file for file in files if file.bands > 1}
    if len(orders) > 1:
        examples = '; '.join(
            f"{', '.join(map(str, order))} in '{file.path}'"
            for order, file in [*orders.items()][:3]
        )
        if all(file.display_known for file in files):
            remedy = 'the config finds them by name, in each file by its own'
        else:
            remedy = (
                'some files do not say so, and three numbers are other bands in these: '
                'put files of one order into a folder each, or write the names of '
                'their bands by rasterio (dataset.descriptions)'
            )
        yield f'Red, green and blue are bands {examples}: {remedy}.'
    paged = [file for file in scan.files if file.pages > 1]
    if paged:
        yield (
            f'{_files(len(paged))} with several pages or subdatasets '
            f"({paged[0].pages} in '{paged[0].path}'), of which only the first is "
            "read: open each by rasterio, e.g. 'GTIFF_DIR:2:FILE', and write them as "
            'bands of one file.'
        )
    if scan.parts:
        count = sum(map(len, scan.parts.values()))
        left = ''
        if scan.others:
            left = (
                f' {_files(len(scan.others))} of their products that are no bands, '
                f'such as {shorten(scan.others, 2)}, are left out.'
            )
        yield (
            f'{count} files of one band each are the bands of {len(scan.parts)} scenes '
            f'({shorten([*scan.parts], 2)}): they are read as stacks, with the pixel '
            f'size of their finest bands.{left}'
        )
    single = [scan.root / f.path for f in files if f.bands == 1]
    single = [
        f for f in single if f.relative_to(scan.root).as_posix() not in scan.parts
    ]
    apart = find_stacks(scan.root, single)
    if apart:
        names = [part.file.name for part in apart[0].parts]
        yield (
            f'By their names, {shorten(names, 3)} are bands of one scene, but they '
            'differ in place, size or reference system, so that each is read as a '
            'scene of one band: bring them onto one grid, e.g. by gdalwarp -t_srs '
            'EPSG:<code> -te <xmin> <ymin> <xmax> <ymax> -tr <x> <y> IN OUT.'
        )
    if scan.previews:
        verb = 'is a preview' if len(scan.previews) == 1 else 'are previews'
        yield (
            f'{_files(len(scan.previews))} {verb} of rasters of the same name, and '
            f'left out: {shorten(scan.previews, 3)}.'
        )
    shifted = [file.path for file in files if has_offset(file.baseline)]
    stacked = [path for path in shifted if path in scan.parts]
    if stacked:
        yield (
            f'{_files(len(stacked))} of Sentinel-2 since processing baseline 04.00, '
            f'whose values are 1000 higher than before: {shorten(stacked, 3)}. That is '
            'undone in stacks.'
        )
    whole = [path for path in shifted if path not in scan.parts]
    if whole:
        yield (
            f'{_files(len(whole))} of Sentinel-2 since processing baseline 04.00, '
            f'whose values are 1000 higher than before: {shorten(whole, 3)}. Keep them '
            'apart from older ones, unless the offset was undone.'
        )


def _is_metric(crs: str | None) -> bool:
    return crs is not None and CRS.from_user_input(crs).is_projected


def _files(count: int) -> str:
    return '1 file' if count == 1 else f'{count:,} files'
