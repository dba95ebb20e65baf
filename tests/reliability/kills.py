"""Kill runs of two processes at random moments."""

import json
import random
import signal
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reliability.jobs import Job, Server
from reliability.trials import TO_LEAVE, Result, Trial, run_trials

# Who gets SIGKILL. Where a rank is left alive, launcher or ranks have to notice.
VICTIMS = ('all', 'all', 'rank 0', 'rank 1', 'launcher', 'launcher and rank 0')
# Of that many kills at a random moment, one more waits for a file being written.
PER_SAVE = 3
# A checkpoint under its temporary name.
UNFINISHED = '.*_*.unfinished*'


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
class Kills(Result):
    """Counts of a program of kills, and each of them in `kills`."""

    kills: list[Kill] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Number of kills."""
        return len(self.kills)

    @property
    def victims(self) -> Counter:
        """Count who was killed."""
        return Counter(kill.victim for kill in self.kills)


def run_kills(
    server: Server, folder: Path, count: int, seed: int = 0, **options: Any
) -> Kills:
    """Kill so often, each run up to three times; see `run_trials`.

    The log ``kills.jsonl`` in the folder has a line for each.
    """
    result = Kills()

    def interrupt(trial: Trial, rng: random.Random) -> str:
        lives = min(rng.choice((1, 1, 2, 3)), count - result.done)
        for life in range(lives):
            if not kill_once(trial, life, rng, result):
                break  # It has ended before.
        return f'killed {lives} times'

    run_trials(interrupt, result, server, folder, count, seed, **options)
    return result


def kill_once(trial: Trial, life: int, rng: random.Random, result: Kills) -> bool:
    """Start and kill a run; return False if it ends before."""
    in_save = rng.random() < 1 / PER_SAVE
    share = 1 - 0.8 * trial.newest() / trial.run.steps
    moment = rng.uniform(0, 0.01 if in_save else trial.seconds * share)
    kill = Kill(trial.title, life, rng.choice(VICTIMS), round(moment, 4), in_save)
    job = trial.start()
    alive = wait_for_moment(job, kill, trial.work_dir)
    if not alive:
        return False
    if not strike(job, kill, alive):
        return True
    kill.step = trial.newest()
    kill.unfinished = len([*trial.work_dir.glob(UNFINISHED)])
    result.kills.append(kill)
    result.orphans += kill.orphans
    with (trial.work_dir.parent / 'kills.jsonl').open('a') as file:
        file.write(json.dumps(asdict(kill)) + '\n')
    if kill.orphans:
        result.failures.append(f'{kill.orphans} orphans after {kill}')
    return True


def wait_for_moment(job: Job, kill: Kill, work_dir: Path) -> dict[int, int]:
    """Wait until it is time to kill.

    Returns:
        The living processes, pid -> parent; none if the run ends before.
    """
    if not kill.in_save:
        while job.seconds < kill.moment and job.status is None:
            time.sleep(0.02)
        return job.processes() if job.status is None else {}
    alive, pause = job.processes(), 0
    left = {*work_dir.glob(UNFINISHED)}  # by an earlier kill
    while not {*work_dir.glob(UNFINISHED)} - left:
        time.sleep(0.0005)
        pause += 1
        if pause % 50 == 0:
            # Not after the file is seen: that takes longer than writing it.
            alive = job.processes()
            if job.status is not None:
                return {}
    time.sleep(kill.moment)
    return alive or {job.pid: 0}


def strike(job: Job, kill: Kill, alive: dict[int, int]) -> bool:
    """Send SIGKILL to the victims, and see whether all the others leave.

    Args:
        job: To kill.
        kill: Says whom; gets what came of it.
        alive: Processes, pid -> parent.

    Returns:
        Whether any was alive to be killed.
    """
    ranks = sorted(pid for pid, parent in alive.items() if parent == job.pid)
    if 'rank' in kill.victim and len(ranks) < 2:
        kill.victim = 'all'  # Not started yet, or one has ended.
    victims = dict(
        launcher=[job.pid],
        all=[*alive],
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
