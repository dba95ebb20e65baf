"""Stop runs of two processes by signals at random moments, resume, and compare."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reliability.comparing import fault_at_end, reference
from reliability.jobs import Server
from reliability.kills import newest
from reliability.tiny_runs import RUNS, TinyRun

NAMES = ('SIGTERM', 'SIGINT', 'SIGUSR1')
# Kubernetes sends to the launcher, Slurm to one process or to all, a terminal to all.
RECEIVERS = ('launcher', 'all', 'one rank')
# Saved; ended before the signal came; nothing to save yet. The last as a shell tells it
# and, before Python runs, as the system does.
SAVED, DONE = 75, 0
EARLY = {128 + getattr(signal, name) for name in NAMES} | {
    -getattr(signal, name) for name in NAMES
}
TO_LEAVE = 30
# All agree to stop within that many iterations, two passes a step included.
LAST_STEPS = 5


@dataclass
class Result:
    """Counts of a program of signals.

    Attributes:
        signals: By name.
        statuses: Exit statuses of the launcher.
        seconds_to_leave: Of each.
        runs: Runs resumed to their end.
        same: Of these, bit for bit as the one never stopped.
        orphans: Processes alive 30 s after the signal.
        failures: What went wrong, in sentences.
        seconds: Of the whole program.
    """

    signals: Counter = field(default_factory=Counter)
    statuses: Counter = field(default_factory=Counter)
    seconds_to_leave: list[float] = field(default_factory=list)
    runs: Counter = field(default_factory=Counter)
    same: int = 0
    orphans: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run_signals(
    server: Server,
    folder: Path,
    count: int,
    seed: int = 0,
    names: tuple[str, ...] = tuple(RUNS),
    say: Callable[[str], None] = print,
) -> Result:
    """Send so many signals, each to a run of its own that is then resumed.

    Args:
        server: Starts the processes.
        folder: Empty; keeps the runs that failed.
        count: Signals.
        seed: Of signals, receivers and moments.
        names: Keys of `RUNS`.
        say: Gets a line per run.
    """
    rng = random.Random(seed)
    started = time.monotonic()
    result = Result()
    whole = {name: reference(server, folder, name) for name in names}
    number = 0
    while result.signals.total() < count:
        name = names[number % len(names)]
        number += 1
        one_run(server, folder, f'{number} {name}', *whole[name], rng, result)
        say(
            f'{result.signals.total()} of {count} signals, {result.same} of '
            f'{result.runs.total()} runs the same, {len(result.failures)} failures'
        )
    result.seconds = time.monotonic() - started
    return result


def one_run(
    server: Server,
    folder: Path,
    title: str,
    run: TinyRun,
    seconds: float,
    rng: random.Random,
    result: Result,
) -> None:
    """Stop a run by a signal, resume it, and compare its end."""
    work_dir = folder / title.replace(' ', '_')
    log = work_dir.with_suffix('.log')
    words = [run.config, '--work-dir', work_dir, '--resume']
    name, receiver = rng.choice(NAMES), rng.choice(RECEIVERS)
    moment, again = rng.uniform(0, seconds), rng.random() < 0.3
    job = server.start(log, *words)
    while job.seconds < moment and job.status is None:
        time.sleep(0.02)
    ranks = job.ranks()
    if len(ranks) < 2:
        receiver = 'launcher'
    pids = {
        'launcher': [job.pid],
        'all': [*job.processes()],
        'one rank': rng.sample(ranks, min(1, len(ranks))),
    }
    number = getattr(signal, name)
    logged = job.text.count('Epoch(train)')
    if job.status is not None or not job.send(number, pids[receiver]):
        job.wait(TO_LEAVE)
        return
    sent = time.monotonic()
    what = f'run {title}: {name} to {receiver} after {job.seconds:.2f} s'
    if again:  # A second one does no harm.
        time.sleep(0.1)
        job.send(number, pids[receiver])
    result.signals[name] += 1
    if not job.wait(TO_LEAVE):
        left = job.clear()
        result.orphans += left
        result.failures.append(f'{what}: {left} processes left: {log}')
    result.seconds_to_leave.append(round(time.monotonic() - sent, 2))
    status = job.status
    result.statuses[status] += 1
    saved = newest(work_dir)
    if status not in {SAVED, DONE} | EARLY:
        result.failures.append(f'{what}: exit code {status}: {log}')
    elif status == DONE and logged < run.steps - LAST_STEPS:
        result.failures.append(f'{what}: ignored {logged} steps after the start: {log}')
    elif status == SAVED and not saved:
        result.failures.append(f'{what}: exit code {status} without a checkpoint')
    result.runs[run.name] += 1
    fault = fault_at_end(server, run, work_dir, log, words)
    if fault:
        result.failures.append(f'{what}: {fault}')
    else:
        result.same += 1
