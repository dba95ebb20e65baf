"""Map which places the attention of Swin and plain vision transformers goes to."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import Encoder
from rsp.evaluation.analysis.stages import STAGES


def attention_map(encoder: Encoder, pixels: np.ndarray, stage: int = 4) -> np.ndarray:
    """Compute the attention that each position gets, mean of all heads.

    Of a vision transformer it is that of the class token in the last block, as in
    DINO's figures, https://arxiv.org/abs/2104.14294, or without one that of all
    patches. Of a Swin it is what the patches of a window give each other in the last
    block of a stage, every window for itself. CMID's figure takes the first query alone
    of the first block of the last stage, https://arxiv.org/abs/2304.09670: a query
    that stands for no other.

    Args:
        encoder: Of the family Swin or a plain vision transformer.
        pixels: Shape (H, W, C), see `Encoder.read`.
        stage: Of a Swin, 1 to 4.

    Returns:
        Shape (h, w), 1 where a position gets what even attention would give it.

    Raises:
        UserError: If it has no attention that can be shown.
    """
    images = encoder.prepare([pixels])
    if encoder.family in ('ResNet', 'VGG', 'ConvNeXt'):
        raise UserError(
            f"expected a Swin or a vision transformer, '{encoder.source}' is a "
            f'{encoder.architecture}, which has no attention; take `rsp analyze cam`.'
        )
    with torch.no_grad():
        if hasattr(encoder.network, 'stages'):
            found = _swin(encoder, images, stage)
        else:
            found = _plain(encoder, images)
    return found.float().numpy()


def _swin(encoder: Encoder, images: Tensor, stage: int) -> Tensor:
    blocks: Any = encoder.network.stages
    layer = blocks[stage - 1].blocks[-1].attn
    seen: dict[str, Any] = {}
    handles = [
        layer.register_forward_pre_hook(lambda _, call: seen.update(size=call[1])),
        layer.w_msa.softmax.register_forward_hook(
            lambda module, call, weights: seen.update(weights=weights)
        ),
    ]
    try:
        encoder.maps(images)
    finally:
        for handle in handles:
            handle.remove()
    height, width = seen['size']
    window = layer.window_size
    # (windows, heads, queries, keys): what each key gets, 1 if all get the same.
    gets = seen['weights'].mean(dim=(1, 2)) * window**2
    rows, columns = -(-height // window), -(-width // window)
    grid = gets.view(rows, columns, window, window).transpose(1, 2)
    grid = grid.reshape(rows * window, columns * window)
    if layer.shift_size and min(height, width) != window:
        grid = grid.roll((layer.shift_size,) * 2, dims=(0, 1))
    return grid[:height, :width]


def _plain(encoder: Encoder, images: Tensor) -> Tensor:
    network: Any = encoder.network
    blocks = network.layers if hasattr(network, 'layers') else network.blocks
    layer, seen = blocks[-1].attn, []
    if 'rope' in type(layer).__name__.lower() or not hasattr(layer, 'qkv'):
        raise _unknown(encoder, layer)
    if any(hasattr(network, name) for name in ('rope', 'pos_embed_rope')):
        raise _unknown(encoder, layer)
    handle = layer.register_forward_pre_hook(lambda _, call: seen.append(call[0]))
    try:
        height, width = encoder.maps(images)[STAGES[-1]].shape[2:]
    finally:
        handle.remove()
    [tokens] = seen  # (1, L, C)
    queries, keys, _ = (
        layer.qkv(tokens)[0].unflatten(1, (3, layer.num_heads, -1)).unbind(1)
    )
    for name in ('q_norm', 'k_norm'):
        if not isinstance(getattr(layer, name, nn.Identity()), nn.Identity):
            raise _unknown(encoder, layer)
    products = torch.einsum('qhd,khd->hqk', queries, keys)
    weights = (products / queries.shape[-1] ** 0.5).softmax(dim=-1).mean(dim=0)
    patches = height * width
    first = len(weights) - patches  # behind class token and registers
    asking = weights[:1] if first else weights
    gets = asking.mean(dim=0)[first:]
    return (gets * patches / gets.sum()).view(height, width)


def _unknown(encoder: Encoder, layer: nn.Module) -> UserError:
    return UserError(
        f"the attention of '{encoder.source}' ({type(layer).__name__}, with rotary "
        'positions or normalized queries) is none of those that can be shown; take '
        '`rsp analyze cam`.'
    )
