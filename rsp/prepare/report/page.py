"""One page about a folder of scenes or images: a file that needs nothing else."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from html import escape
from string import Template

from rasterio.crs import CRS

from rsp.prepare.report import charts, footprint_map
from rsp.prepare.report.frame import PAGE
from rsp.prepare.report.warnings import concerns
from rsp.prepare.scan.file_info import Found
from rsp.prepare.scan.folder import Census
from rsp.version import __version__

COLOURS = ('#c8453b', '#3f8f4f', '#3b6fc8')
OTHER = '#7a6f9b'
# Rows of tables, and sets of copies, that are shown.
ROWS = 12


def datasheet(census: Census, config: str | None = None, command: str = '') -> str:
    """The page, HTML.

    Args:
        census: What was found.
        config: Text of the config that was made of it.
        command: What starts a training with it.
    """
    files = census.found
    parts = [
        _section('Worth knowing', _list(concerns(census))),
        _section('Pictures', _pictures(files)),
        _section('Where', _where(files)),
        _section('Values', ''.join(_values(census, kind) for kind in census.kinds)),
        _section('Files', _tables(files)),
        _section('Look-alikes', _copies(census)),
        _section('Unreadable', _unreadable(census)),
        _section('Config', _config(config, command)),
    ]
    return Template(PAGE).substitute(
        title=escape(census.root.resolve().name),
        folder=escape(str(census.root)),
        figures=_figures(census),
        sections='\n'.join(part for part in parts if part),
        footer=f'rsp {__version__}, {date.today().isoformat()}',
    )


def _section(title: str, content: str) -> str:
    return f'<section><h2>{title}</h2>{content}</section>' if content else ''


def _list(lines: Sequence[str]) -> str:
    if not lines:
        return '<p class="fine">Nothing stands out.</p>'
    return (
        '<ul class="concerns">'
        + ''.join(f'<li>{escape(line)}</li>' for line in lines)
        + '</ul>'
    )


def _figures(census: Census) -> str:
    files = census.found
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
    return ''.join(
        f'<div><b>{escape(number)}</b><span>{what}</span></div>'
        for number, what in figures
    )


def _short(number: float) -> str:
    for unit in ('', 'k', 'M', 'G', 'T'):
        if number < 1000 or unit == 'T':
            break
        number /= 1000
    return f'{number:.3g} {unit}'


def _pictures(files: Sequence[Found]) -> str:
    figures = ''.join(
        f'<figure><img alt="{escape(file.path)}" '
        f'src="data:image/jpeg;base64,{file.thumbnail}">'
        f'<figcaption title="{escape(file.path)}">{escape(file.path.split("/")[-1])}'
        f'<br>{file.width} × {file.height}</figcaption></figure>'
        for file in files
        if file.thumbnail
    )
    return f'<div class="pictures">{figures}</div>' if figures else ''


def _where(files: Sequence[Found]) -> str:
    outlines = [file.outline for file in files if file.outline]
    return footprint_map.draw(outlines) if outlines else ''


def _values(census: Census, kind: str) -> str:
    files = census.of_kind(kind)
    display = Counter(tuple(file.display) for file in files).most_common(1)[0][0]
    cards = []
    for number, band in enumerate(census.stored[kind], start=1):
        if not band.count:
            continue
        colour = OTHER
        if number in display and len(set(display)) == 3:
            colour = COLOURS[display.index(number)]
        low, median, high = band.percentiles([1, 50, 99])
        cards.append(
            f'<div class="card"><h4>band {number}</h4>{charts.histogram(band, colour)}'
            f'<p>mean {band.mean:.5g} ± {band.deviation:.4g}<br>'
            f'1 / 50 / 99 %: {low:.5g} / {median:.5g} / {high:.5g}<br>'
            f'range {band.low:.5g} to {band.high:.5g}</p></div>'
        )
    title = f'<h3>{len(files):,} × {escape(kind)}</h3>'
    return f'{title}<div class="cards">{"".join(cards)}</div>'


def _tables(files: Sequence[Found]) -> str:
    columns: list[tuple[str, Counter[str]]] = [
        ('Size, pixels', Counter(f'{f.width} × {f.height}' for f in files)),
        ('Reference system', Counter(_short_crs(f.crs) for f in files)),
        ('Pixel size', Counter(_pixel_size(f) for f in files if f.pixel_size)),
        ('Month', Counter(f.date[:7] for f in files if f.date)),
        ('Stored in', Counter('rows' if f.striped else 'tiles' for f in files)),
        ('No-data marked by', Counter(MARKS[f.nodata] for f in files)),
    ]
    tables = ''
    for title, counts in columns:
        rows = [(escape(name), count) for name, count in counts.most_common(ROWS)]
        if title == 'Month':
            rows.sort()
        if rows:
            more = len(counts) - len(rows)
            note = f'<p>and {more:,} more</p>' if more else ''
            tables += f'<div><h3>{title}</h3>{charts.bars(rows, "files")}{note}</div>'
    return f'<div class="tables">{tables}</div>'


MARKS = dict(nodata='a value', band='a mask or alpha band', none='nothing')


def _short_crs(crs: str | None) -> str:
    if crs is None:
        return 'none'
    return crs if len(crs) < 20 else crs.split('"')[1]


def _pixel_size(file: Found) -> str:
    assert file.pixel_size is not None
    x, y = file.pixel_size
    size = f'{x:.4g}' if f'{x:.4g}' == f'{y:.4g}' else f'{x:.4g} × {y:.4g}'
    if file.crs is None:
        return f'{size}, unknown unit'
    crs = CRS.from_user_input(file.crs)
    return f'{size}°' if crs.is_geographic else f'{size} {crs.linear_units}'


def _copies(census: Census) -> str:
    thumbnails = {f.path: f.thumbnail for f in census.found if f.thumbnail}
    rows = ''
    for group in census.copies[:ROWS]:
        pictures = ''.join(
            f'<img alt="" src="data:image/jpeg;base64,{thumbnails[path]}">'
            for path in group[:8]
            if path in thumbnails
        )
        rows += f'<li>{escape(", ".join(group[:8]))}<br>{pictures}</li>'
    more = len(census.copies) - ROWS
    note = f'<p>and {more:,} more sets, in census.json</p>' if more > 0 else ''
    return f'<ul class="copies">{rows}</ul>{note}' if rows else ''


def _unreadable(census: Census) -> str:
    rows = [f'{path}: {why}' for path, why in list(census.unreadable.items())[:100]]
    more = len(census.unreadable) - len(rows)
    note = f'<p>and {more:,} more, in census.json</p>' if more else ''
    return f'{_list(rows)}{note}' if rows else ''


def _config(config: str | None, command: str) -> str:
    if config is None:
        return ''
    return f'<pre>$ {escape(command)}</pre><pre>{escape(config)}</pre>'
