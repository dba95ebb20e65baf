"""Kill runs of two processes at random moments, resume them, and compare the end."""

import json
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from reliability.comparing import fault_at_end, reference
from reliability.jobs import Job, Server
from reliability.tiny_runs import RUNS, TinyRun

# Who gets SIGKILL. Where a rank is left alive, launcher or ranks have to notice.
VICTIMS = ('all', 'all', 'rank 0', 'rank 1', 'launcher', 'launcher and rank 0')
# Of that many kills at a random moment, one more waits for a file being written.
PER_SAVE = 3
# What is left alive by then is an orphan; seconds.
TO_LEAVE = 30


@dataclass
class Kill:
    """One SIGKILL, and what became of the run.

    Attributes:
        run: Number and name of the run.
        life: How often that was started before.
        victim: One of `VICTIMS`.
        moment: Seconds after the start, or after a file was seen being written.
        in_save: Whether it waited for a file being written.
        step: Of the newest checkpoint; 0 without any.
        left: Seconds until nothing of it was alive.
        orphans: Processes that were alive after `TO_LEAVE` s.
        unfinished: Files of half a checkpoint.
        status: Exit status of the launcher.
    """

    run: str
    life: int
    victim: str
    moment: float
    in_save: bool
    step: int = 0
    left: float = 0.0
    orphans: int = 0
    unfinished: int = 0
    status: int | None = None


@dataclass
class Result:
    """Counts of a program of kills.

    Attributes:
        kills: All.
        runs: Runs that came to their end.
        same: Of these, bit for bit as the one never killed.
        failures: What went wrong, in sentences.
        passed_over: Damaged checkpoints that a resumed run named.
        seconds: Of the whole program.
    """

    kills: list[Kill] = field(default_factory=list)
    runs: Counter = field(default_factory=Counter)
    same: int = 0
    failures: list[str] = field(default_factory=list)
    passed_over: int = 0
    seconds: float = 0.0


def run_kills(
    server: Server,
    folder: Path,
    count: int,
    seed: int = 0,
    names: tuple[str, ...] = tuple(RUNS),
    say: Callable[[str], None] = print,
) -> Result:
    """Kill so often, over runs of several methods in turn.

    Args:
        server: Starts the processes.
        folder: Empty; keeps the log ``kills.jsonl`` and the runs that failed.
        count: Kills.
        seed: Of victims and moments.
        names: Keys of `RUNS`.
        say: Gets a line per run.
    """
    rng = random.Random(seed)
    started = time.monotonic()
    result = Result()
    whole = {name: reference(server, folder, name) for name in names}
    number = 0
    while len(result.kills) < count:
        name = names[number % len(names)]
        number += 1
        lives = min(rng.choice((1, 1, 2, 3)), count - len(result.kills))
        one_run(server, folder, f'{number} {name}', *whole[name], lives, rng, result)
        say(
            f'{len(result.kills)} of {count} kills, {result.same} of '
            f'{result.runs.total()} runs the same, {len(result.failures)} failures, '
            f'{time.monotonic() - started:.0f} s'
        )
    result.seconds = time.monotonic() - started
    return result


def one_run(
    server: Server,
    folder: Path,
    title: str,
    run: TinyRun,
    seconds: float,
    kills: int,
    rng: random.Random,
    result: Result,
) -> None:
    """Start, kill and resume a run until it has ended, and compare it."""
    work_dir = folder / title.replace(' ', '_')
    log = work_dir.with_suffix('.log')
    words = [run.config, '--work-dir', work_dir, '--resume', '--cfg-options']
    words += [f'default_hooks.checkpoint.max_keep_ckpts={rng.choice((1, 2, 3))}']
    for life in range(kills):
        in_save = rng.random() < 1 / PER_SAVE
        share = 1 - 0.8 * newest(work_dir) / run.steps
        moment = rng.uniform(0, 0.02 if in_save else seconds * share)
        kill = Kill(title, life, rng.choice(VICTIMS), round(moment, 4), in_save)
        job = server.start(log, *words)
        if not wait_for_moment(job, kill, work_dir):
            break  # It has ended before.
        if not strike(job, kill):
            continue
        kill.step = newest(work_dir)
        kill.unfinished = len([*work_dir.glob('.*unfinished*')])
        result.kills.append(kill)
        with (folder / 'kills.jsonl').open('a') as file:
            file.write(json.dumps(asdict(kill)) + '\n')
        if kill.orphans:
            result.failures.append(f'run {title}: {kill.orphans} orphans after {kill}')
    result.runs[run.name] += 1
    fault = fault_at_end(server, run, work_dir, log, words)
    result.passed_over += log.read_text(errors='replace').count('passed over: ')
    if fault:
        result.failures.append(f'run {title}: {fault}')
    else:
        result.same += 1


def wait_for_moment(job: Job, kill: Kill, work_dir: Path) -> bool:
    """Wait until it is time to kill; return False if the run ends before."""
    if not kill.in_save:
        end = job.started + kill.moment
        while time.monotonic() < end:
            time.sleep(min(0.05, max(0, end - time.monotonic())))
            if job.status is not None:
                return False
        return job.status is None
    pause = 0
    while not any(work_dir.glob('.*_*.unfinished*')):
        time.sleep(0.0005)
        pause += 1
        if pause % 50 == 0 and job.status is not None:
            return False
    time.sleep(kill.moment)
    return job.status is None


def strike(job: Job, kill: Kill) -> bool:
    """Send SIGKILL to the victims, and see whether all the others leave.

    Returns:
        Whether any was alive to be killed.
    """
    ranks = job.ranks()
    if 'rank' in kill.victim and len(ranks) < 2:
        kill.victim = 'all'  # Not started yet, or one has ended.
    victims = dict(
        launcher=[job.pid],
        all=[*job.processes()],
        rank=ranks[int(kill.victim[-1]) :][:1] if 'rank' in kill.victim else [],
    )
    hit = 0
    for word, pids in victims.items():
        if word in kill.victim:
            hit += job.send(signal.SIGKILL, pids)
    struck = time.monotonic()
    if not job.wait(TO_LEAVE):
        kill.orphans = job.clear()
    kill.left = round(time.monotonic() - struck, 2)
    kill.status = job.status
    return hit > 0


def newest(work_dir: Path) -> int:
    """Return the step of the newest checkpoint, 0 if there is none."""
    found = [re.fullmatch(r'iter_(\d+)\.pth', f.name) for f in work_dir.glob('*.pth')]
    return max((int(match[1]) for match in found if match), default=0)
