"""Ask all views of a config for the published transforms themselves."""

from collections.abc import Mapping
from typing import Any

from rsp.ops.views.parse import name_of

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
FAST = {
    'rsp.LoadForDevice', 'rsp.LoadView', 'rsp.LoadViews', 'rsp.MaskedTwoCrop',
    'rsp.MultiView', 'rsp.SingleView',
}  # fmt: skip


def heed_exact_pillow(cfg: Any) -> None:
    """Hand on ``exact_pillow`` at the top of a config, in place, to its data.

    True sets ``exact_pillow=True`` of all transforms that know it, and lets loaders
    decode all pixels.

    Args:
        cfg: Config of a run.
    """
    if cfg.get('exact_pillow'):
        for loader in LOADERS:
            _set(cfg.get(loader))


def _set(node: Any) -> None:
    if isinstance(node, Mapping):
        name = name_of(node)
        if name in FAST:
            node['exact_pillow'] = True  # type: ignore[index]
        elif name.rpartition('.')[2] == 'LoadImageFromFile':
            node.pop('min_size', None)  # type: ignore[attr-defined]
        node = list(node.values())
    if isinstance(node, list | tuple):
        for inner in node:
            _set(inner)
