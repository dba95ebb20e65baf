"""Describe VGGs.

torchvision counts every convolution, batch norm, ReLU and pooling; the mm-libraries
count a convolution with its norm and ReLU as one, and every pooling.
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from rsp.checkpoints.families.family import Family, KeyMapping, State, count_blocks
from rsp.errors import UserError

DEPTHS = (11, 13, 16, 19)
LAYER = re.compile(r'features\.(?P<layer>\d+)\.(?P<leaf>\w+)')
BLOCK = re.compile(r'features\.(?P<layer>\d+)\.(?P<kind>conv|bn)\.(?P<leaf>\w+)')


def blocks_from_layers(state: State) -> dict[str, Tensor]:
    """Change torchvision's names to the mm-libraries'; other names stay."""
    found = _found(LAYER, state)
    kernels = sorted(int(m['layer']) for m in found if state[m.group()].ndim == 4)
    # A norm, if any, and a ReLU follow a kernel; a larger step means a pooling.
    step = 2 + any(m['leaf'] == 'running_mean' for m in found)
    blocks, block = {}, 0
    for number, layer in enumerate(kernels):
        if number:
            block += 1 + (layer - kernels[number - 1] > step)
        blocks[layer] = block
    renamed = {}
    for name, tensor in state.items():
        match = LAYER.fullmatch(name)
        layer = int(match['layer']) if match else -1
        if match and layer in blocks:
            name = f'features.{blocks[layer]}.conv.{match["leaf"]}'
        elif match and layer - 1 in blocks:
            name = f'features.{blocks[layer - 1]}.bn.{match["leaf"]}'
        renamed[name] = tensor
    return renamed


def layers_from_blocks(state: State) -> dict[str, Tensor]:
    """Change the mm-libraries' names to torchvision's."""
    places = _found(BLOCK, state)
    step = 2 + any(m['kind'] == 'bn' for m in places)
    layers, layer, before = {}, 0, -1
    for block in sorted({int(m['layer']) for m in places}):
        layer += block - before - 1  # poolings
        layers[block] = layer
        layer, before = layer + step, block
    renamed = {}
    for name, tensor in state.items():
        if match := BLOCK.fullmatch(name):
            layer = layers[int(match['layer'])] + (match['kind'] == 'bn')
            name = f'features.{layer}.{match["leaf"]}'
        renamed[name] = tensor
    return renamed


def _found(pattern: re.Pattern, state: State) -> list[re.Match]:
    return [match for name in state if (match := pattern.fullmatch(name))]


class VGG(Family):
    """Describe VGG-11 to 19, with and without batch norm."""

    name = 'VGG'
    mappings = (
        KeyMapping(('mm',), r'features\.0\.conv\.'),
        # Every depth has a convolution there, AlexNet and SqueezeNet have none.
        KeyMapping(
            ('torchvision',),
            r'features\.1[5-9]\.weight$',
            reorder_to_mm=blocks_from_layers,
            reorder_from_mm=layers_from_blocks,
        ),
    )
    keys = (
        r'features\.\d+\.(conv\.(weight|bias)'
        r'|bn\.(weight|bias|running_mean|running_var|num_batches_tracked))'
    )

    settings = dict(dilations=[1, 1, 1, 1, 1], ceil_mode=False)
    types = ('VGG',)

    def describe(self, state: State) -> str:
        normed = any('.bn.' in name for name in state)
        return f'VGG-{_depth(state)}{" with batch norm" if normed else ""}'

    def config(
        self, state: State, settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        if _depth(state) not in DEPTHS:
            raise UserError(
                f'expected a VGG of depth {sorted(DEPTHS)}, got one with '
                f'{_depth(state) - 3} convolutions.'
            )
        return dict(
            type='rsp.VGG',
            depth=_depth(state),
            in_channels=state['features.0.conv.weight'].shape[1],
            norm_cfg=dict(type='BN') if 'features.0.bn.weight' in state else None,
            out_indices=(0, 1, 2, 3, 4),
            **self.standard(state) | dict(settings or {}),
        )

    def torchvision_network(
        self, config: Mapping[str, Any], **settings: Any
    ) -> nn.Module:
        from torchvision.models import vgg

        suffix = '_bn' if config['norm_cfg'] else ''
        build = getattr(vgg, f'vgg{config["depth"]}{suffix}')
        network = build(**dict(init_weights=False) | settings)
        network.classifier = nn.Identity()
        return network

    def find_places(self, network: nn.Module, mapping: KeyMapping) -> dict[str, str]:
        # Poolings end the stages, and are numbered differently.
        modules = network.named_modules()
        poolings = [name for name, m in modules if isinstance(m, nn.MaxPool2d)]
        return {name: f'stage{number}' for number, name in enumerate(poolings)}

    def flatten(self, output: Tensor) -> Tensor:
        return output.flatten(2).transpose(1, 2)


def _depth(state: State) -> int:
    # VGG-16 counts three dense layers, too, which are not part of a backbone.
    return count_blocks(state, r'(features)\.(\d+)\.conv\.')[0] + 3
