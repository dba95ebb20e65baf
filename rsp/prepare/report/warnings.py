"""What one should know of a folder before training on it."""

from collections import Counter
from collections.abc import Iterator

from rasterio.crs import CRS

from rsp.errors import shorten
from rsp.prepare.scan.folder import Census

FEW = 1000


def concerns(census: Census) -> list[str]:
    """Sentences about what may spoil a training, the gravest first."""
    return [line for line in _all(census) if line]


def _all(census: Census) -> Iterator[str]:
    files = census.found
    georeferenced = [file for file in files if file.outline]
    if census.unreadable:
        yield f'{_files(len(census.unreadable))} cannot be read; their names are below.'
    if len(census.kinds) > 1:
        kinds = ', '.join(f'{n} with {kind}' for kind, n in census.kinds.items())
        yield (
            f'The files are of {len(census.kinds)} kinds: {kinds}. The config takes '
            'those of the most common kind.'
        )
    # Photographs and tiles without any are no scenes, and lack nothing.
    if georeferenced and len(georeferenced) < len(files):
        names = [file.path for file in files if not file.outline]
        yield (
            f'{_files(len(names))} without a place on the ground (no reference system '
            f'or transform): {shorten(names, 3)}. They cannot get land-cover labels.'
        )
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
        yield f'{_files(len(blank))} of a single colour: {shorten(blank, 3)}.'
    if census.copies:
        extra = sum(len(group) - 1 for group in census.copies)
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
            f'Pixels are {min(sizes):g} to {max(sizes):g} metres: windows of a fixed '
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


def _is_metric(crs: str | None) -> bool:
    return crs is not None and CRS.from_user_input(crs).is_projected


def _files(count: int) -> str:
    return '1 file' if count == 1 else f'{count:,} files'
