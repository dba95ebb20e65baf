"""The search for the largest batch, on a machine whose memory is known."""

import mmap

import pytest

from rsp.engine.pilot.largest_batch import bisect
from rsp.engine.pilot.measuring import resources


def search(start, room, limit=10_000, allowed=lambda _: True):
    tried = []

    def fits(size):
        tried.append(size)
        return size <= room

    return bisect(start, limit, fits, allowed), tried


@pytest.mark.parametrize('room', [1, 5, 8, 9, 100, 127, 128, 1000, 9999])
def test_the_largest_is_found_to_an_eighth(room):
    found, tried = search(8, room)
    assert found <= room
    assert room - found <= max(found // 8, 1)
    assert len(tried) < 20


def test_nothing_fits():
    assert search(8, 0)[0] == 0


def test_no_size_is_tried_that_a_queue_does_not_take():
    found, tried = search(8, 300, limit=1024, allowed=lambda n: 1024 % n == 0)
    assert found == 256
    assert all(1024 % size == 0 for size in tried)


def test_the_search_ends_at_the_size_of_the_data():
    found, tried = search(8, 10**6, limit=70)
    assert found == 64 or found > 64
    assert max(tried) <= 70


def test_memory_of_a_step_is_seen_and_forgotten():
    if not resources.forget_peak_memory():
        pytest.skip('this system keeps the peak')
    before = resources.peak_memory()
    # A map of its own: what malloc was told elsewhere may keep freed memory.
    with mmap.mmap(-1, 64 * resources.MIB) as block:
        block[::4096] = b'1' * (len(block) // 4096)
        assert resources.peak_memory() - before > 60 * resources.MIB
    resources.forget_peak_memory()
    assert resources.peak_memory() - before < 32 * resources.MIB
