"""Interrupt runs of several methods in turn, resume each to its end, and compare."""

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reliability.comparing import fault_at_end, train_whole
from reliability.jobs import Job, Server
from reliability.tiny_runs import NAMES, TinyRun, make_run

# What is left alive by then is an orphan; seconds.
TO_LEAVE = 30


@dataclass
class Trial:
    """One run that is interrupted, and resumed to its end.

    Attributes:
        title: Its number and the name of the run.
        run: What is run.
        seconds: That the run takes without interruption.
        work_dir: Of the run.
        words: Arguments of the training.
        server: Starts the processes.
    """

    title: str
    run: TinyRun
    seconds: float
    work_dir: Path
    words: list[Any]
    server: Server

    @property
    def log(self) -> Path:
        """File of what is printed."""
        return self.work_dir.with_suffix('.log')

    def start(self) -> Job:
        """Start or resume it."""
        return self.server.start(self.log, *self.words)

    def newest(self) -> int:
        """Return the step of the newest checkpoint, 0 if there is none."""
        names = [file.name for file in self.work_dir.glob('*.pth')]
        found = [re.fullmatch(r'iter_(\d+)\.pth', name) for name in names]
        return max((int(match[1]) for match in found if match), default=0)


@dataclass
class Result:
    """Counts of a program of interruptions.

    Attributes:
        runs: Runs that were resumed to their end.
        same: Of these, bit for bit as the one never interrupted.
        orphans: Processes that were alive after `TO_LEAVE` s.
        passed_over: Damaged checkpoints that a resumed run named.
        failures: What went wrong, in sentences.
        seconds: Of the whole program.
    """

    runs: Counter = field(default_factory=Counter)
    same: int = 0
    orphans: int = 0
    passed_over: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """Number of interruptions."""
        raise NotImplementedError


def run_trials(
    interrupt: Callable[[Trial, random.Random], str],
    result: Result,
    server: Server,
    folder: Path,
    count: int,
    seed: int,
    names: Sequence[str] = NAMES,
    say: Callable[[str], None] = print,
) -> None:
    """Interrupt so often, over runs of several methods in turn.

    Args:
        interrupt: Starts a trial, interrupts it, and counts that; returns what was
            done to the run, for a sentence.
        result: Gets the counts.
        server: Starts the processes.
        folder: Empty; keeps the runs that failed.
        count: Interruptions.
        seed: Of all that is random.
        names: Of `tiny_runs.NAMES`.
        say: Gets a line per run.
    """
    rng = random.Random(seed)
    started = time.monotonic()
    whole = {name: make_run(name, folder) for name in names}
    lengths = {name: train_whole(server, run) for name, run in whole.items()}
    number = 0
    while result.done < count:
        name = names[number % len(names)]
        number += 1
        run = whole[name]
        work_dir = folder / f'{number}_{name}'
        words = [run.config, '--work-dir', work_dir, '--resume', '--cfg-options']
        words += [f'default_hooks.checkpoint.max_keep_ckpts={rng.choice((1, 2, 3))}']
        trial = Trial(f'{number} {name}', run, lengths[name], work_dir, words, server)
        what = interrupt(trial, rng)
        result.runs[name] += 1
        fault = fault_at_end(server, run, work_dir, trial.log, words)
        result.passed_over += trial.log.read_text(errors='replace').count(
            'passed over: '
        )
        result.same += not fault
        if fault:
            result.failures.append(f'run {trial.title}, {what}: {fault}')
        result.seconds = time.monotonic() - started
        say(
            f'{result.done} of {count} interruptions, {result.same} of '
            f'{result.runs.total()} runs the same, {len(result.failures)} failures, '
            f'{result.seconds:.0f} s'
        )
