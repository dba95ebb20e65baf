"""Masks over square cells of an image: drawing, enlarging, filling, averaging."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsp.errors import UserError


def draw_mask(
    cells: tuple[int, int], ratio: float, rng: np.random.RandomState | None = None
) -> NDArray[np.uint8]:
    """Choose cells to hide, every set of them equally likely.

    The count is rounded up, as in SimMIM (https://arxiv.org/abs/2111.09886) and the
    official CMID code: 0.6 of 7 x 7 cells are 30 of 49.

    Args:
        cells: h, w, cells per column and row.
        ratio: Share to hide, 0 to 1.
        rng: Source of randomness; NumPy's global one if there is none, which is what
            loader workers and ``rsp.datasets.seeding`` seed.

    Returns:
        Shape (h, w), 1 where hidden.

    Raises:
        ValueError: If the ratio is outside 0 to 1.
    """
    if not 0 <= ratio <= 1:
        raise UserError(f'expected a mask ratio between 0 and 1, got {ratio}.')
    count = math.prod(cells)
    permutation = (rng or np.random).permutation(count)
    mask = np.zeros(count, dtype=np.uint8)
    mask[permutation[: math.ceil(count * ratio)]] = 1
    return mask.reshape(cells)


def enlarge(mask: Tensor, size: Sequence[int]) -> Tensor:
    """Repeat every cell of a mask, so that it covers a map or an image.

    Args:
        mask: Shape (N, h, w).
        size: H, W, multiples of h and w.

    Returns:
        Shape (N, H, W), constant in blocks of H/h x W/w.

    Raises:
        ValueError: If the cells do not divide the size.
    """
    rows, columns = mask.shape[1:]
    if size[0] % rows or size[1] % columns:
        raise UserError(
            f'expected a map or image of a size divisible by the {rows} x {columns} '
            f'cells of its mask, got {size[0]} x {size[1]}; choose the image size as a '
            'multiple of the mask cell, and the cell as a multiple of the stride where '
            "the backbone adds its token ('size' and 'cell' of rsp.MaskedTwoCrop)."
        )
    # Slower ways are repeat_interleave and kron, which copy once per axis.
    blocks = mask[:, :, None, :, None].expand(
        -1, -1, size[0] // rows, -1, size[1] // columns
    )
    return blocks.reshape(len(mask), *size)


def mean_colour(images: Tensor) -> Tensor:
    """Mean of each channel over all pixels of an image, hidden ones included.

    "RGB mean" of A2MIM, https://arxiv.org/abs/2205.13943.

    Args:
        images: Shape (N, C, H, W).

    Returns:
        Shape (N, C, 1, 1).
    """
    return images.mean(dim=(2, 3), keepdim=True)


def fill(images: Tensor, mask: Tensor) -> Tensor:
    """Replace hidden pixels by the image's mean colour.

    Normalisation being affine, filling before it gives the same up to rounding.

    Args:
        images: Shape (N, C, H, W).
        mask: Shape (N, h, w), 1 where hidden; h divides H, w divides W.

    Returns:
        Shape (N, C, H, W); visible pixels are those of ``images``, bit for bit.
    """
    hidden = enlarge(mask, images.shape[-2:])[:, None].bool()
    return torch.where(hidden, mean_colour(images), images)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over hidden pixels and all channels.

    The divisor is larger by 1e-5 pixels, as in the official code, so that a mask
    without hidden pixels gives 0.

    Args:
        values: Shape (N, C, H, W).
        mask: Shape (N, H, W), 1 where hidden.

    Returns:
        Scalar, unit of the values.
    """
    weight = mask[:, None].to(values.dtype)
    return (values * weight).sum() / (weight.sum() + 1e-5) / values.shape[1]


def add_token(features: Tensor, token: Tensor, mask: Tensor) -> Tensor:
    """Add a learned vector where cells are hidden.

    CMID's rule; SimMIM replaces the features instead.

    Args:
        features: Map (N, C, h, w).
        token: C numbers in any shape.
        mask: Shape (N, h', w'), 1 where hidden; h' divides h, w' divides w.

    Returns:
        Shape (N, C, h, w).
    """
    hidden = enlarge(mask, features.shape[-2:])[:, None].to(features.dtype)
    return features + token.reshape(-1, 1, 1).to(features.dtype) * hidden


def add_token_to_patches(
    patches: Tensor, token: Tensor, mask: Tensor, grid: Sequence[int]
) -> Tensor:
    """Add a learned vector to the embeddings of patches in hidden cells.

    Args:
        patches: Shape (N, h * w, C).
        token: C numbers in any shape.
        mask: Shape (N, h', w'), 1 where hidden; h' divides h, w' divides w.
        grid: h and w, patches per column and row.

    Returns:
        Shape (N, h * w, C).
    """
    hidden = enlarge(mask, grid).flatten(1)[..., None].to(patches.dtype)
    return patches + token.flatten().to(patches.dtype) * hidden
