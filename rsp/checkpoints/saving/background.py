"""Do work in a thread, in order, and raise there what went wrong here."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Run jobs one after the other in a thread; after one that fails, none.

    A process that ends waits for the jobs that it has begun.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, 'checkpoints')
        self._jobs: list[Future[None]] = []
        self._failed = False

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job after those before it."""
        self._jobs.append(self._pool.submit(self._run, job))

    def join(self) -> None:
        """Wait for all jobs, and raise what the first that failed raised."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.result()

    def _run(self, job: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            job()
        except BaseException:
            self._failed = True
            raise
