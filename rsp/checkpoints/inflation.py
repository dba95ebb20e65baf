"""Fitting the first layer of an RGB network to images of other bands."""

from collections.abc import Mapping

import torch
from torch import Tensor


def is_stem(kernel: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor is the first layer of an RGB network, for other bands.

    Args:
        kernel: The file's.
        wanted: The model's, of the same name.

    Returns:
        True for (D, 3, kh, kw) in place of (D, B, kh, kw).
    """
    return (
        kernel.ndim == wanted.ndim == 4
        and kernel.shape[1] == 3 != wanted.shape[1]
        and kernel[:, 0].shape == wanted[:, 0].shape
    )


def spread(kernel: Tensor, bands: int) -> Tensor:
    r"""Give every band the mean filter of red, green and blue.

    .. math::
        w'_b = \frac{3}{B}\,\frac{w_r + w_g + w_b}{3}

    so that the layer answers to an image of B equal bands as the old one to the grey
    image, and its activations keep their size. Bands that are red, green and blue lose
    what told them apart; the first steps of a training bring it back.

    Args:
        kernel: w, shape (D, 3, kh, kw).
        bands: B.

    Returns:
        Shape (D, B, kh, kw).
    """
    mean = kernel.sum(dim=1, keepdim=True, dtype=torch.float64) / bands
    return mean.to(kernel.dtype).expand(-1, bands, -1, -1).clone()


def inflate(
    found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Spread a file's RGB stem over the bands of a model.

    Args:
        found: The file's tensors by the model's names.
        wanted: The model's.

    Returns:
        The file's tensors, the stem's kernel in the model's shape, and what was done to
        which tensor; nothing where the model has three bands, too.
    """
    tensors, said = dict(found), []
    for name, kernel in found.items():
        if name in wanted and is_stem(kernel, wanted[name]):
            bands = wanted[name].shape[1]
            tensors[name] = spread(kernel, bands)
            said.append(f'{name} from 3 to {bands} bands')
    return tensors, tuple(said)
