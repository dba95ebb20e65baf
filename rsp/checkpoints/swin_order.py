"""In which order a Swin keeps its numbers: patch merging and position index."""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

State = Mapping[str, Tensor]


def position_index(window: int) -> Tensor:
    """Which entry of a Swin's bias table serves which pair of cells.

    Args:
        window: Cells along a side, w.

    Returns:
        Shape (w², w²), int64: row of the table for query and key cell.
    """
    cell = torch.arange(window)
    y, x = (c.flatten() for c in torch.meshgrid(cell, cell, indexing='ij'))
    dy, dx = (c[:, None] - c[None, :] + window - 1 for c in (y, x))
    return dy * (2 * window - 1) + dx


# Patch merging lays four cells (row, column) side by side. The first authors stack them
# 00, 10, 01, 11, each with all its channels; mm unfolds: channel by channel, each with
# its cells 00, 01, 10, 11. These are the positions of mm's cells in the first order.
_CELLS = torch.tensor([0, 2, 1, 3])
_MERGING = re.compile(r'stages\.\d+\.downsample\.(norm|reduction)\.(weight|bias)')


def merge_by_channel(state: State) -> dict[str, Tensor]:
    """Bring patch merging from the first authors' order to mm's."""

    def move(tensor: Tensor) -> Tensor:
        cells = tensor.unflatten(-1, (4, -1))[..., _CELLS, :]  # (..., 4, C)
        return cells.transpose(-1, -2).flatten(-2)

    return change(state, _MERGING, move)


def merge_by_cell(state: State) -> dict[str, Tensor]:
    """Bring patch merging from mm's order to the first authors'."""

    def move(tensor: Tensor) -> Tensor:
        cells = tensor.unflatten(-1, (-1, 4)).transpose(-1, -2)  # (..., 4, C)
        return cells[..., _CELLS, :].flatten(-2)

    return change(state, _MERGING, move)


def change(state: State, which: re.Pattern, move: Callable) -> dict[str, Tensor]:
    """Apply a function to the tensors whose names fit a pattern."""
    return {n: move(t) if which.fullmatch(n) else t for n, t in state.items()}


def with_position_index(state: State) -> dict[str, Tensor]:
    """Give every window attention the index that its bias table implies."""
    made = {}
    for name, tensor in state.items():
        if not name.endswith('relative_position_index'):
            made[name] = tensor
        if name.endswith('relative_position_bias_table'):
            window = (round(len(tensor) ** 0.5) + 1) // 2
            index = name.replace('bias_table', 'index')
            made[index] = position_index(window)
    return made


def without_index(state: State) -> dict[str, Tensor]:
    """Leave out the index, which follows from the window's size."""
    return {n: t for n, t in state.items() if not n.endswith('relative_position_index')}
