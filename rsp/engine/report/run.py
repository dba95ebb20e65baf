"""Gather what a work dir holds of a run, whole or interrupted."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsp.engine.report.config_diff import Recipe, nearest_recipe, read_dumped
from rsp.engine.report.records import (
    Curve,
    Session,
    read_curves,
    read_session,
    session_folders,
)
from rsp.errors import MissingData, UserError
from rsp.io.text import load_json

PICTURES = ('.png', '.jpg', '.jpeg')
# Of one name, such as `reconstruction`: the first and the last.
MOST_ANALYSES = 24
# Time without a sign of life after which a run counts as dead; it gives one each 10 s.
ALIVE = 60


@dataclass(frozen=True)
class Picture:
    """Hold a picture that a run or an analysis left."""

    path: Path
    title: str


@dataclass(eq=False)
class Run:
    """Hold a run for its report.

    Attributes:
        folder: Work dir.
        name: Of the run, unique on the page.
        config: Of the latest start.
        text: Of its file.
        recipe: Shipped config nearest to it.
        sessions: Of each start, the earliest first.
        curves: Numbers against iterations.
        health: What ``rsp.HealthHook`` summed up.
        load_report: What became of the tensors of ``--pretrained``.
        scores: Numbers of probes and tests, by file.
        pictures: Those of training and of analyses.
        damaged: Sentences about what could not be read.
        running: Whether it gives signs of life.
    """

    folder: Path
    name: str
    config: dict[str, Any] = field(default_factory=dict)
    text: str = ''
    recipe: Recipe | None = None
    sessions: list[Session] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=dict)
    load_report: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    running: bool = False

    @property
    def last_iter(self) -> int:
        """Return the last iteration of which anything was logged; 0 before that."""
        return max((steps[-1] for steps, _ in self.curves.values()), default=0)

    @property
    def epoch_length(self) -> int | None:
        """Return the iterations of an epoch, where a log tells them."""
        return next(
            (s.epoch_length for s in self.sessions[::-1] if s.epoch_length), None
        )

    @property
    def max_iters(self) -> int | None:
        """Return the iterations of the whole schedule, if they are known."""
        loop = self.config.get('train_cfg') or {}
        epochs, length = loop.get('max_epochs'), self.epoch_length
        if epochs and length:
            return epochs * length
        logged = [s.max_iters for s in self.sessions if s.max_iters]
        return loop.get('max_iters') or (logged[-1] if logged else None)

    @property
    def batch(self) -> int | None:
        """Return the samples of an iteration, over all processes."""
        size = _batch_size(self.config.get('train_dataloader') or {})
        processes = self.facts.get('GPU number', '1')
        return size and size * (int(processes) if processes.isdigit() else 1)

    @property
    def facts(self) -> dict[str, str]:
        """Return the environment of the latest start that tells any."""
        return next((s.facts for s in self.sessions[::-1] if s.facts), {})

    @property
    def warnings(self) -> Counter[str]:
        """Count the warnings of all starts."""
        return sum((s.warnings for s in self.sessions), Counter())

    @property
    def state(self) -> str:
        """Tell where the run stands, as a sentence without its end."""
        last, total, length = self.last_iter, self.max_iters, self.epoch_length
        epochs = (self.config.get('train_cfg') or {}).get('max_epochs')
        if self.finished:
            whole = f'finished: {total:,} iterations'
            return f'{whole}, {epochs} epochs' if epochs else whole
        if not last:
            return 'running, nothing logged yet' if self.running else 'nothing logged'
        where = f'iteration {last:,}' + (f' of {total:,}' if total else '')
        if length and epochs:
            where = f'epoch {-(-last // length)} of {epochs}, {where}'
        return f'running, at {where}' if self.running else f'stopped at {where}'

    @property
    def finished(self) -> bool:
        """Tell whether the schedule came to its end, as far as the log shows.

        Its last iterations may be fewer than those between two lines of the log; but
        the last checkpoint is saved then.
        """
        total = self.max_iters
        if not total or not self.sessions:
            return False
        count, unit = self.sessions[-1].saved
        saved = count * (self.epoch_length or 0) if unit == 'epochs' else count
        return max(self.last_iter, saved) >= total


def find_runs(folders: Sequence[str | Path]) -> list[Path]:
    """Return the work dirs among folders, and those below a folder that is none.

    Raises:
        UserError: If one neither is nor holds a work dir.
    """
    found: dict[Path, None] = {}
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise MissingData(
                f"expected a work dir, got '{folder}', which is no folder; name the "
                '--work-dir of a training, by default work_dirs/<method>/<config>.'
            )
        below = [folder] if session_folders(folder) else []
        if not below:
            inner = {
                file.parents[2] for file in folder.glob('**/vis_data/scalars.json')
            }
            below = sorted(inner)
        if not below:
            raise UserError(
                f"expected a work dir, got '{folder}', which holds no log "
                '(<time>/vis_data/scalars.json): name the --work-dir of a training '
                'that has begun, by default work_dirs/<method>/<config>.'
            )
        found |= dict.fromkeys(below)
    return [*found]


def read_run(folder: Path, name: str) -> Run:
    """Read all that a work dir tells; what is damaged is named and left out."""
    run = Run(folder, name)
    folders = session_folders(folder)
    run.sessions = [read_session(one, run.damaged) for one in folders]
    run.curves = read_curves(folders, run.sessions, run.damaged)
    _read_config(run)
    run.health = _json(run, folder / 'health.json')
    run.load_report = _json(run, folder / 'load_report.json')
    run.scores = dict(_scores(run))
    run.pictures = [*_training_pictures(folders), *_analyses(run)]
    run.running = _is_running(folder / '.running')
    return run


def _read_config(run: Run) -> None:
    files = sorted(run.folder.glob('*.py'), key=lambda file: file.stat().st_mtime)
    files = files[-1:] or [*run.folder.glob('*/vis_data/config.py')][-1:]
    if not files:
        run.damaged.append('The config of the run is not in its work dir.')
        return
    run.text = files[0].read_text(encoding='utf-8', errors='replace')
    try:
        run.config = read_dumped(files[0])
    except UserError as error:
        run.damaged.append(str(error))
        return
    run.recipe = nearest_recipe(files[0].stem, run.config)


def _json(run: Run, file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        content = load_json(file.read_bytes())
    except ValueError as error:
        run.damaged.append(f'{file.relative_to(run.folder)} is no whole JSON: {error}.')
        return {}
    return content if isinstance(content, dict) else {}


def _scores(run: Run) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the numbers that probes and tests wrote, by file."""
    for session in run.sessions:
        if session.tests:
            yield f'test of {session.name}', session.tests
    # scan.json: counts of files, by `rsp pretrain`.
    known = ('health.json', 'load_report.json', 'scan.json', 'transfer.json')
    patterns = ('*.json', '*/*.json', 'analysis/**/*.json')
    found = {file for pattern in patterns for file in run.folder.glob(pattern)}
    for file in sorted(found):
        inside = file.relative_to(run.folder).as_posix()
        if file.name in known or file.parent.name in {s.name for s in run.sessions}:
            continue
        numbers = dict(_numbers(_json(run, file)))
        if numbers:
            yield inside, numbers


