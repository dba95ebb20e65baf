"""Measure processor time and memory of this process and its workers.

psutil would tell the same, but is no dependency. Where there is no ``/proc``, workers
are not counted, and the memory that is free is not known.
"""

import os
import sys
import time
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PROC = Path('/proc')
MIB = 2**20


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_seconds() -> float:
    """Return the processor time of this process and all it started, so far."""
    own = time.process_time()
    if resource is not None:
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        own += ended.ru_utime + ended.ru_stime
    return own + sum(_cpu_seconds_of(pid) for pid in descendants())


def descendants() -> list[int]:
    """Return the running processes below this one."""
    parents = {}
    for folder in PROC.glob('[0-9]*'):
        fields = _fields(int(folder.name))
        if fields:
            parents[int(folder.name)] = int(fields[1])
    found, layer = [], {os.getpid()}
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer}
        found += sorted(layer)
    return found


def resident_memory() -> int:
    """Return the memory that this process has resident now, bytes."""
    return _status('VmRSS:')


def peak_memory() -> int:
    """Return the most memory that this process has had resident so far, bytes."""
    peak = _status('VmHWM:')
    if peak or resource is None:
        return peak
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


def forget_peak_memory() -> bool:
    """Let `peak_memory` count from now; False where the system cannot."""
    try:
        (PROC / 'self' / 'clear_refs').write_text('5')
    except OSError:
        return False
    return True


def memory_of_workers() -> int:
    """Return what the processes below this one have for themselves alone, bytes."""
    total = 0
    for pid in descendants():
        for line in _read(PROC / str(pid) / 'smaps_rollup').splitlines():
            if line.startswith(('Private_Clean:', 'Private_Dirty:')):
                total += int(line.split()[1]) * 1024
    return total


def available_memory() -> int | None:
    """Return the bytes that processes here can still get; None if not known.

    The less of what the machine has left and what limits of control groups leave.
    """
    left = [
        int(line.split()[1]) * 1024
        for line in _read(PROC / 'meminfo').splitlines()
        if line.startswith('MemAvailable:')
    ]
    for limit, used in _cgroup_files():
        if limit.strip().isdigit() and used.strip().isdigit():
            left.append(int(limit) - int(used))
    return max(min(left), 0) if left else None


def _cgroup_files() -> list[tuple[str, str]]:
    """Return limit and use of the control groups of this process, as their texts."""
    found = []
    for line in _read(PROC / 'self' / 'cgroup').splitlines():
        _, names, path = line.split(':', 2)
        if names not in ('', 'memory'):
            continue
        root = Path('/sys/fs/cgroup', names)
        limit, used = (
            ('memory.limit_in_bytes', 'memory.usage_in_bytes')
            if names
            else ('memory.max', 'memory.current')
        )
        group = root / path.lstrip('/')
        # In a container the path can be that of the host: then its root is ours.
        for folder in (group, *group.parents):
            if folder.is_relative_to(root):
                found.append((_read(folder / limit), _read(folder / used)))
    return found


def _status(key: str) -> int:
    for line in _read(PROC / 'self' / 'status').splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0


def _cpu_seconds_of(pid: int) -> float:
    fields = _fields(pid)
    ticks = sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf('SC_CLK_TCK') if fields else 0.0


def _fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, which can hold spaces."""
    return _read(PROC / str(pid) / 'stat').rpartition(')')[2].split()


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # not there, or a process that has just ended
        return ''
