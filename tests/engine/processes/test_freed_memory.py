"""What a step frees is kept for the next one, and given back by workers."""

import platform
import subprocess
import sys

import pytest

from rsp.engine.processes import freed_memory

# Pages that the system hands out for blocks of 40 MB, of which the first one is the
# only one to be new if they are kept.
COUNT = """
import resource, sys
import numpy as np
from rsp.engine.processes import freed_memory
for name in sys.argv[1:]:
    assert getattr(freed_memory, name)()
def fill():
    np.empty(40 << 20, np.uint8)[:] = 1
fill()
before = resource.getrusage(resource.RUSAGE_SELF)
for _ in range(4):
    fill()
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_minflt - before.ru_minflt)
"""


def faults(*names: str) -> int:
    done = subprocess.run(
        [sys.executable, '-c', COUNT, *names],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='glibc alone is asked')
def test_freed_memory_is_used_again():
    handed_out = faults()
    assert handed_out > 40  # 4 x 10,240 pages, or 4 x 20 large ones
    assert faults('keep_freed_memory') < handed_out / 4
    both = faults('keep_freed_memory', 'give_back_freed_memory')
    assert both > handed_out / 2


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, 'platform', 'darwin')
    assert not freed_memory.keep_freed_memory()
    assert not freed_memory.give_back_freed_memory()
