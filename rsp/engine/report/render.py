"""Render the page of one run, or of several side by side, as one HTML file."""

import base64
import statistics
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import cv2
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rsp.engine.report.charts import (
    COLORS,
    SPEED,
    Group,
    constant,
    draw_chart,
    group_names,
    speed_curves,
)
from rsp.engine.report.config_diff import differences
from rsp.engine.report.run import Picture, Run, find_runs, read_run
from rsp.io.files import write_atomically
from rsp.version import __version__

NAME = 'report.html'
# Broader pictures are shrunk; a page of large ones would open slowly on a phone.
BROADEST = 1000
MOST_WARNINGS, MOST_DIFFERENCES, MOST_SCORES = 12, 60, 60
LONG = dict(
    rate='samples per second', waiting='waiting for data', memory='memory on the device'
)
MIME = {b'\x89PN': 'png', b'\xff\xd8\xff': 'jpeg'}


def write_report(folders: Sequence[str | Path], out: Path | None = None) -> Path:
    """Write the page of the runs in some work dirs; return its path.

    Args:
        folders: Work dirs, or folders of them.
        out: File to write; default ``report.html`` in the only work dir, or in the
            folder that holds all of them.

    Raises:
        UserError: If one neither is nor holds a work dir.
    """
    found = find_runs(folders)
    runs = [read_run(f, n) for f, n in zip(found, short_names(found), strict=True)]
    if out is None:
        out = common_folder(found) / NAME
    page = render(runs)
    with write_atomically(out) as unfinished:
        unfinished.write_text(page, encoding='utf-8')
    return out


def common_folder(folders: Sequence[Path]) -> Path:
    """Return the deepest folder that is or holds all of some folders."""
    if len(folders) == 1:
        return folders[0]
    paths = [folder.resolve() for folder in folders]
    return next(p for p in paths[0].parents if all(p in q.parents for q in paths[1:]))


def short_names(folders: Sequence[Path]) -> list[str]:
    """Name folders by as few last parts of their paths as tell them apart."""
    parts = [folder.resolve().parts for folder in folders]
    longest = max(map(len, parts))
    for count in range(1, longest + 1):
        names = ['/'.join(path[-count:]) for path in parts]
        if len({*names}) == len(names):
            break
    return names


