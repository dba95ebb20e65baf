"""Write the result of a comparison as Markdown, CSV, JSON and a page."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from rsp.evaluation.scores import Score, names_of, show, verdicts
from rsp.io.files import write_atomically
from rsp.prepare.transfer.checks import Checked
from rsp.prepare.transfer.tasks import Task
from rsp.version import __version__
from rsp.visualization.figures.svg import ACCENT, LINE, SOFT, to_data_uri


@dataclass
class Result:
    """Hold what a comparison found on a task.

    Attributes:
        task: It.
        checked: Its data and checkpoints; None if they were left unchecked.
        scores: By checkpoint.
        skipped: Why it was left out; empty if it was not.
    """

    task: Task
    checked: Checked | None = None
    scores: dict[str, Score] = field(default_factory=dict)
    skipped: str = ''

    @property
    def leaked(self) -> str:
        """Format the share of test images that were seen in pre-training."""
        if self.checked is None or self.checked.leaked is None:
            return 'unknown'
        return f'{self.checked.leaked:.2f} %'


NOTE = (
    'Mean ± sample standard deviation over seeds [95 % interval of the mean, Student]. '
    'Within noise: not told from the best by a t-test of Welch at 5 %, without '
    'correction for the number of comparisons. Probes of a file draw nothing: one run.'
)


def write_tables(
    results: Sequence[Result], out: Path, protocol: str, seeds: int
) -> list[Path]:
    """Write ``transfer.md``, ``.csv``, ``.json`` and ``.html``; return their paths."""
    title = f'Transfer, {protocol}, {seeds} seed{"s" if seeds > 1 else ""}'
    texts = {
        'transfer.md': markdown(results, title),
        'transfer.json': json.dumps(_numbers(results), indent=1),
        'transfer.html': page(results, title),
    }
    paths = []
    for name, text in texts.items():
        with write_atomically(out / name) as unfinished:
            unfinished.write_text(text, encoding='utf-8')
        paths.append(out / name)
    with write_atomically(out / 'transfer.csv') as unfinished:
        with unfinished.open('w', encoding='utf-8', newline='') as file:
            rows = [*_rows(results, protocol)]
            table = csv.DictWriter(file, [*rows[0]] if rows else ['task'])
            table.writeheader()
            table.writerows(rows)
    return [*paths, out / 'transfer.csv']


def markdown(results: Sequence[Result], title: str) -> str:
    """Return the table, and the papers' rows below it."""
    done = [result for result in results if result.scores]
    names = names_of([result.scores for result in done])
    heads = ['task', *names, 'test images seen in pre-training']
    lines = [f'# {title}', '', _line(heads), _line(['---'] * len(heads))]
    for result in done:
        said = verdicts(result.scores)
        cells = [f'{result.task.name}, {result.task.label}']
        for name in names:
            text = show(result.scores.get(name))
            verdict = said.get(name, '')
            text = f'**{text}**' if verdict == 'best' else text
            cells.append(f'{text} ({verdict})' if verdict not in ('', 'best') else text)
        lines.append(_line([*cells, result.leaked]))
    lines += ['', NOTE, '']
    for result in results:
        if result.skipped:
            reason = result.skipped.replace('<', '&lt;')
            lines.append(f'- Left out: {result.task.name}: {reason}')
    published = [(r.task.name, *row) for r in results for row in r.task.published]
    if published:
        lines += ['', '## As published, by protocols of their own', '']
        lines += [_line(['task', 'method', 'score', 'source']), _line(['---'] * 4)]
        lines += [_line(row) for row in published]
    return '\n'.join(lines) + '\n'


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace('|', '\\|').replace('<', '&lt;') for cell in cells]
    return f'| {" | ".join(escaped)} |'


def page(results: Sequence[Result], title: str) -> str:
    """Return the page: table, chart of each task, the papers' rows."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        # Names of files are text, never markup.
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    done = [result for result in results if result.scores]
    return environment.get_template('transfer.html.j2').render(
        title=title,
        results=results,
        done=done,
        names=names_of([result.scores for result in done]),
        verdicts={r.task.name: verdicts(r.scores) for r in done},
        charts=[(r.task, draw(r.scores, r.task.label)) for r in done],
        show=show,
        note=NOTE,
        version=__version__,
        date=datetime.now().strftime('%Y-%m-%d %H:%M'),
    )


def draw(scores: Mapping[str, Score], label: str) -> str:
    """Draw seeds, means and 95 % intervals of a task; return a data URI."""
    figure = Figure(figsize=(3.8, 0.75 + 0.34 * len(scores)), layout='constrained')
    axes = figure.add_subplot()
    for row, score in enumerate(scores.values()):
        axes.scatter(score.values, [row] * len(score.values), 14, color=LINE, zorder=2)
        half = score.half_width
        if half is not None:
            axes.plot([score.mean - half, score.mean + half], [row, row], color=ACCENT)
        axes.scatter([score.mean], [row], 30, color=ACCENT, zorder=3)
    axes.set_yticks(range(len(scores)), [name[-28:] for name in scores])
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.set_xlabel(label, fontsize=8, color=SOFT)
    axes.tick_params(length=0, labelsize=8, labelcolor=SOFT)
    axes.grid(axis='x', color=LINE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return to_data_uri(figure)


def _rows(results: Sequence[Result], protocol: str) -> Iterator[dict[str, object]]:
    for result in results:
        said = verdicts(result.scores)
        checked = result.checked or Checked({})
        for name, score in result.scores.items():
            half = score.half_width
            yield dict(
                task=result.task.name,
                protocol=protocol,
                metric=result.task.label,
                checkpoint=name,
                seeds=len(score.values),
                mean=score.mean,
                deviation=score.deviation,
                low=None if half is None else score.mean - half,
                high=None if half is None else score.mean + half,
                verdict=said[name],
                loaded_percent=checked.loaded.get(name),
                leaked_percent=checked.leaked,
            )


def _numbers(results: Sequence[Result]) -> dict[str, object]:
    return {
        result.task.name: dict(
            scores={name: score.values for name, score in result.scores.items()},
            verdicts=verdicts(result.scores),
            loaded_percent=dict(result.checked.loaded) if result.checked else {},
            leaked_percent=result.checked.leaked if result.checked else None,
            left_out=result.skipped,
        )
        for result in results
    }
