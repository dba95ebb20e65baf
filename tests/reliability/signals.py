"""Stop runs of two processes by signals at random moments."""

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from reliability.jobs import Server
from reliability.trials import TO_LEAVE, Result, Trial, run_trials

NAMES = ('SIGTERM', 'SIGINT', 'SIGUSR1')
# Kubernetes sends to the launcher, Slurm to one process or to all, a terminal to all.
RECEIVERS = ('launcher', 'all', 'one rank')
# Saved; ended before the signal came; nothing to save yet. The last as a shell tells it
# and, before Python runs, as the system does.
SAVED, DONE = 75, 0
EARLY = {128 + getattr(signal, name) for name in NAMES} | {
    -getattr(signal, name) for name in NAMES
}
# All agree to stop within that many iterations, two passes a step included.
LAST_STEPS = 5


@dataclass
class Signals(Result):
    """Counts of a program of signals.

    Attributes:
        signals: By name.
        statuses: Exit statuses of the launcher.
        seconds_to_leave: Of each.
    """

    signals: Counter = field(default_factory=Counter)
    statuses: Counter = field(default_factory=Counter)
    seconds_to_leave: list[float] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Number of signals."""
        return self.signals.total()


def run_signals(
    server: Server, folder: Path, count: int, seed: int = 0, **options: Any
) -> Signals:
    """Send so many signals, each to a run of its own; see `run_trials`."""
    result = Signals()
    interrupt = partial(stop_once, result)
    run_trials(interrupt, result, server, folder, count, seed, **options)
    return result


def stop_once(result: Signals, trial: Trial, rng: random.Random) -> str:
    """Start a run and stop it by a signal; return what was sent to whom."""
    name, receiver = rng.choice(NAMES), rng.choice(RECEIVERS)
    moment, again = rng.uniform(0, trial.seconds), rng.random() < 0.3
    job = trial.start()
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
    logged = job.text.count('(train)')
    if job.status is not None or not job.send(number, pids[receiver]):
        job.wait(TO_LEAVE)
        return 'ended before the signal'
    sent = time.monotonic()
    what = f'{name} to {receiver} after {job.seconds:.2f} s'
    if again:  # A second one does no harm.
        time.sleep(0.1)
        job.send(number, pids[receiver])
    result.signals[name] += 1
    left = 0 if job.wait(TO_LEAVE) else job.clear()
    result.orphans += left
    result.seconds_to_leave.append(round(time.monotonic() - sent, 2))
    result.statuses[job.status] += 1
    faults = [f'{left} processes left'] if left else []
    if job.status not in {SAVED, DONE} | EARLY:
        faults.append(f'exit code {job.status}')
    elif job.status == DONE and logged < trial.run.steps - LAST_STEPS:
        faults.append(f'ignored {logged} steps after the start')
    elif job.status == SAVED and not trial.newest():
        faults.append(f'exit code {SAVED} without a checkpoint')
    result.failures += [
        f'run {trial.title}, {what}: {fault} ({trial.log})' for fault in faults
    ]
    return what
