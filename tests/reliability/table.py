"""Write what the programs found as Markdown."""

import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import mmengine
import torch
from reliability import bad_inputs, kills, over_time, signals

Row = tuple[str, str, str]


def markdown(rows: Sequence[Row]) -> str:
    """Return a table with date and machine above; no name of the machine."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    lines = [
        f'{time.strftime("%Y-%m-%d")}; {len(os.sched_getaffinity(0))} cores of '
        f'{processor()}, {memory:.0f} GiB; {platform.system()}, Python '
        f'{platform.python_version()}, torch {torch.__version__}, '
        f'mmengine {mmengine.__version__}.',
        '',
        '| program | done | came out |',
        '|---|---|---|',
        *(f'| {" | ".join(row)} |' for row in rows),
    ]
    return '\n'.join(lines) + '\n'


def of_kills(result: kills.Kills, seed: int) -> Row:
    """Return the row of a program of kills."""
    done = result.kills
    in_saves = sum(kill.in_save for kill in done)
    half = sum(kill.unfinished > 0 for kill in done)
    left = [kill.left for kill in done if not kill.orphans]
    return (
        f'`kills --kills {len(done)} --seed {seed}`',
        f'{len(done)} SIGKILLs ({listed(result.victims)}), {in_saves} of them when '
        f'a file was being written; {result.runs.total()} runs of 2 processes '
        f'({listed(result.runs)})',
        f'{result.same} of {result.runs.total()} runs end bit for bit as the one never '
        f'killed; {result.orphans} orphans, all gone within '
        f'{max(left, default=0):.1f} s; half files left by {half} kills, removed by '
        f'the next start; {result.passed_over} damaged checkpoints passed over; '
        f'{len(result.failures)} failures',
    )


def of_signals(result: signals.Signals, seed: int) -> Row:
    """Return the row of a program of signals."""
    seconds = result.seconds_to_leave
    codes = listed({f'exit code {code}': n for code, n in result.statuses.items()})
    return (
        f'`signals --signals {result.done} --seed {seed}`',
        f'{result.done} signals at random moments ({listed(result.signals)}) to '
        'launcher, one process or all',
        f'{codes}; left after {median(seconds or [0]):.1f} s, at most '
        f'{max(seconds, default=0):.1f} s; {result.same} of {result.runs.total()} '
        f'resumed runs end bit for bit as the one never stopped; {result.orphans} '
        f'orphans; {len(result.failures)} failures',
    )


def of_inputs(program: str, what: str, result: bad_inputs.Result) -> Row:
    """Return the row of damaged images or wrong configs."""
    return (
        f'`{program}`',
        f'{result.outcomes.total()} {what}',
        f'{listed(result.outcomes)}; {len(result.failures)} failures',
    )


def of_long(result: over_time.Result) -> Row:
    """Return the row of a long run."""
    shares = [result.at(share) for share in (0.2, 0.5, 1)]
    values = [
        ' → '.join(f'{share[column]:.0f}' for share in shares) for column in (1, 2, 3)
    ]
    return (
        f'`long --iterations {result.iterations} --data {result.name}`',
        f'{result.iterations} iterations on {result.name}, two workers, '
        f'{result.seconds:.0f} s',
        f'in the tenths that end at 20, 50 and 100 %: {values[0]} MB '
        f'({result.slope(1):+.2f} MB per 1000 iterations), workers {values[1]} MB '
        f'({result.slope(2):+.2f}), open files {values[2]}; '
        f'{len(result.failures)} failures',
    )


def listed(counts: dict[str, int] | Counter) -> str:
    """Return counts as words, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ', '.join(f'{count} {name}' for name, count in ordered)


def processor() -> str:
    """Return the model of the processor, as far as the system tells."""
    cpu = Path('/proc/cpuinfo')
    for line in cpu.read_text().splitlines() if cpu.exists() else ():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()
