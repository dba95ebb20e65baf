"""Making mmengine open checkpoints as we do."""

from typing import Any

import mmengine.runner.checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from rsp.checkpoints.reading import read


def open_as_we_do(trust: bool = False) -> None:
    """Make mmengine open checkpoints by `read`, for the rest of the process.

    ``init_cfg=dict(type='Pretrained')`` and every other load of a library ends in
    mmengine's loader, which runs the code in a file that it cannot open safely.

    Args:
        trust: See `read`.
    """

    def load(filename: str, map_location: Any = None, **_: Any) -> dict[str, Any]:
        return read(filename, map_location or 'cpu', trust)

    # mmengine logs the loader's name without its first ten letters.
    load.__name__ = 'load_from_rsp'
    for prefix in list(CheckpointLoader._schemes):
        CheckpointLoader.register_scheme(prefix, load, force=True)
    mmengine_checkpoint.load_from_http = load  # others call it by name
