"""Resume runs to their end, and compare it bit by bit."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from reliability.jobs import Server
from reliability.tiny_runs import TinyRun

from rsp import checkpoints

# Seconds in which a run has to come to its end, on a busy machine.
TO_END = 240
# Weights, teacher, queue, centers; momenta; schedules; position and random numbers.
PARTS = ('state_dict', 'optimizer', 'param_schedulers', 'resume')


def train_whole(server: Server, run: TinyRun) -> float:
    """Train a run that is never stopped, beside its config; return its seconds."""
    work_dir = run.config.with_suffix('')
    log = run.config.with_suffix('.log')
    job = server.start(log, run.config, '--work-dir', work_dir)
    if not job.wait(TO_END) or job.status:
        job.clear()
        raise RuntimeError(f'{run.name} does not train: {job.text[-2000:]}')
    return job.seconds


def fault_at_end(
    server: Server, run: TinyRun, work_dir: Path, log: Path, words: list
) -> str:
    """Resume a run that was stopped, to its end.

    Args:
        server: Starts the processes.
        run: What was run; `train_whole` left the end beside its config.
        work_dir: Of the run; removed if nothing is wrong.
        log: Of the run.
        words: Of the command.

    Returns:
        What is wrong with the end, or nothing.
    """
    job = server.start(log, *words)
    if not job.wait(TO_END):
        return f'hung, {job.clear()} processes left ({log})'
    if job.status:
        return f'ended with {job.status} ({log})'
    whole = run.config.with_suffix('') / run.last
    found = differences(whole, work_dir / run.last)
    if found:
        return f'{len(found)} differences: {", ".join(found[:3])}'
    if [*work_dir.glob('.*unfinished*')]:
        return f'unfinished files in {work_dir}'
    shutil.rmtree(work_dir)
    return ''


def differences(one: Path, other: Path) -> list[str]:
    """Name what differs between two checkpoints; nothing is rounded."""
    first, second = (checkpoints.read(str(file)) for file in (one, other))
    found = []
    for part in PARTS:
        if part not in first:
            found.append(f'{part} is missing')
        found += walk(first.get(part), second.get(part), part)
    for key in ('epoch', 'iter'):
        found += walk(first['meta'][key], second['meta'][key], key)
    return found


def walk(one: Any, other: Any, name: str) -> Iterator[str]:
    """Yield the names of what differs."""
    if isinstance(one, torch.Tensor | np.ndarray):
        if type(one) is not type(other) or one.dtype != other.dtype:
            yield name
        elif not np.array_equal(np.asarray(one), np.asarray(other)):
            yield name
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if key in one and key in other:
                yield from walk(one[key], other[key], f'{name}.{key}')
            else:
                yield f'{name}.{key}'
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            yield name
        for number, pair in enumerate(zip(one, other, strict=False)):
            yield from walk(*pair, f'{name}.{number}')
    elif one != other:
        yield name
