"""Keep a step of a training, and take it again."""

from rsp.engine.replay.dump import (
    items_of,
    non_finite_items,
    numbers_of,
    write_dump,
)
from rsp.engine.replay.running import replay
from rsp.engine.replay.snapshot import Snapshot

__all__ = [
    'Snapshot',
    'items_of',
    'non_finite_items',
    'numbers_of',
    'replay',
    'write_dump',
]
