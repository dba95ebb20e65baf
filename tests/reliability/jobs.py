"""Start trainings of several processes, watch them, and count what they leave."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

SERVER = Path(__file__).with_name('fork_server.py')
ROOT = SERVER.parents[2]
LAUNCHED = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')


class Job:
    """A launcher and all that runs below it, in a session of its own.

    Args:
        server: Who forked it.
        pid: Of the launcher, and so the number of the session.
        log: File of what all of them print.
    """

    def __init__(self, server: 'Server', pid: int, log: Path) -> None:
        self.server = server
        self.pid = pid
        self.log = log
        self.started = time.monotonic()

    @property
    def status(self) -> int | None:
        """Exit status of the launcher, negative for a signal; None while it runs."""
        return self.server.ask(self.pid)

    @property
    def text(self) -> str:
        """What was printed so far."""
        return self.log.read_text(errors='replace') if self.log.exists() else ''

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def processes(self) -> dict[int, int]:
        """Return the living processes, pid -> parent, orphans and workers included."""
        return {pid: parent for pid, parent in members(self.pid)}

    def ranks(self) -> list[int]:
        """Return the pids of the training processes, in order."""
        found = self.processes()
        return sorted(pid for pid, parent in found.items() if parent == self.pid)

    def send(self, number: int, pids: Sequence[int]) -> int:
        """Send a signal to processes of this job; return how many were alive."""
        alive = 0
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                alive += 1
        return alive

    def wait(self, seconds: float) -> bool:
        """Wait until nothing of it is alive; return whether that happened in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # The status first: a launcher that has ended is no process any more.
            if self.status is not None and not self.processes():
                return True
            time.sleep(0.05)
        return False

    def clear(self) -> int:
        """Kill what is left; return how many processes that were."""
        left = [*self.processes()]
        self.send(signal.SIGKILL, left)
        self.wait(10)
        return len(left)


class Server:
    """Talk to `fork_server.py`."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process

    def ask(self, order: object) -> int | None:
        """Send an order, return the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + '\n')
        self.process.stdin.flush()
        answer: int | None = json.loads(self.process.stdout.readline())
        return answer

    def start(self, log: Path, *words: object, processes: int = 2) -> Job:
        """Start `tools/train.py` on several processes.

        Args:
            log: File to append to.
            words: Arguments of the training.
            processes: Their number.
        """
        arguments = ['--nnodes=1', '--node_rank=0', '--master_addr=127.0.0.1']
        arguments += [f'--master_port={free_port()}', f'--nproc_per_node={processes}']
        arguments += [str(ROOT / 'tools/train.py'), *map(str, words)]
        return self.run('train', log, *arguments, '--launcher', 'pytorch')

    def run(self, program: str, log: Path, *words: object) -> Job:
        """Start one of the programs of the server.

        Args:
            program: Its name.
            log: File to append to.
            words: Arguments.
        """
        arguments = [str(word) for word in words]
        order = dict(program=program, arguments=arguments, log=str(log))
        pid = self.ask(order)
        assert pid is not None
        return Job(self, pid, log)


@contextmanager
def fork_server(log: Path) -> Iterator[Server]:
    """Run a server that starts trainings while the block runs."""
    environment = {k: v for k, v in os.environ.items() if k not in LAUNCHED}
    with log.open('a') as errors:
        process = subprocess.Popen(
            [sys.executable, '-W', 'ignore', str(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment | dict(OMP_NUM_THREADS='1'),
            cwd=ROOT,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline() != 'null\n':
            raise RuntimeError(f'the server did not start: {log.read_text()[-2000:]}')
        yield Server(process)
    finally:
        # Not by closing its input: what the tests left running may hold a copy of that.
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def members(session: int) -> Iterator[tuple[int, int]]:
    """Yield pid and parent of all living processes of a session."""
    for folder in Path('/proc').iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / 'stat').read_text()
        except OSError:
            continue
        state, parent, _, its = stat.rpartition(')')[2].split()[:4]
        if int(its) == session and state not in 'ZX':
            yield int(folder.name), int(parent)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])
