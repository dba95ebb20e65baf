"""Describe ConvNeXts, version 1 and 2.

Libraries differ in names only; version 2 has a normalization of responses (GRN) in
place of layer scale.
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from rsp.checkpoints.families.family import (
    Family,
    KeyMapping,
    Rule,
    State,
    count_blocks,
    dashed,
)
from rsp.errors import UserError

BLOCK = r'stages\.(\d+)\.(\d+)\.depthwise_conv\.'
PLACES = ('depthwise_conv', 'norm', 'pointwise_conv1', 'pointwise_conv2')
SCALE = re.compile(r'stages\.\d+\.\d+\.(gamma|grn\.gamma|grn\.beta)')


def _rules(block: str, words: tuple[str, ...], *number: int) -> tuple[Rule, ...]:
    pairs = zip(words, PLACES, strict=True)
    return tuple(
        Rule(f'{block}.{a}', f'stages.{{s}}.{{b}}.{b}', *number) for a, b in pairs
    )


def _scales(shape: tuple[int, ...], state: State) -> dict[str, Tensor]:
    """Give factors per channel the shape that a library broadcasts."""
    return {n: t.reshape(shape) if SCALE.fullmatch(n) else t for n, t in state.items()}


def _flat(state: State) -> dict[str, Tensor]:
    return _scales((-1,), state)


class ConvNeXt(Family):
    """Describe ConvNeXt and ConvNeXt V2 of any size."""

    name = 'ConvNeXt'
    mappings = (
        KeyMapping(('mm',), r'stages\.\d+\.\d+\.depthwise_conv\.'),
        KeyMapping(
            ('timm',),
            r'stages\.\d+\.blocks\.\d+\.conv_dw\.',
            (
                Rule('stem.{b}', 'downsample_layers.0.{b}'),
                Rule('stages.{s}.downsample.{b}', 'downsample_layers.{s}.{b}'),
                *_rules(
                    'stages.{s}.blocks.{b}', ('conv_dw', 'norm', 'mlp.fc1', 'mlp.fc2')
                ),
                Rule('stages.{s}.blocks.{b}.gamma', 'stages.{s}.{b}.gamma'),
                Rule(
                    'stages.{s}.blocks.{b}.mlp.grn.weight', 'stages.{s}.{b}.grn.gamma'
                ),
                Rule('stages.{s}.blocks.{b}.mlp.grn.bias', 'stages.{s}.{b}.grn.beta'),
                Rule('head.norm', 'norm3'),
            ),
        ),
        KeyMapping(
            ('torchvision',),
            r'features\.\d+\.\d+\.layer_scale$',
            (
                Rule('features.{s}.{b}', 'downsample_layers.{s}.{b}', 2),
                *_rules(
                    'features.{s}.{b}', ('block.0', 'block.2', 'block.3', 'block.5'),
                    2, 1,
                ),
                Rule('features.{s}.{b}.layer_scale', 'stages.{s}.{b}.gamma', 2, 1),
                Rule('classifier.0', 'norm3'),
            ),
            _flat,
            lambda state: _scales((-1, 1, 1), state),
        ),
        KeyMapping(
            ('first authors',),
            r'stages\.\d+\.\d+\.dwconv\.',
            (
                *_rules('stages.{s}.{b}', ('dwconv', 'norm', 'pwconv1', 'pwconv2')),
                Rule('norm', 'norm3'),
            ),
            _flat,
        ),
    )  # fmt: skip
    keys = (
        r'(downsample_layers\.\d+\.[01]|norm\d|stages\.\d+\.\d+\.(depthwise_conv|norm'
        r'|pointwise_conv[12]))\.(weight|bias)|stages\.\d+\.\d+\.(gamma|grn\.gamma'
        r'|grn\.beta)'
    )

    def describe(self, state: State) -> str:
        version = ' V2' if 'stages.0.0.grn.gamma' in state else ''
        return f'ConvNeXt{version} with {dashed(count_blocks(state, BLOCK))} blocks'

    def config(
        self, state: State, settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        depths, stem = count_blocks(state, BLOCK), 'downsample_layers.0.0.weight'
        if len(depths) != 4 or stem not in state:
            raise UserError(
                f'expected a ConvNeXt of a stem and four stages, got '
                f'{dashed(depths)} blocks.'
            )
        kernels = [state[f'stages.{s}.0.depthwise_conv.weight'] for s in range(4)]
        return dict(
            type='mmpretrain.ConvNeXt',
            arch=dict(depths=list(depths), channels=[len(k) for k in kernels]),
            in_channels=state[stem].shape[1],
            stem_patch_size=state[stem].shape[-1],
            linear_pw_conv=state['stages.0.0.pointwise_conv1.weight'].ndim == 2,
            use_grn='stages.0.0.grn.gamma' in state,
            layer_scale_init_value=1e-6 * ('stages.0.0.gamma' in state),
            # A map in place of one vector per image.
            gap_before_final_norm=False,
        )

    def timm_model(self, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        # The second has no layer scale, for which timm's factory has no word.
        scaled = config['layer_scale_init_value']
        name = 'convnext_tiny' if scaled else 'convnextv2_tiny'
        arguments = dict(ls_init_value=scaled) if scaled else {}
        return name, arguments | dict(
            in_chans=config['in_channels'],
            patch_size=config['stem_patch_size'],
            depths=config['arch']['depths'],
            dims=config['arch']['channels'],
            conv_mlp=not config['linear_pw_conv'],
            use_grn=config['use_grn'],
        )

    def torchvision_network(
        self, config: Mapping[str, Any], **settings: Any
    ) -> nn.Module:
        from torchvision.models.convnext import CNBlockConfig
        from torchvision.models.convnext import ConvNeXt as TorchvisionConvNeXt

        if config['use_grn']:
            raise UserError('torchvision has no ConvNeXt V2; use timm.')
        widths, depths = config['arch']['channels'], config['arch']['depths']
        stages = [
            CNBlockConfig(width, wider, depth)
            for width, wider, depth in zip(
                widths, [*widths[1:], None], depths, strict=True
            )
        ]
        network = TorchvisionConvNeXt(stages, **settings)
        network.classifier[2] = nn.Identity()
        return network

    def find_places(self, network: nn.Module, mapping: KeyMapping) -> dict[str, str]:
        places = {}
        for name in network.state_dict():
            if stage := re.match(r'(stages\.\d+)\.0\.depth', mapping.rename(name)):
                places['.'.join(name.split('.')[:2])] = stage[1]
        return places

    def flatten(self, output: Tensor) -> Tensor:
        return output.flatten(2).transpose(1, 2)
