"""Fit tensors to images of another size or of other bands."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsp.errors import UserError


def resize_pos_embed(
    embedding: Tensor, side: int, num_tokens: int = 1, antialias: bool = False
) -> Tensor:
    """Interpolate position embeddings, bicubic, as ViT does for other image sizes.

    Args:
        embedding: Shape (1, num_tokens + h², C).
        side: Patches along a side afterwards, s.
        num_tokens: Leading tokens that stand for no patch, such as the class token.
        antialias: Filter before shrinking, as timm does.

    Returns:
        Shape (1, num_tokens + s², C); the very embedding if it has that size.

    Raises:
        UserError: If the patches make no square.
    """
    tokens, patches = embedding[:, :num_tokens], embedding[:, num_tokens:]
    old = math.isqrt(patches.shape[1])
    if old * old != patches.shape[1]:
        raise UserError(
            'expected position embeddings of a square of patches, got '
            f'{patches.shape[1]}.'
        )
    if old == side:
        return embedding
    grid = patches.float().unflatten(1, (old, old)).permute(0, 3, 1, 2)  # (1, C, h, h)
    grid = F.interpolate(grid, (side, side), mode='bicubic', antialias=antialias)
    patches = grid.permute(0, 2, 3, 1).flatten(1, 2).to(embedding.dtype)
    return torch.cat([tokens, patches], dim=1)


def is_rgb_stem(kernel: Tensor, wanted: Tensor) -> bool:
    """Return True if a kernel is the first layer of an RGB network, for other bands.

    Args:
        kernel: Of the file.
        wanted: Of the model, of the same name.

    Returns:
        True for (D, 3, kh, kw) in place of (D, B, kh, kw).
    """
    return (
        kernel.ndim == wanted.ndim == 4
        and kernel.shape[1] == 3 != wanted.shape[1]
        and kernel[:, 0].shape == wanted[:, 0].shape
    )


def adapt_input_conv(kernel: Tensor, in_channels: int) -> Tensor:
    r"""Give every band the mean filter of red, green and blue.

    .. math::
        w'_b = \frac{3}{B}\,\frac{w_r + w_g + w_b}{3}

    so that the layer answers to an image of B equal bands as the old one to the gray
    image, and its activations keep their size. Bands that are red, green and blue lose
    what told them apart; the first steps of a training bring it back.

    Args:
        kernel: w, shape (D, 3, kh, kw).
        in_channels: B.

    Returns:
        Shape (D, B, kh, kw).
    """
    mean = kernel.sum(dim=1, keepdim=True, dtype=torch.float64) / in_channels
    return mean.to(kernel.dtype).expand(-1, in_channels, -1, -1).clone()


def inflate_stem(
    found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Adapt a file's RGB stem to the bands of a model.

    Args:
        found: The file's tensors by the model's names.
        wanted: The model's.

    Returns:
        The file's tensors, the stem's kernel in the model's shape, and what was done to
        which tensor; nothing where the model has three bands, too.
    """
    tensors, done = dict(found), []
    for name, kernel in found.items():
        if name in wanted and is_rgb_stem(kernel, wanted[name]):
            bands = wanted[name].shape[1]
            tensors[name] = adapt_input_conv(kernel, bands)
            done.append(f'{name} from 3 to {bands} bands')
    return tensors, tuple(done)


def set_input_bands(network: nn.Module, bands: int) -> None:
    """Give an untrained network a first convolution for images of so many bands.

    Args:
        network: Of any library; changed in place where its bands are others.
        bands: B.
    """
    layers = network.named_modules()
    first = next(((n, m) for n, m in layers if isinstance(m, nn.Conv2d)), None)
    if first is None or first[1].in_channels == bands:
        return
    name, layer = first
    parent, _, own = name.rpartition('.')
    stem = nn.Conv2d(
        bands,
        layer.out_channels,
        layer.kernel_size,  # type: ignore[arg-type]
        layer.stride,  # type: ignore[arg-type]
        layer.padding,  # type: ignore[arg-type]
        bias=layer.bias is not None,
    )
    setattr(network.get_submodule(parent), own, stem)
