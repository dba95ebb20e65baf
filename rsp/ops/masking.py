"""Draw masks over the patches of an image and apply them to pixels and features."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsp.errors import UserError
from rsp.ops import check


def draw_mask(
    grid: tuple[int, int], ratio: float, rng: np.random.RandomState | None = None
) -> NDArray[np.uint8]:
    """Draw the patches to mask, every set of them equally likely.

    Args:
        grid: h, w, patches per column and row.
        ratio: Share to mask, 0 to 1.
        rng: Source of randomness; NumPy's global one if there is none, which is what
            loader workers and ``rsp.datasets.seeding`` seed.

    Returns:
        Shape (h, w), 1 where masked.

    Raises:
        UserError: If the ratio is outside 0 to 1.
    """
    check.between('a mask ratio', ratio, 0, 1)
    count = math.prod(grid)
    permutation = (rng or np.random).permutation(count)
    mask = np.zeros(count, dtype=np.uint8)
    # Rounded up as in SimMIM, https://arxiv.org/abs/2111.09886, and the official code
    # of CMID: 0.6 of 7 x 7 patches are 30 of 49.
    mask[permutation[: math.ceil(count * ratio)]] = 1
    return mask.reshape(grid)


def masks_of(uniforms: NDArray[np.float64], ratio: float) -> NDArray[np.uint8]:
    """Draw masks from uniform numbers, every set of patches equally likely.

    Args:
        uniforms: In [0, 1), one per patch, shape (N, h, w).
        ratio: Share to mask, 0 to 1; rounded up as in `draw_mask`.

    Returns:
        Shape (N, h, w), 1 where masked.
    """
    flat = uniforms.reshape(len(uniforms), -1)
    ranks = flat.argsort(1).argsort(1)
    masks = ranks < math.ceil(flat.shape[1] * ratio)
    return masks.astype(np.uint8).reshape(uniforms.shape)


def upsample_mask(mask: Tensor, size: Sequence[int]) -> Tensor:
    """Repeat every element of a mask, so that it covers a map or an image.

    Args:
        mask: Shape (N, h, w).
        size: H, W, multiples of h and w.

    Returns:
        Shape (N, H, W), constant in blocks of H/h x W/w.

    Raises:
        UserError: If the mask does not divide the size.
    """
    rows, columns = mask.shape[1:]
    if size[0] % rows or size[1] % columns:
        raise UserError(
            f'expected a map or image of a size divisible by the {rows} x {columns} '
            f'patches of its mask, got {size[0]} x {size[1]}; choose the image size '
            'as a multiple of the masked patch, and that as a multiple of the stride '
            "where the backbone adds its token ('size' and 'mask_patch_size' of "
            'rsp.MaskedTwoCrop).'
        )
    # Slower ways are repeat_interleave and kron, which copy once per axis.
    blocks = mask[:, :, None, :, None].expand(
        -1, -1, size[0] // rows, -1, size[1] // columns
    )
    return blocks.reshape(len(mask), *size)


def mean_color(images: Tensor) -> Tensor:
    """Average each channel over all pixels of an image, masked ones included.

    "RGB mean" of A2MIM, https://arxiv.org/abs/2205.13943.

    Args:
        images: Shape (N, C, H, W).

    Returns:
        Shape (N, C, 1, 1).
    """
    return images.mean(dim=(2, 3), keepdim=True)


def mask_fill(images: Tensor, mask: Tensor) -> Tensor:
    """Replace masked pixels by the image's mean color.

    Normalization being affine, filling before it gives the same up to rounding.

    Args:
        images: Shape (N, C, H, W).
        mask: Shape (N, h, w), 1 where masked; h divides H, w divides W.

    Returns:
        Shape (N, C, H, W); visible pixels are those of ``images``, bit for bit.
    """
    masked = upsample_mask(mask, images.shape[-2:])[:, None].bool()
    return torch.where(masked, mean_color(images), images)


def add_token(features: Tensor, token: Tensor, mask: Tensor) -> Tensor:
    """Add a learned vector to the masked places of a map.

    Args:
        features: Map (N, C, h, w).
        token: C numbers in any shape.
        mask: Shape (N, h', w'), 1 where masked; h' divides h, w' divides w.

    Returns:
        Shape (N, C, h, w).
    """
    # CMID, https://arxiv.org/abs/2304.09670, adds; SimMIM replaces the features.
    masked = upsample_mask(mask, features.shape[-2:])[:, None].to(features.dtype)
    return features + token.reshape(-1, 1, 1).to(features.dtype) * masked


def add_token_to_patches(
    patches: Tensor, token: Tensor, mask: Tensor, grid: Sequence[int]
) -> Tensor:
    """Add a learned vector to the embeddings of masked patches.

    Args:
        patches: Shape (N, h * w, C).
        token: C numbers in any shape.
        mask: Shape (N, h', w'), 1 where masked; h' divides h, w' divides w.
        grid: h and w, patches per column and row.

    Returns:
        Shape (N, h * w, C).
    """
    masked = upsample_mask(mask, grid).flatten(1)[..., None].to(patches.dtype)
    return patches + token.flatten().to(patches.dtype) * masked
