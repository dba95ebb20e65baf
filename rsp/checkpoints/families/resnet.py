"""Describe ResNets; torchvision, timm and the mm-libraries name them alike."""

from collections.abc import Mapping
from typing import Any, ClassVar

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

# (blocks per stage, bottleneck blocks) -> depth
DEPTHS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}
LAYERS = ('conv1', 'bn1', 'conv2', 'bn2', 'conv3', 'bn3', 'downsample.0',
          'downsample.1')  # fmt: skip
BLOCK = r'layer(\d+)\.(\d+)\.conv1\.'


class ResNet(Family):
    """Describe ResNet-18 to 152, of any width."""

    name = 'ResNet'
    mappings: ClassVar[tuple[KeyMapping, ...]] = (
        KeyMapping(('mm', 'torchvision', 'timm'), r'layer1\.0\.conv1\.'),
        # The children of torchvision's in a row, as lightly's examples take them.
        KeyMapping(
            ('a sequence of layers',),
            r'4\.0\.conv1\.',
            (
                Rule('0', 'conv1'),
                Rule('1', 'bn1'),
                *(
                    Rule(f'{{s}}.{{b}}.{layer}', f'layer{{s}}.{{b}}.{layer}', offset=3)
                    for layer in LAYERS
                ),
            ),
        ),
    )
    keys = (
        r'(conv1|bn1|layer\d+\.\d+\.(conv\d|bn\d|downsample\.\d+))'
        r'\.(weight|bias|running_mean|running_var|num_batches_tracked)'
    )

    settings = dict(
        strides=[1, 2, 2, 2],
        dilations=[1, 1, 1, 1],
        # Of a bottleneck the 3x3 convolution has the stride; in 'caffe' the first.
        style='pytorch',
    )
    types = ('ResNet', 'ResNetV1c', 'ResNetV1d', 'MaskedResNet')

    def describe(self, state: State) -> str:
        blocks = count_blocks(state, BLOCK)
        depth = DEPTHS.get((blocks, any('.conv3.' in name for name in state)))
        name = self.variant(state)
        return f'{name}-{depth}' if depth else f'{name} with {dashed(blocks)} blocks'

    def variant(self, state: State) -> str:
        """Name the variant of a ResNet; of these ``config`` builds ``name`` alone."""
        middle = state.get('layer1.0.conv2.weight')
        last = state.get('layer1.0.conv3.weight')
        if middle is None or last is None:
            return 'ResNet'
        if middle.shape[0] != middle.shape[1]:
            return 'ResNeXt'
        return 'ResNet' if len(last) == 4 * len(middle) else 'wide ResNet'

    def known(self, config: Mapping[str, Any]) -> dict[str, Any]:
        found = super().known(config)
        # mmseg's and mmdet's: the first block of a stage is dilated by half.
        contracted = config.get('contract_dilation')
        if contracted and max(found.get('dilations', [1])) > 1:
            found['contract_dilation'] = True
        return found

    def config(
        self, state: State, settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        settings = self.standard(state) | dict(settings or {})
        if settings.pop('contract_dilation', False):
            raise UserError(
                'expected a ResNet whose stages have one dilation each, got '
                f'contract_dilation=True with dilations {settings["dilations"]}; '
                'load it in mmseg or mmdet, under its own config.'
            )
        blocks = count_blocks(state, BLOCK)
        depth = DEPTHS.get((blocks, 'layer1.0.conv3.weight' in state))
        variant = self.variant(state)
        if depth is None or variant.split('V1')[0] != 'ResNet':
            raise UserError(
                f'expected a plain ResNet of depth {sorted(set(DEPTHS.values()))}, got '
                f'a {variant} with {dashed(blocks)} blocks; load it by the library '
                'that made it.'
            )
        return dict(
            type='mmpretrain.ResNet',
            depth=depth,
            **self.stem(state),
            base_channels=state['layer1.0.conv1.weight'].shape[0],
            out_indices=(0, 1, 2, 3),
            **settings,
        )

    def stem(self, state: State) -> dict[str, Any]:
        """Return what the config says of the stem and of the shortcuts."""
        if 'conv1.weight' not in state:
            raise UserError(f'expected a {self.name}, got one with another stem.')
        width, bands = state['conv1.weight'].shape[:2]
        averaged = dict(avg_down=True) if averages(state) else {}
        return dict(in_channels=bands, stem_channels=width, **averaged)

    def timm_model(self, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        _refuse_other_widths(config)
        return f'resnet{config["depth"]}', dict(in_chans=config['in_channels'])

    def torchvision_network(
        self, config: Mapping[str, Any], **settings: Any
    ) -> nn.Module:
        from torchvision.models import resnet

        network = resnet.ResNet(*_blocks(config, resnet), **settings)
        network.fc = nn.Identity()
        return network

    def find_places(self, network: nn.Module, mapping: KeyMapping) -> dict[str, str]:
        stages = [f'layer{number}' for number in range(1, 5)]
        return {name: name for name in stages if hasattr(network, name)}

    def flatten(self, output: Tensor) -> Tensor:
        return output.flatten(2).transpose(1, 2)


def averages(state: State) -> bool:
    """Return True if shortcuts halve by averaging (ResNet-D's), not by strides."""
    return 'layer2.0.downsample.2.weight' in state


def _refuse_other_widths(config: Mapping[str, Any]) -> None:
    if config.get('avg_down'):
        raise UserError(
            'expected a ResNet whose shortcuts have strides, got avg_down=True below '
            'a stem of one layer, which is in mmpretrain alone.'
        )
    if (config['base_channels'], config['stem_channels']) != (64, 64):
        raise UserError(
            'expected a ResNet of 64 channels in stem and first stage, got '
            f'{config["stem_channels"]} and {config["base_channels"]}.'
        )


def _blocks(config: Mapping[str, Any], library: Any) -> Any:
    """Return the class of the blocks and their number in each stage."""
    _refuse_other_widths(config)
    [(blocks, deep)] = [k for k, depth in DEPTHS.items() if depth == config['depth']]
    return (library.Bottleneck if deep else library.BasicBlock), list(blocks)