def render(runs: Sequence[Run]) -> str:
    """Return the page of some runs."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        # Names of files, keys and values of configs are text, never markup.
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= dict(number=_number, value=_value)
    several = len(runs) > 1
    return environment.get_template('report.html.j2').render(
        title=f'{len(runs)} runs' if several else runs[0].name,
        runs=runs,
        several=several,
        colors=[COLORS[i % len(COLORS)] for i in range(len(runs))],
        overview=[_overview(run) for run in runs],
        sections=_sections(runs),
        speed=_speed(runs),
        settings=_settings(runs) if several else [],
        pictures=[[*_embedded(run)] for run in runs],
        warnings=[run.warnings.most_common(MOST_WARNINGS) for run in runs],
        most_differences=MOST_DIFFERENCES,
        most_scores=MOST_SCORES,
        versions=[_versions(run) for run in runs],
        version=__version__,
        date=datetime.now().strftime('%Y-%m-%d %H:%M'),
    )


def _overview(run: Run) -> dict[str, str]:
    """Return the figures that tell most about a run, by name."""
    figures: dict[str, str] = {}
    if 'loss' in run.curves:
        figures['loss'] = _number(run.curves['loss'][1][-1])
    for name, values in run.curves.items():
        short = name.removeprefix('val/').removeprefix('health/')
        if name == 'health/knn_top1' or name.startswith('val/'):
            if 'loss' not in name and len(figures) < 4:
                label = 'kNN top-1, %' if short == 'knn_top1' else short
                figures[label] = _number(values[1][-1])
    speed = speed_curves(run)
    if 'rate' in speed:
        figures['samples/s'] = _number(_typical(speed['rate'][1]))
    if 'waiting' in speed:
        figures['waiting for data'] = f'{_typical(speed["waiting"][1]):.0f} %'
    if seconds := _seconds(run):
        figures['time, h:min:s'] = str(timedelta(seconds=seconds))
    return figures


def _typical(values: Sequence[float]) -> float:
    # The first steps wait for workers and kernels.
    return statistics.median(values[1:] or values)


def _seconds(run: Run) -> int:
    """Return the time between first and last line of the logs, over all starts."""
    spans = [s.end - s.begin for s in run.sessions if s.begin and s.end]
    return round(sum(max(span.total_seconds(), 0) for span in spans))


class Section(NamedTuple):
    """Hold charts, each with name and data URI, and what never changed."""

    group: Group
    charts: list[tuple[str, str]]
    constants: list[tuple[str, float]]


def _sections(runs: Sequence[Run]) -> list[Section]:
    names = dict.fromkeys(name for run in runs for name in run.curves)
    batch, end = _batch(runs), _end(runs)
    sections = []
    for group, own in group_names([*names]).items():
        section = Section(group, [], [])
        for name in own:
            curves = {i: r.curves[name] for i, r in enumerate(runs) if name in r.curves}
            shown = name.removeprefix('health/').removeprefix('val/')
            value = constant(curves.values())
            if value is None or name == 'loss':
                chart = draw_chart(name, curves, batch, end)
                section.charts.append((shown, chart))
            else:
                section.constants.append((shown, value))
        sections.append(section)
    return sections


def _speed(runs: Sequence[Run]) -> list[tuple[str, str]]:
    own = [speed_curves(run) for run in runs]
    batch, end = _batch(runs), _end(runs)
    charts = []
    for name in SPEED:
        curves = {i: found[name] for i, found in enumerate(own) if name in found}
        if curves:
            charts.append((LONG[name], draw_chart(name, curves, batch, end)))
    return charts


def _batch(runs: Sequence[Run]) -> int | None:
    sizes = {run.batch for run in runs}
    return sizes.pop() if len(sizes) == 1 else None


def _end(runs: Sequence[Run]) -> int | None:
    return max((run.max_iters or 0 for run in runs), default=0) or None


def _settings(runs: Sequence[Run]) -> list[tuple[str, list[str | None]]]:
    """Return the keys in which configs differ, with the value of each run."""
    first, *others = (run.config for run in runs)
    rows: dict[str, list[str | None]] = {}
    for place, config in enumerate(others, start=1):
        for key, one, other in differences(first, config):
            row = rows.setdefault(key, [one] * len(runs))
            row[place] = other
    return sorted(rows.items())


def _embedded(run: Run) -> Iterator[tuple[str, str]]:
    """Yield titles and data URIs of pictures that can be read."""
    for picture in run.pictures:
        data = _shrunk(picture)
        if data is None:
            run.damaged.append(
                f'{picture.path.relative_to(run.folder)} is no whole picture.'
            )
            continue
        kind = MIME.get(data[:3], 'png')
        yield (
            picture.title,
            f'data:image/{kind};base64,{base64.b64encode(data).decode()}',
        )


def _shrunk(picture: Picture) -> bytes | None:
    try:
        data = picture.path.read_bytes()
        image = cv2.imread(str(picture.path))
    except (OSError, cv2.error):
        return None
    if image is None:
        return None
    scale = BROADEST / max(image.shape[1], 1)
    if scale >= 1 and data[:3] in MIME:
        return data
    size = (BROADEST, max(round(image.shape[0] * scale), 1))
    if scale < 1:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode('.png', image)[1].tobytes()


def _versions(run: Run) -> dict[str, str]:
    facts = dict(run.facts)
    if 'Python' in facts:
        facts['Python'] = facts['Python'].split()[0]
    processes = facts.pop('GPU number', None)
    if processes:
        facts['processes'] = processes
    return facts


def _number(value: float) -> str:
    """Format a number to four digits."""
    return f'{value:,.0f}' if abs(value) >= 1e4 else f'{value:.4g}'


def _value(text: str | None) -> str:
    """Return a value of a config, shortened; a dash for a key that is not there."""
    if text is None:
        return '–'
    return text if len(text) <= 160 else f'{text[:150]} …'
