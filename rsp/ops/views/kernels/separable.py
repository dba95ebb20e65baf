"""Filter the images of a batch along both axes, each by matrices of its own."""

import torch
from torch import Tensor


def filter_separably(
    images: Tensor, vertical: Tensor, horizontal: Tensor, dtype: torch.dtype
) -> Tensor:
    r"""Compute :math:`A X B^T` of every channel X of every image.

    Two batched matrix products, which a GPU's matrix units do as fast as its memory
    gives the pixels. The result lies line by line in memory, (N, H, C, W) seen as
    (N, C, H, W): there no product has to move anything, and operations on values keep
    that order.

    Args:
        images: Shape (N, C, h, w), any type and order of memory.
        vertical: A, shape (N, H, h), of type ``dtype``.
        horizontal: B, shape (N, W, w), of type ``dtype``.
        dtype: Of the products and the result.

    Returns:
        Shape (N, C, H, W).
    """
    count, channels, rows, columns = images.shape
    lines = images.transpose(1, 2)  # (N, h, C, w)
    lines = lines.to(dtype, memory_format=torch.contiguous_format).contiguous()
    lines = lines.view(count, rows * channels, columns) @ horizontal.mT
    lines = vertical @ lines.view(count, rows, -1)
    return lines.view(count, -1, channels, horizontal.shape[1]).transpose(1, 2)
