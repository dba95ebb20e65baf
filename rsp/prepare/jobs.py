"""Work on many files, spread over processes or a cluster by dask.distributed."""

import argparse
import json
import logging
import os
import pickle
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import cloudpickle
import dask
from distributed import (
    Client,
    Future,
    KilledWorker,
    LocalCluster,
    TimeoutError,
    wait,
)
from rich.progress import track

from rsp.errors import UserError

# Seconds that the result of a finished job, or a process that died, may take to come.
PATIENCE = 30
# How often a job whose result does not come is done.
ATTEMPTS = 3

Job = Mapping[str, Any]
Work = Callable[[Any], dict]


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--scheduler`` and ``--workers`` to a script."""
    parser.add_argument(
        '--scheduler',
        metavar='ADDRESS',
        help='of a running dask scheduler, e.g. tcp://node1:8786, whose workers see '
        'the same files and have rsp installed; default: processes on this machine',
    )
    parser.add_argument(
        '--workers',
        type=int,
        help='processes on this machine (default: one per core; 0: none but this one)',
    )


def run_jobs(
    work: Work,
    jobs: Sequence[Job],
    journal: Path,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    settings: Job | None = None,
    description: str = 'working',
) -> list[dict]:
    """Do many jobs, each once, also over interruptions.

    What a job returns is appended to the journal as it comes in, by this process alone:
    a worker that dies loses only what it was at, which another one does again, and a
    second call goes on where the first one ended.

    Args:
        work: Does one job; a function of a module, so that workers find it.
        jobs: JSON-like, each with a ``'key'`` of its own.
        journal: File of results, one JSON object per line.
        scheduler: Address of a dask scheduler; None starts processes here.
        workers: How many processes here, default one per core; 0 works in this one.
        settings: What the results depend on besides the jobs.
        description: Said beside the progress bar.

    Returns:
        What ``work`` returned, with the job's ``'key'``, in the order of the jobs;
        ``{'key': ..., 'error': message}`` where it raised a `ValueError` or an
        `OSError`, or its workers died again and again. Failed jobs are not in the
        journal: the next call tries them again.

    Raises:
        ValueError: If two jobs share a key, the journal belongs to other settings, or
            a worker cannot import ``work``, or there is no scheduler.
        RuntimeError: If all processes here ended and none can be started again.
    """
    keys = [job['key'] for job in jobs]
    if len(set(keys)) < len(keys):
        twice = next(key for n, key in enumerate(keys) if key in keys[:n])
        raise UserError(f"expected jobs with different keys, got '{twice}' twice.")
    begun_with = json.loads(json.dumps(dict(settings or {})))
    results = _read(journal, begun_with)
    left = [job for job in jobs if job['key'] not in results]
    with _open(journal, begun_with) as file:
        done = _results(work, left, scheduler, workers)
        for result in track(
            done, description, len(jobs), completed=len(jobs) - len(left)
        ):
            results[result['key']] = result
            if 'error' not in result:
                file.write(json.dumps(result) + '\n')
                file.flush()
    return [results[key] for key in keys]


def _read(journal: Path, settings: dict) -> dict[str, dict]:
    """Results by key; a line that an interruption cut short is taken out."""
    if not journal.exists() or journal.stat().st_size == 0:
        return {}
    text = journal.read_bytes()
    whole = text[: text.rfind(b'\n') + 1]
    if whole != text:
        os.truncate(journal, len(whole))
    lines = [json.loads(line) for line in whole.splitlines()]
    if lines and lines[0] != {'settings': settings}:
        begun = lines[0].get('settings') or {}
        # Only these: a plan may list thousands of files.
        changed = [
            key
            for key in {**begun, **settings}
            if begun.get(key, ...) != settings.get(key, ...)
        ]
        then, now = ({k: s.get(k) for k in changed} for s in (begun, settings))
        raise UserError(
            f"expected the settings that '{journal}' was begun with, {then}, got "
            f'{now}; finish it with those, write to another place, or delete it.'
        )
    return {line['key']: line for line in lines[1:]}


@contextmanager
def _open(journal: Path, settings: dict) -> Iterator[Any]:
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open('a') as file:
        if journal.stat().st_size == 0:
            file.write(json.dumps({'settings': settings}) + '\n')
            file.flush()
        yield file


def _results(
    work: Work, jobs: list[Job], scheduler: str | None, workers: int | None
) -> Iterator[dict]:
    """Results as they come in."""
    if not jobs:
        return
    if workers == 0 and scheduler is None:
        yield from (_attempt(work, job) for job in jobs)
        return
    with _client(scheduler, workers) as client:
        task = _for_workers(work, client)
        waiting = iter(jobs)
        # Not all at once: a scheduler holds everything about every task it knows.
        ahead = 4 * max(4, sum(client.nthreads().values()))
        job_of: dict[Future, Job] = {}

        def submit(count: int) -> None:
            # `pure`: by default, equal jobs of two calls would share a result.
            job_of.update(
                (client.submit(_attempt_pickled, task, job, pure=False), job)
                for job in islice(waiting, count)
            )

        suspects = []
        submit(ahead)
        while job_of:
            for future in _finished(list(job_of), client):
                job = job_of.pop(future)
                try:
                    result = future.result(timeout=PATIENCE)
                except (KilledWorker, TimeoutError):
                    suspects.append(job)
                else:
                    yield result
                submit(1)
        # dask blames all that waited for a worker that died: alone, each shows whether
        # it was the one.
        for job in suspects:
            yield _alone(client, task, job)


def _alone(client: Client, task: bytes, job: Job) -> dict:
    """Do a job while no other is at work."""
    for _ in range(ATTEMPTS):
        future = client.submit(_attempt_pickled, task, job, pure=False)
        _finished([future], client)
        try:
            return future.result(timeout=PATIENCE)
        except KilledWorker as error:
            return _failed(job, error)
        except TimeoutError as error:
            # The worker that held it may have died since; dask can wait for ever.
            lost = error
    return _failed(job, lost)


def _finished(futures: Collection[Future], client: Client) -> Collection[Future]:
    """Wait until some jobs are done; return these.

    Raises:
        RuntimeError: If none is left of the processes here.
    """
    while True:
        try:
            return wait(futures, PATIENCE, return_when='FIRST_COMPLETED').done
        except TimeoutError:
            _need_processes(client)


def _need_processes(client: Client) -> None:
    if client.cluster is None:  # Whoever runs the scheduler adds workers to it.
        return
    try:
        client.wait_for_workers(1, timeout=4 * PATIENCE)
    except TimeoutError:
        raise RuntimeError(
            'expected processes that work, but all ended and none could be started '
            'again: is there memory, and space in the temporary folder? What was done '
            'is kept: the same command goes on from there; --workers 0 works without '
            'other processes.'
        ) from None


@contextmanager
def _client(scheduler: str | None, workers: int | None) -> Iterator[Client]:
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=30)
        except (OSError, ValueError) as error:
            raise UserError(
                f"expected a dask scheduler at '{scheduler}', got: {error}; start one "
                'with `dask scheduler`, or leave --scheduler out.'
            ) from None
        with client:
            yield client
        return
    with (
        # dask gives up a process that is not back in time, 15 s by default, after each
        # of its deaths; importing torch alone may take as long on a busy machine.
        dask.config.set({'distributed.deploy.lost-worker-timeout': '1 day'}),
        LocalCluster(
            n_workers=workers or os.cpu_count(),
            threads_per_worker=1,
            # A free port: two tools may run at a time.
            dashboard_address=':0',
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _for_workers(work: Work, client: Client) -> bytes:
    """Pickle the work, and see that every worker can read it.

    dask would wait for ever for a worker that cannot import its task.
    """
    pickled = cloudpickle.dumps(work)

    # Nested, so that it travels by value and needs nothing of rsp.
    def problem(*needed: bytes) -> str | None:
        try:
            for one in needed:
                pickle.loads(one)
        except Exception as error:
            return f'{type(error).__name__}: {error}'
        return None

    answers = client.run(problem, cloudpickle.dumps(_attempt_pickled), pickled)
    for address, answer in answers.items():
        if answer is not None:
            raise UserError(
                f'expected every worker to know {work.__module__}.{work.__name__}, got '
                f"'{answer}' from {address}; install rsp with its geo extra there, in "
                'the same release.'
            )
    return pickled


def _attempt_pickled(work: bytes, job: Job) -> dict:
    return _attempt(pickle.loads(work), job)


def _attempt(work: Work, job: Job) -> dict:
    """Do a job; bad input is a result, a bug is not."""
    try:
        return {'key': job['key']} | work(job)
    except (ValueError, OSError) as error:
        return _failed(job, error)


def _failed(job: Job, error: BaseException) -> dict:
    return {'key': job['key'], 'error': str(error) or type(error).__name__}
