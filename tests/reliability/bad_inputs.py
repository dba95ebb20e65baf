"""Read damaged images by worker processes, and run wrong configs: named or not?"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import mutations
from cases.runs import wrong_configs
from reliability.jobs import Job, Server

from rsp.datasets.image_folder import EXTENSIONS

# Longer than any of them takes on a busy machine, seconds.
HUNG = 60
NAMED, READ, SKIPPED, LEFT_OUT = 'named', 'read', 'skipped', 'left out'


@dataclass
class Result:
    """Counts of bad inputs.

    Attributes:
        outcomes: How often each came to be: ``'named'``, in one line that ends the
            program; ``'skipped'``, with another in its place; ``'read'``; ``'left
            out'`` of the data set; ``'crashed'``; ``'hung'``.
        failures: What went wrong, in sentences.
    """

    outcomes: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def run_mutations(
    server: Server,
    folder: Path,
    on_bad_image: str = 'raise',
    chosen: Iterable[mutations.Mutation] | None = None,
    say: Callable[[str], None] = print,
) -> Result:
    """Read each damaged image between two good ones, by a worker process.

    Args:
        server: Starts the processes.
        folder: Empty.
        on_bad_image: ``'raise'`` or ``'skip'``, as of a data set.
        chosen: Some mutations; None for all.
        say: Gets a line per failure.
    """
    result = Result()
    refused = SKIPPED if on_bad_image == 'skip' else NAMED
    good = mutations.originals()['png'][1]
    for mutation in mutations.mutations() if chosen is None else chosen:
        data = folder / mutation.name
        data.mkdir(parents=True)
        for name in ('0.png', 'z.png'):
            (data / name).write_bytes(good)
        file = mutation.write(data)
        locked = file.is_file() and file.stat().st_mode & 0o777 == 0
        job = server.run('read', folder / f'{mutation.name}.log', data, on_bad_image)
        outcome, last = outcome_of(job, data, file)
        wanted = {
            mutations.REFUSED: (refused, LEFT_OUT),
            mutations.EITHER: (refused, READ),
        }.get(mutation.verdict, (READ,))
        # Endings that are not listed; permissions that do not bind the superuser.
        known = (outcome == LEFT_OUT and file.suffix not in EXTENSIONS) or (
            outcome == READ and locked
        )
        if outcome not in wanted and not known:
            result.failures.append(
                f'{mutation.name}, {on_bad_image}: {outcome}; {last[:200]}'
            )
            say(result.failures[-1])
        result.outcomes[outcome] += 1
        shutil.rmtree(data)
    return result


def outcome_of(job: Job, data: Path, file: Path) -> tuple[str, str]:
    """Return what became of a damaged image, see `Result`, and the line of an error.

    Args:
        job: That reads the images.
        data: Their folder.
        file: The damaged one.
    """
    if not job.wait(HUNG):
        job.clear()
        return 'hung', ''
    lines = [line for line in job.text.splitlines() if line.startswith('error: ')]
    last = lines[-1] if lines else ''
    if job.status == 1 and str(file) in last and 'Traceback' not in job.text:
        return NAMED, last
    if job.status != 0:
        return f'crashed ({job.status})', last
    read = [line for line in job.text.splitlines() if line.startswith('read ')]
    listed = data / 'bad_files.txt'
    if listed.is_file() and os.fsencode(file) in listed.read_bytes().splitlines():
        # One of the two good ones stands for it.
        lost = f'read {file}' in read or len(read) != 3
        return (f'skipped, and {len(read)} of 3 read' if lost else SKIPPED), ''
    return (READ if f'read {file}' in read else LEFT_OUT), last


def run_configs(
    server: Server,
    folder: Path,
    chosen: Iterable[wrong_configs.Wrong] | None = None,
    say: Callable[[str], None] = print,
) -> Result:
    """Run the command line of each wrong config.

    Args:
        server: Starts the processes.
        folder: Empty.
        chosen: Some mistakes; None for all.
        say: Gets a line per failure.
    """
    result = Result()
    wrong_configs.write(folder)
    wrong_configs.write_weights(folder)
    for number, wrong in enumerate(wrong_configs.WRONG if chosen is None else chosen):
        words = wrong_configs.command_line(wrong, folder)
        job = server.run('rsp', folder / f'{number}.log', *words)
        ended = job.wait(HUNG)
        lines = [*job.text.strip().splitlines(), '']
        last = next((line for line in lines if line.startswith('error: ')), '')
        if not ended:
            job.clear()
            outcome = 'hung'
        elif 'Traceback' in job.text or job.status not in (1, 2):
            outcome = f'crashed ({job.status})' if job.status else 'not refused'
        else:
            missing = [word for word in wrong.words if word not in last]
            outcome = f'named without {missing}' if missing else NAMED
        if outcome != NAMED:
            result.failures.append(f'{wrong.name}: {outcome}; {last[:200]}')
            say(result.failures[-1])
        result.outcomes[outcome] += 1
        shutil.rmtree(folder / 'run', ignore_errors=True)
    return result
