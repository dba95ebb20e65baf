"""Describe ResNets of a stem of three layers, ResNet-C and ResNet-D.

He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks",
2019: https://arxiv.org/abs/1812.01187. Their D also averages in shortcuts.
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from rsp.checkpoints.families.family import KeyMapping, Rule, State
from rsp.checkpoints.families.resnet import ResNet, averages
from rsp.errors import UserError

FIRST_SHORTCUT = re.compile(r'(layer1\.0\.downsample\.)(\d+)(\..+)')
STEM = tuple(
    f'stem.{number}.{layer}' for number in range(3) for layer in ('conv', 'bn')
)


def _move_first_shortcut(state: State, by: int) -> dict[str, Tensor]:
    """Count the layers of the first shortcut of a ResNet-D as another library does.

    It has no stride: mmpretrain leaves the averaging away there, others let it average
    one pixel, or be the identity.
    """

    def name_of(name: str) -> str:
        found = FIRST_SHORTCUT.fullmatch(name)
        return f'{found[1]}{int(found[2]) + by}{found[3]}' if found else name

    return {name_of(name): tensor for name, tensor in state.items()}


def _to_mm(state: State) -> dict[str, Tensor]:
    shifted = 'layer1.0.downsample.2.weight' in state
    return _move_first_shortcut(state, -1) if shifted else dict(state)


def _from_mm(state: State) -> dict[str, Tensor]:
    return _move_first_shortcut(state, 1) if averages(state) else dict(state)


def _mapping(libraries: tuple[str, ...], mark: str, names: str) -> KeyMapping:
    rules = tuple(map(Rule, names.split(), STEM))
    return KeyMapping(libraries, mark, rules, _to_mm, _from_mm)


class DeepStemResNet(ResNet):
    """Describe ResNetV1c and ResNetV1d of 18 to 152 layers, of any width."""

    name = 'ResNet-C, ResNet-D'
    mappings = (
        KeyMapping(('mm',), r'stem\.0\.conv\.'),
        _mapping(
            ('mmseg', 'mmdet', 'mmrotate'),
            r'stem\.3\.weight',
            'stem.0 stem.1 stem.3 stem.4 stem.6 stem.7',
        ),
        _mapping(
            ('timm',), r'conv1\.3\.', 'conv1.0 conv1.1 conv1.3 conv1.4 conv1.6 bn1'
        ),
    )
    keys = (
        r'(stem\.[012]\.(conv|bn)|layer\d+\.\d+\.(conv\d|bn\d|downsample\.\d+))'
        r'\.(weight|bias|running_mean|running_var|num_batches_tracked)'
    )

    def variant(self, state: State) -> str:
        return super().variant(state) + ('V1d' if averages(state) else 'V1c')

    def stem(self, state: State) -> dict[str, Any]:
        widths = [len(state[f'stem.{number}.conv.weight']) for number in range(3)]
        if widths[:2] != [widths[2] // 2] * 2:
            raise UserError(
                f'expected a stem of N/2, N/2 and N channels, got {widths}; load it by '
                'the library that made it.'
            )
        return dict(
            in_channels=state['stem.0.conv.weight'].shape[1],
            stem_channels=widths[2],
            deep_stem=True,
            avg_down=averages(state),
        )

    def timm_model(self, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        width = config['stem_channels']
        if config['base_channels'] != 64 or width not in (64, 128):
            raise UserError(
                'expected a ResNet of 64 channels in its first stage and 64 or 128 in '
                f'its stem, got {config["base_channels"]} and {width}.'
            )
        return f'resnet{config["depth"]}d', dict(
            in_chans=config['in_channels'],
            stem_width=width // 2,
            avg_down=config['avg_down'],
        )
