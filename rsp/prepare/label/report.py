"""Report the labels of a job, and the windows without one by reason."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rsp.errors import shorten, visible
from rsp.geo.land_cover.class_maps import ClassMap
from rsp.ops.fractions import LAND_COVER_CLASSES

REASONS = {
    'no match': 'no raster touches them',
    'all sea': 'sea only',
    'no data': 'no data only',
    'unknown codes only': 'only codes that the class map does not know',
    'no pixels': 'more pixels without data than --max-nodata allows',
    'smaller than the crop': 'scenes smaller than a window',
    'without georeference': 'no reference system or no geotransform',
    'unreadable': 'no raster that can be opened',
    'failed': 'no outline in the land cover, or pixels that cannot be read',
}
SHOWN = 10
REPORT = 'report.md'


def summarize(
    results: Sequence[dict], class_map: ClassMap, notes: Sequence[str]
) -> dict[str, Any]:
    """Add up the results of all parts of a job.

    Args:
        results: Of each part, see `rsp.prepare.label.windows.label_files`.
        class_map: Of the land cover.
        notes: Of the land cover.

    Returns:
        ``labeled``: windows; ``skipped``: by reason, lists of image, window and
        message; ``low_coverage``: lists of image, window and coverage; ``cells`` and
        ``shares`` by class; ``nodata``; ``unknown_codes``; ``class_map``; ``notes``.
    """
    cells = [
        sum(column) for column in zip(*(r['counts'] for r in results), strict=True)
    ]
    total = sum(cells) or 1
    unknown: Counter[int] = Counter()
    skipped: dict[str, list] = {reason: [] for reason in REASONS}
    for result in results:
        unknown.update({int(c): n for c, n in result['unknown_codes'].items()})
        for reason, *rest in result['skipped']:
            skipped[reason].append(rest)
    shares = [round(number / total, 6) for number in cells]
    return dict(
        class_map=class_map.name,
        labeled=sum(len(result['labels']) for result in results),
        skipped={reason: found for reason, found in skipped.items() if found},
        low_coverage=[window for result in results for window in result['low']],
        cells=dict(zip(LAND_COVER_CLASSES, (round(n, 2) for n in cells), strict=True)),
        shares=dict(zip(LAND_COVER_CLASSES, shares, strict=True)),
        nodata=round(sum(result['nodata'] for result in results), 2),
        unknown_codes={c: round(n, 2) for c, n in sorted(unknown.items())},
        notes=list(notes),
    )


def write_report(out: Path, summary: dict[str, Any], picture: str | None) -> None:
    """Write ``report.json`` with all entries and ``report.md`` with the first ones.

    Args:
        out: Folder.
        summary: See `summarize`.
        picture: File name of the map beside the report.
    """
    text = json.dumps(summary, indent=1)
    (out / 'report.json').write_text(text + '\n', encoding='utf-8')
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        # Names of files and notes are text, never markup.
        finalize=_plain,
    )
    skipped = [(REASONS[reason], found) for reason, found in summary['skipped'].items()]
    page = environment.get_template('report.md.j2').render(
        summary=summary,
        picture=picture,
        reasons=REASONS,
        sections=[*skipped, ('little land cover', summary['low_coverage'])],
        shown=SHOWN,
    )
    (out / REPORT).write_text(page, encoding='utf-8')


def _plain(value: Any) -> Any:
    """Escape what Markdown takes for HTML, a link, code or another line."""
    if not isinstance(value, str):
        return value
    return re.sub(r'([\\`\[\]<>|])', r'\\\1', visible(' '.join(value.splitlines())))


def summary_lines(summary: dict[str, Any]) -> list[str]:
    """Return lines that sum up a job, to print."""
    lines = [f'{summary["labeled"]} windows labeled by {summary["class_map"]}.']
    for reason, found in summary['skipped'].items():
        lines.append(f'{len(found)} without a label, {reason}: {_names(found, 3)}')
    low = summary['low_coverage']
    if low:
        lines.append(f'{len(low)} with little land cover, kept: {_names(low, 3)}')
    unknown = summary['unknown_codes']
    if unknown:
        listed = ', '.join(f'{code} ({n:g} cells)' for code, n in unknown.items())
        lines.append(
            f'codes that the class map does not know, counted apart: {listed}; name '
            'them in a class map of your own.'
        )
    return lines + summary['notes']


def _names(found: Sequence[Sequence], shown: int) -> str:
    """Name the images and the first message of windows, for one line."""
    names = list(dict.fromkeys(str(entry[0]) for entry in found))
    messages = dict.fromkeys(str(e[2]) for e in found if isinstance(e[2], str) and e[2])
    first = f' ({next(iter(messages))})' if messages else ''
    return shorten(names, shown, f'... {len(names) - shown} more files') + first
