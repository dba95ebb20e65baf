"""Run many resumable jobs over processes or a cluster, by dask.distributed."""

import logging
import os
import pickle
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import cloudpickle
import dask
from distributed import Client, Future, KilledWorker, LocalCluster, TimeoutError, wait
from rich.progress import track

from rsp.errors import UserError
from rsp.ops import check
from rsp.prepare.progress_log import ProgressLog

# Seconds to wait for the result of a finished job, or for a process to start again.
PATIENCE = 30
# Attempts at a job whose result does not come.
ATTEMPTS = 3

Job = Mapping[str, Any]
Work = Callable[[Any], dict]


def run_jobs(
    work: Work,
    jobs: Sequence[Job],
    log: ProgressLog,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    description: str = 'working',
) -> list[dict]:
    """Run each job once, also over interruptions.

    This process alone logs the results as they come in: a worker that dies loses only
    its current job, which another one repeats, and a second call resumes.

    Args:
        work: Function of a job; defined in a module, so that workers find it.
        jobs: JSON-like, each with a ``'key'`` of its own.
        log: Log of finished jobs.
        scheduler: Address of a dask scheduler; None starts processes on this machine.
        workers: Processes on this machine, default one per core; 0 uses only this one.
        description: Text beside the progress bar.

    Returns:
        Results of ``work`` with the job's ``'key'``, in the order of the jobs;
        ``{'key': ..., 'error': message}`` where it raised a `UserError` or an
        `OSError`, or its workers died again and again. Failed jobs are not in the log:
        the next call tries them again.

    Raises:
        UserError: If two jobs share a key, a worker cannot import ``work``, there is no
            scheduler, or the number of processes is negative.
        RuntimeError: If all processes here ended and none can be started again.
    """
    if workers is not None:
        # dask would start none, and wait for ever.
        check.at_least('--workers', workers, 0)
    (key, times), *_ = Counter(job['key'] for job in jobs).most_common(1) or [('', 1)]
    if times > 1:
        raise UserError(
            f"expected jobs with different keys, got '{key}' {times} times."
        )
    left = [job for job in jobs if job['key'] not in log.results]
    failed: dict[str, dict] = {}
    for result in track(
        _results(work, left, scheduler, workers),
        description,
        len(jobs),
        completed=len(jobs) - len(left),
    ):
        if 'error' in result:
            failed[result['key']] = result
        else:
            log.append(result)
    return [failed.get(job['key']) or log.results[job['key']] for job in jobs]


def _results(
    work: Work, jobs: list[Job], scheduler: str | None, workers: int | None
) -> Iterator[dict]:
    """Yield results as they come in."""
    if not jobs:  # Starting processes takes seconds.
        return
    if workers == 0 and scheduler is None:
        yield from (_attempt(work, job) for job in jobs)
        return
    with _client(scheduler, workers) as client:
        task = _pickle_for_workers(work, client)
        waiting = iter(jobs)
        # Not all at once: a scheduler holds everything about every task it knows.
        prefetch = 4 * max(4, sum(client.nthreads().values()))
        job_of: dict[Future, Job] = {}

        def submit(count: int) -> None:
            # `pure`: by default, equal jobs of two calls would share a result.
            job_of.update(
                (client.submit(_attempt_pickled, task, job, pure=False), job)
                for job in islice(waiting, count)
            )

        suspects = []
        submit(prefetch)
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
        # dask blames all jobs of a worker that died: run alone, each shows whether it
        # was the cause.
        for job in suspects:
            yield _run_alone(client, task, job)


def _run_alone(client: Client, task: bytes, job: Job) -> dict:
    """Run a job while no other is running."""
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
            _wait_for_processes(client)


def _wait_for_processes(client: Client) -> None:
    if client.cluster is None:  # The user's scheduler; the user adds workers.
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


def _pickle_for_workers(work: Work, client: Client) -> bytes:
    """Pickle the work, and check that every worker can read it.

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
    """Run a job; turn errors of its input, not bugs, into results."""
    try:
        return {'key': job['key']} | work(job)
    except (UserError, OSError) as error:
        return _failed(job, error)


def _failed(job: Job, error: BaseException) -> dict:
    return {'key': job['key'], 'error': str(error) or type(error).__name__}
