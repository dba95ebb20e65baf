"""Write what small trainings tell, as Markdown, JSON and a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rsp.evaluation.analysis.results import save_figure, write_json, write_text
from rsp.evaluation.analysis.trainings.scores import SCORES
from rsp.evaluation.analysis.trainings.trials import UNTRAINED
from rsp.evaluation.scores import Score, show, verdicts
from rsp.visualization.figures.settings import plot_settings

NOTE = (
    'Top-1 in per cent, frozen features of the last stage: mean ± sample standard '
    'deviation over seeds [95 % interval of the mean, Student]. Within noise: not told '
    'from the best by a t-test of Welch at 5 %, without correction for the number of '
    'comparisons.'
)


def write_table(
    name: str,
    title: str,
    found: Mapping[str, Sequence[Mapping[str, float]]],
    out: Path,
    facts: Mapping[str, Any],
    published: str = '',
    notes: Sequence[str] = (),
) -> str:
    """Write ``<name>.md``, ``.json`` and ``.png``; return the text.

    Args:
        name: Of the files.
        title: What is varied, in words.
        found: By label of a setting, scores of every seed.
        out: Folder.
        facts: Of the trainings, for the JSON.
        published: Label of the setting that the config ships, set in bold.
        notes: Sentences below the table.
    """
    columns = {
        key: {label: Score(tuple(seed[key] for seed in seeds))
              for label, seeds in found.items()}
        for key in SCORES
    }  # fmt: skip
    said = {
        key: verdicts({k: v for k, v in column.items() if k != UNTRAINED})
        for key, column in columns.items()
    }
    lines = [f'# {title}', '', _line([title, 'seeds', *SCORES.values()])]
    lines.append(_line(['---', *['---:'] * (1 + len(SCORES))]))
    for label, seeds in found.items():
        shown = f'**{label}**' if label == published else label
        cells = [shown, str(len(seeds))]
        for key, column in columns.items():
            verdict = said[key].get(label, '')
            # Of one seed none is better than another.
            known = verdict and len(seeds) > 1
            cells.append(show(column[label]) + (f' ({verdict})' if known else ''))
        lines.append(_line(cells))
    lines += ['', *([f'Bold: as shipped. {NOTE}'] if published else [NOTE])]
    for note in notes:
        lines += ['', note]
    text = '\n'.join(lines) + '\n'
    write_text(out, f'{name}.md', text)
    write_json(out, name, dict(facts) | dict(scores=dict(found), verdicts=said))
    if {*found} - {UNTRAINED}:
        save_figure(out, name, plot_settings(columns, SCORES, title, UNTRAINED))
    return text


def _line(cells: Sequence[str]) -> str:
    return '| ' + ' | '.join(cell.replace('|', '\\|') for cell in cells) + ' |'
