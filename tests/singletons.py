"""Reset what runs leave behind in their process."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer


@contextmanager
def left_alone() -> Iterator[None]:
    """Forget it.

    Default scopes decide where names are looked up; visualizers, which many configs
    give the same name, where the pictures of the first run went; message hubs, which
    runs of one name share, hold their losses. What visualizers still have to write is
    written now, while the folders are there.
    """
    before = {kind: kind._instance_dict.copy() for kind in _kinds()}
    try:
        yield
    finally:
        for kind in _kinds():
            known = before.get(kind, {})
            for name, instance in kind._instance_dict.items():
                if isinstance(instance, Visualizer) and name not in known:
                    instance.close()
            kind._instance_dict.clear()
            kind._instance_dict.update(known)


def _kinds() -> Iterator[type]:
    """The classes of mmengine that keep their instances by name."""
    kinds: list[type] = [DefaultScope, MessageHub, Visualizer]
    for kind in kinds:
        yield kind
        kinds += kind.__subclasses__()
