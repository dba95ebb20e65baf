"""What runs leave behind for the process they were in."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer


@contextmanager
def left_alone() -> Iterator[None]:
    """Forget it.

    Default scopes decide where names are looked up; visualizers, which many configs
    give the same name, where the pictures of the first run went.
    """
    before = {kind: kind._instance_dict.copy() for kind in _kinds()}
    try:
        yield
    finally:
        for kind in _kinds():
            kind._instance_dict.clear()
            kind._instance_dict.update(before.get(kind, {}))


def _kinds() -> Iterator[type]:
    """The classes of mmengine that keep their instances by name."""
    kinds: list[type] = [DefaultScope, Visualizer]
    for kind in kinds:
        yield kind
        kinds += kind.__subclasses__()
