"""Render the report of a folder: one HTML file that needs nothing else."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rasterio.crs import CRS

from rsp.prepare.generate.choose_bands import most_common_display
from rsp.prepare.report.charts import draw_histogram
from rsp.prepare.report.footprint_map import draw_globe, draw_place, group_places
from rsp.prepare.report.warnings import find_warnings
from rsp.prepare.scan.file_info import FileInfo
from rsp.prepare.scan.folder import Scan
from rsp.version import __version__

RED_GREEN_BLUE = ('#c8453b', '#3f8f4f', '#3b6fc8')
OTHER = '#7a6f9b'
NODATA = dict(nodata='a value', band='a mask or alpha band', none='nothing')
# Most that is shown: rows of a table or sets of copies, files of a set, unreadable
# files, close-ups.
ROWS, MOST_OF_SET, MOST_UNREADABLE, MOST_PLACES = 12, 8, 100, 8


def render_report(scan: Scan, config: str | None = None, command: str = '') -> str:
    """Return the report of a scan as HTML.

    Args:
        scan: Of the folder.
        config: Text of the config that was generated for it.
        command: Command that starts a training with it.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        # File names are text, never markup.
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters['plural'] = lambda n: '1 file' if n == 1 else f'{n:,} files'
    files = scan.files
    places = group_places([file.outline for file in files if file.outline])
    return environment.get_template('report.html.j2').render(
        scan=scan,
        title=scan.root.resolve().name,
        figures=_figures(files),
        warnings=[*find_warnings(scan)],
        globe=draw_globe(places, MOST_PLACES) if places else None,
        places=[(place, draw_place(place)) for place in places[:MOST_PLACES]],
        num_places=len(places),
        values={name: _bands(scan, name) for name in scan.pixel_formats},
        tables=_tables(files),
        thumbnails={file.path: file.thumbnail for file in files if file.thumbnail},
        rows=ROWS,
        most_of_set=MOST_OF_SET,
        most_unreadable=MOST_UNREADABLE,
        config=config,
        command=command,
        version=__version__,
        date=date.today().isoformat(),
    )


def _figures(files: Sequence[FileInfo]) -> list[tuple[str, str]]:
    """Return numbers of the whole folder, each with its label."""
    pixels = sum(file.width * file.height for file in files)
    empty = sum(file.width * file.height * file.nodata_share for file in files)
    dates = sorted(file.date for file in files if file.date)
    figures = [
        (f'{len(files):,}', 'file' if len(files) == 1 else 'files'),
        (_short(pixels), 'pixels'),
        (f'{_short(sum(file.size for file in files))}B', 'on disk'),
        (' / '.join(map(str, sorted({file.bands for file in files}))), 'bands'),
        (f'{100 * empty / pixels:.1f} %', 'without data'),
    ]
    if dates:
        span = dates[0] if dates[0] == dates[-1] else f'{dates[0]} – {dates[-1]}'
        figures.append((span, f'{len(dates):,} with a date'))
    return figures


def _short(number: float) -> str:
    for unit in ('', 'k', 'M', 'G', 'T'):
        if number < 1000 or unit == 'T':
            break
        number /= 1000
    return f'{number:.3g} {unit}'


def _bands(scan: Scan, pixel_format: str) -> list[dict[str, Any]]:
    """Return number, statistics and histogram of each band of a pixel format."""
    files = scan.with_format(pixel_format)
    display = most_common_display(files)
    colors = {}
    if len(set(display)) == 3:
        colors = dict(zip(display, RED_GREEN_BLUE, strict=True))
    return [
        dict(
            number=number,
            statistics=band,
            percentiles=band.percentiles([1, 50, 99]),
            histogram=draw_histogram(band, colors.get(number, OTHER)),
        )
        for number, band in zip(
            files[0].data_bands, scan.stored[pixel_format], strict=True
        )
        if band.count
    ]


def _tables(files: Sequence[FileInfo]) -> dict[str, dict[str, Any]]:
    """Count files by several attributes, for tables with bars."""
    counts: dict[str, Counter[str]] = {
        'Size, pixels': Counter(f'{f.width} × {f.height}' for f in files),
        'Reference system': Counter(_short_crs(f.crs) for f in files),
        'Pixel size': Counter(_pixel_size(f) for f in files if f.pixel_size),
        'Month': Counter(f.date[:7] for f in files if f.date),
        'Stored in': Counter('rows' if f.striped else 'tiles' for f in files),
        'No-data marked by': Counter(NODATA[f.nodata] for f in files),
    }
    tables = {}
    for title, counter in counts.items():
        rows = counter.most_common(ROWS)
        if title == 'Month':
            rows.sort()
        if rows:
            tables[title] = dict(
                rows=rows, most=max(counter.values()), more=len(counter) - len(rows)
            )
    return tables


def _short_crs(crs: str | None) -> str:
    if crs is None:
        return 'none'
    return crs if len(crs) < 20 else crs.split('"')[1]


def _pixel_size(file: FileInfo) -> str:
    assert file.pixel_size is not None
    x, y = file.pixel_size
    size = f'{x:.4g}' if f'{x:.4g}' == f'{y:.4g}' else f'{x:.4g} × {y:.4g}'
    if file.crs is None:
        return f'{size}, unknown unit'
    crs = CRS.from_user_input(file.crs)
    return f'{size}°' if crs.is_geographic else f'{size} {crs.linear_units}'
