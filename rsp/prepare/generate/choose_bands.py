"""Choose the bands that a generated config reads, by number or by name."""

from collections import Counter
from collections.abc import Sequence

from rsp.errors import UserError
from rsp.geo.bands.choice import matching_bands
from rsp.geo.bands.sensors import Band
from rsp.prepare.generate.options import Options
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.bands import COLORS
from rsp.prepare.scan.file_info import FileInfo, named_key
from rsp.prepare.scan.folder import Scan

Bands = tuple[int | str, ...]


def choose_bands(files: Sequence[FileInfo], options: Options) -> Bands:
    """Return the bands that are the same ones in all files.

    Numbers where these mean one thing, names where files order their bands differently
    and say how.

    Args:
        files: Of one pixel format.
        options: Choices of the user.

    Raises:
        UserError: If a file lacks a band, or numbers mean different bands.
    """
    if options.bands is not None:
        for file in files:
            _check(file, options.bands)
        return options.bands
    first = files[0]
    if options.facts.all_bands and first.bands != 3:
        return _all_bands(files)
    different = len({tuple(file.display) for file in files}) > 1
    if different and all(file.display_known for file in files):
        return COLORS
    return most_common_display(files)


def _all_bands(files: Sequence[FileInfo]) -> Bands:
    first = files[0]
    orders = {file.labels for file in files}
    same = len({frozenset(order) for order in orders}) == 1
    told = len(set(first.labels) - {None}) == first.bands
    if len(orders) > 1 and same and told:
        return tuple(str(label) for label in first.labels)
    if len({tuple(file.data_bands) for file in files}) > 1:
        raise UserError(
            'expected alpha at one place among the bands of all files, got it at '
            f"several, e.g. '{first.path}' has data in bands "
            f'{", ".join(map(str, first.data_bands))}; choose bands by --bands, or put '
            'these files into a folder of their own.'
        )
    return tuple(first.data_bands)


def chosen_bands(file: FileInfo, bands: Bands) -> list[Band]:
    """Return what a file tells of the chosen bands."""
    described = file.described_bands
    by_number = {band.number: band for band in described}
    return [
        matching_bands(described, band)[0] if isinstance(band, str) else by_number[band]
        for band in bands
    ]


def card_names(files: Sequence[FileInfo], bands: Bands) -> list[str]:
    """Return the bands' names for the card of the weights.

    Args:
        files: Of one pixel format.
        bands: Numbers, as GDAL counts, or names.

    Returns:
        Official names, else colors; none where the files do not tell them, differ, or
        where they are red, green and blue, as a card has it of three bands.
    """
    chosen = [chosen_bands(file, bands) for file in files]
    found = {tuple(band.name or band.color or '' for band in row) for row in chosen}
    names = [*found.pop()] if len(found) == 1 else []
    are_colors = tuple(band.color for band in chosen[0]) == COLORS
    return [] if are_colors or '' in names or len({*names}) < len(names) else names


def color_places(file: FileInfo, bands: Bands) -> tuple[int, ...] | None:
    """Return the places, from 1, of red, green and blue among the chosen bands.

    Returns:
        None if the file does not tell all three, or they are not chosen.
    """
    colors = [band.color for band in chosen_bands(file, bands)]
    if not {*COLORS} <= {*colors}:
        return None
    return tuple(colors.index(color) + 1 for color in COLORS)


def most_common_display(files: Sequence[FileInfo]) -> tuple[int, ...]:
    """Return the numbers of the red, green and blue band of most files."""
    counts = Counter(tuple(file.display) for file in files)
    return max(sorted(counts), key=counts.__getitem__)


def stored_statistics(
    scan: Scan, files: Sequence[FileInfo], bands: Bands
) -> list[BandStatistics]:
    """Return the statistics of the chosen bands, in stored units.

    Args:
        scan: Of the folder.
        files: Of one pixel format.
        bands: Numbers, as GDAL counts, or names.
    """
    first = files[0]
    found = []
    for band in bands:
        if isinstance(band, str):
            (match,) = matching_bands(first.described_bands, band)
            found.append(scan.named[named_key(first, str(match.label))][0])
        else:
            place = first.data_bands.index(band)
            found.append(scan.stored[first.pixel_format][place])
    return found


def _check(file: FileInfo, bands: Bands) -> None:
    """Refuse bands that a file has not."""
    asked = ' '.join(map(str, bands))
    for band in bands:
        if isinstance(band, str):
            if len(matching_bands(file.described_bands, band)) != 1:
                told = ', '.join(label for label in file.labels if label is not None)
                raise UserError(
                    f"expected one band '{band}' of --bands in '{file.path}', it has "
                    f'{told or "bands without names"}; choose others, or numbers.'
                )
        elif not 1 <= band <= file.count:
            raise UserError(f'expected --bands from 1 to {file.count}, got {asked}.')
        elif band not in file.data_bands:
            raise UserError(
                f'expected bands of data in --bands, got {asked}; band {band} of '
                f"'{file.path}' is alpha, others are "
                f'{" ".join(map(str, file.data_bands))}.'
            )
