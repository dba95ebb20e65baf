"""How libraries number the layers of a VGG.

torchvision counts every convolution, batch norm, ReLU and pooling; mmpretrain counts a
convolution with its norm and ReLU as one, and every pooling.
"""

import re
from collections.abc import Mapping

from torch import Tensor

_THEIRS = re.compile(r'features\.(?P<layer>\d+)\.(?P<leaf>\w+)')
_OURS = re.compile(r'features\.(?P<layer>\d+)\.(?P<kind>conv|bn)\.(?P<leaf>\w+)')


def blocks_from_layers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Change torchvision's names to mmpretrain's; other names stay as they are."""
    kernels = [int(m['layer']) for m in _found(_THEIRS, state) if _is_kernel(m, state)]
    # Behind a kernel come its norm, if any, and its ReLU. What is more is a pooling.
    step = 2 + any(m['leaf'] == 'running_mean' for m in _found(_THEIRS, state))
    blocks, block = {}, 0
    for number, layer in enumerate(sorted(kernels)):
        if number:
            gap = layer - sorted(kernels)[number - 1]
            block += 1 + (gap > step)
        blocks[layer] = block
    renamed = {}
    for name, tensor in state.items():
        match = _THEIRS.fullmatch(name)
        layer = int(match['layer']) if match else -1
        if match and layer in blocks:
            name = f'features.{blocks[layer]}.conv.{match["leaf"]}'
        elif match and layer - 1 in blocks:
            name = f'features.{blocks[layer - 1]}.bn.{match["leaf"]}'
        renamed[name] = tensor
    return renamed


def layers_from_blocks(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The reverse of `blocks_from_layers`."""
    places = _found(_OURS, state)
    step = 2 + any(m['kind'] == 'bn' for m in places)
    layers, layer, before = {}, 0, -1
    for block in sorted({int(m['layer']) for m in places}):
        poolings = block - before - 1
        layer += poolings
        layers[block] = layer
        layer, before = layer + step, block
    renamed = {}
    for name, tensor in state.items():
        if match := _OURS.fullmatch(name):
            layer = layers[int(match['layer'])] + (match['kind'] == 'bn')
            name = f'features.{layer}.{match["leaf"]}'
        renamed[name] = tensor
    return renamed


def _found(pattern: re.Pattern, state: Mapping[str, Tensor]) -> list[re.Match]:
    return [match for name in state if (match := pattern.fullmatch(name))]


def _is_kernel(match: re.Match, state: Mapping[str, Tensor]) -> bool:
    return state[match.group()].ndim == 4
