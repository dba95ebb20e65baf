"""Keep two runs from writing into one folder."""

import json
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rsp.errors import UserError
from rsp.io.files import make_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = '.running'
# Time between two signs of life in the file, seconds.
BEAT = 10.0


@contextmanager
def hold_work_dir(folder: str | os.PathLike, beat: float = BEAT) -> Iterator[None]:
    """Hold a folder for this run while the block runs.

    The system's lock of the file ``.running`` ends with its process, however that ends,
    so that a killed run can be resumed at once. Some shared file systems keep locks of
    one machine from the others or have none. So the file also names host, process and
    its start, and counts signs of life; for those of another host a new run waits
    before it believes that the old one is dead.

    Args:
        folder: Made if there is none.
        beat: Time between two signs of life, seconds.

    Raises:
        UserError: If another run is alive in it, or nothing can be written there.
    """
    folder = Path(folder)
    make_folder(folder)
    file = _open(folder / NAME)
    try:
        locked = _lock(file, folder)
        holder = _read(file)
        if holder and _is_alive(holder, folder / NAME, locked, beat):
            raise _refusal(folder, holder)
        own = dict(
            host=socket.gethostname(),
            pid=os.getpid(),
            start=_start_of(os.getpid()),
            since=time.strftime('%Y-%m-%d %H:%M:%S'),
        )
        done = threading.Event()
        thread = threading.Thread(
            target=_show_life, args=(file, own, done, beat), daemon=True
        )
        _write(file, own | dict(beats=0))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            os.ftruncate(file, 0)
    finally:
        os.close(file)


def _open(path: Path) -> int:
    try:
        file = os.open(
            path, os.O_RDWR | os.O_CREAT | getattr(os, 'O_NONBLOCK', 0), 0o644
        )
        reason = '' if stat.S_ISREG(os.fstat(file).st_mode) else 'something else'
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise UserError(
            f"expected a file of a run, or none, at '{path}', got: {reason}; remove "
            'it, or choose another --work-dir.'
        )
    return file


def _lock(file: int, folder: Path) -> bool:
    """Lock a file; return whether the file system has locks."""
    if not hasattr(fcntl, 'lockf'):
        return False
    try:
        # Not flock: a worker that outlives its process would still hold it.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise _refusal(folder, _read(file) or {}) from None
    except OSError:
        return False
    return True


def _is_alive(holder: dict[str, Any], path: Path, locked: bool, beat: float) -> bool:
    if holder.get('host') == socket.gethostname():
        start = _start_of(holder.get('pid', -1))
        return not locked and start is not None and start == holder.get('start')
    print(
        f"'{path}' was left by a run on {holder.get('host')}: waiting {2.5 * beat:g} s "
        'for a sign of life.',
        file=sys.stderr,
        flush=True,
    )
    end = time.monotonic() + 2.5 * beat
    while time.monotonic() < end:
        time.sleep(beat / 10)
        # Opened anew: network file systems look at the server's file then only.
        with path.open('rb') as again:
            now = _read(again.fileno())
        if now != holder:
            return bool(now)
    return False


def _refusal(folder: Path, holder: dict[str, Any]) -> UserError:
    who = ', '.join(f'{key} {holder[key]}' for key in ('host', 'pid') if key in holder)
    since = f' since {holder["since"]}' if 'since' in holder else ''
    return UserError(
        f"expected a work dir for this run alone, got '{folder}', in which another "
        f'run ({who}) is alive{since}: wait for it or stop it, or choose another '
        '--work-dir.'
    )


def _start_of(pid: int) -> str | None:
    """Return when a process of this host started, or that it runs; None if not."""
    try:
        facts = Path(f'/proc/{pid}/stat').read_text()
        boot = Path('/proc/sys/kernel/random/boot_id').read_text().strip()
        return f'{boot} {facts.rpartition(")")[2].split()[19]}'
    except OSError:
        pass
    if Path('/proc/self').exists() or pid <= 0 or os.name == 'nt':
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return 'running'


def _read(file: int) -> dict[str, Any] | None:
    os.lseek(file, 0, os.SEEK_SET)
    try:
        content = json.loads(os.read(file, 4096))
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _write(file: int, content: dict[str, Any]) -> None:
    # Of one length and in one call: a reader must not see half of it.
    text = json.dumps(content).ljust(512) + '\n'
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, text.encode())


def _show_life(
    file: int, own: dict[str, Any], done: threading.Event, beat: float
) -> None:
    beats = 0
    while not done.wait(beat):
        beats += 1
        try:
            _write(file, own | dict(beats=beats))
        except OSError:  # A full disk is told by who writes what matters.
            continue
