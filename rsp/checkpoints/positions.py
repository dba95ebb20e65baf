"""Position embeddings for another number of cells."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from rsp.errors import UserError


def resize_positions(embedding: Tensor, side: int, extra: int = 1) -> Tensor:
    """Interpolate position embeddings, bicubic, as ViT does for other image sizes.

    Args:
        embedding: Shape (1, extra + h², C).
        side: Cells along a side afterwards, s.
        extra: Leading tokens that stand for no cell, such as the class token.

    Returns:
        Shape (1, extra + s², C); the very embedding if it has that size.

    Raises:
        ValueError: If the cells make no square.
    """
    tokens, cells = embedding[:, :extra], embedding[:, extra:]
    old = math.isqrt(cells.shape[1])
    if old * old != cells.shape[1]:
        raise UserError(
            f'expected position embeddings of a square of cells, got {cells.shape[1]}.'
        )
    if old == side:
        return embedding
    grid = cells.float().unflatten(1, (old, old)).permute(0, 3, 1, 2)  # (1, C, h, h)
    grid = F.interpolate(grid, size=(side, side), mode='bicubic', align_corners=False)
    cells = grid.permute(0, 2, 3, 1).flatten(1, 2).to(embedding.dtype)
    return torch.cat([tokens, cells], dim=1)
