"""Compare checkpoints on tasks: check, run or resume, collect."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rsp.errors import UserError
from rsp.evaluation.scores import Score
from rsp.io.files import make_folder
from rsp.prepare.transfer.checks import check_task, name_checkpoints
from rsp.prepare.transfer.runs import METRICS, Run, execute, plan_runs, slurm_line
from rsp.prepare.transfer.table import Result, write_tables
from rsp.prepare.transfer.tasks import Task


def compare(
    tasks: Sequence[Task],
    files: Sequence[str],
    out: Path,
    seeds: int = 3,
    protocol: str = 'finetune',
    backbone: str = 'r50',
    data: str | None = None,
    pretraining: str | None = None,
    look: bool = True,
    keep_going: bool = False,
    slurm: str | None = None,
    options: Sequence[str] = (),
    tell: Callable[[str], None] = print,
) -> list[Path]:
    """Check everything, run what is not done, and write the tables after each task.

    Args:
        tasks: To compare on.
        files: Checkpoints, or ``'random'``.
        out: Folder of runs and tables.
        seeds: Runs of each checkpoint on each task.
        protocol: See `Task.recipe`.
        backbone: See `plan_runs`.
        data: See `plan_runs`.
        pretraining: See `check_task`.
        look: See `check_task`.
        keep_going: Leave out a task whose checks fail, instead of ending.
        slurm: Print jobs of this partition for what is not done, instead of running.
        options: See `plan_runs`.
        tell: Prints progress.

    Returns:
        The files written.

    Raises:
        UserError: If a check or a run fails.
    """
    names = name_checkpoints(files)
    make_folder(out)
    planned: list[tuple[Result, list[Run]]] = []
    looked: set[str] = set()
    for task in tasks:
        result, runs = Result(task), []
        try:
            runs = plan_runs(task, names, seeds, protocol, backbone, out, data, options)
            # Shares of a task have one set of data.
            unseen = task.config not in looked
            result.checked = check_task(runs, look and unseen, pretraining)
            looked.add(task.config)
        except UserError as error:
            if not keep_going:
                raise
            result.skipped = str(error)
            tell(f'{task.name} is left out: {error}')
        else:
            tell(f'{task.name}: {_checks(result.checked.loaded, result.leaked)}')
        planned.append((result, runs))
    results = [result for result, _ in planned]
    if all(result.skipped for result in results):
        raise UserError(f'no task is left; the first one: {results[0].skipped}')
    written: list[Path] = []
    for result, runs in planned:
        if not result.skipped:
            _run(runs, result, slurm, tell)
            written = write_tables(results, out, protocol, seeds)
    return written


def _checks(shares: Mapping[str, float], leaked: str) -> str:
    loaded = ', '.join(f'{name} fills {share:.4g} %' for name, share in shares.items())
    return f'data are there; {loaded or "no weights to load"}; leaked: {leaked}'


def _run(
    runs: Sequence[Run],
    result: Result,
    slurm: str | None,
    tell: Callable[[str], None],
) -> None:
    values: dict[str, list[float]] = {}
    for run in runs:
        score = run.score()
        if score is None and slurm is not None:
            run.prepare()
            if not (run.folder / METRICS).is_file():
                tell(slurm_line(run, slurm))
                continue
            score = run.finish()
        if score is None:
            tell(f'{run.task.name}, {run.name}, seed {run.seed} ...')
            score = execute(run)
        tell(f'{run.task.name}, {run.name}, seed {run.seed}: {score:.2f}')
        values.setdefault(run.name, []).append(score)
    result.scores = {name: Score(tuple(own)) for name, own in values.items()}