def _numbers(content: Any, key: str = '') -> Iterator[tuple[str, float]]:
    """Yield numbers of nested dictionaries, up to three levels, by dotted names."""
    for name, value in content.items():
        inner = f'{key}.{name}' if key else str(name)
        if isinstance(value, dict) and inner.count('.') < 2:
            yield from _numbers(value, inner)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield inner, float(value)


def _training_pictures(folders: Sequence[Path]) -> Iterator[Picture]:
    """Yield the first and the last picture of each name."""
    by_name: dict[str, dict[int, Path]] = {}
    for folder in folders:
        for file in (folder / 'vis_data' / 'vis_image').glob('*'):
            found = re.fullmatch(r'(.+?)_(\d+)', file.stem)
            if file.suffix.lower() in PICTURES and found:
                by_name.setdefault(found[1], {})[int(found[2])] = file
    for name, files in sorted(by_name.items()):
        for step in sorted({min(files), max(files)}):
            yield Picture(files[step], f'{_title(name)}, iteration {step:,}')


def _title(name: str) -> str:
    """Return what a picture of the training is called on the page."""
    if not re.fullmatch(r'views(_.+)?', name):
        return name
    source = name.removeprefix('views').strip('_')
    of = f' of {source}' if source else ''
    return f'views{of} as the model was given them, side by side per scene'


def _analyses(run: Run) -> Iterator[Picture]:
    files = [
        file
        for file in sorted((run.folder / 'analysis').glob('**/*'))
        if file.suffix.lower() in PICTURES
    ]
    if len(files) > MOST_ANALYSES:
        run.damaged.append(
            f'analysis/ holds {len(files)} pictures; {MOST_ANALYSES} are shown.'
        )
    for file in files[:MOST_ANALYSES]:
        yield Picture(file, file.relative_to(run.folder).as_posix())


def _batch_size(loader: dict[str, Any]) -> int | None:
    size = loader.get('batch_size') or (loader.get('batch_sampler') or {}).get(
        'batch_size'
    )
    return size if isinstance(size, int) else None


def _is_running(file: Path) -> bool:
    try:
        facts = file.stat()
    except OSError:
        return False
    # Emptied at the end of a run, written again and again until then.
    return facts.st_size > 0 and time.time() - facts.st_mtime < ALIVE
