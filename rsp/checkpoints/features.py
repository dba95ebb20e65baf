"""What a network computes at the end of its stages, whatever library it is of."""

import re
from typing import Any

import torch
from torch import Tensor, nn

from rsp.checkpoints.naming import Naming

_BLOCKS = dict(Swin=r'stages\.\d+\.blocks\.\d+', ViT=r'layers\.\d+')


def feature_maps(
    network: nn.Module, naming: Naming, image: Tensor
) -> dict[str, Tensor]:
    """Run a network and collect its maps.

    Args:
        network: Of a family of `rsp.checkpoints.naming`; switched to evaluation.
        naming: Its names.
        image: Shape (N, C, H, W).

    Returns:
        By mmpretrain's name of the place: shape (N, positions, channels).
    """
    places = _places(network, naming)
    maps: dict[str, Tensor] = {}

    def keep(place: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            maps[place] = _as_tokens(output, naming.family)

        return hook

    modules = dict(network.named_modules())
    handles = [
        modules[name].register_forward_hook(keep(place))
        for name, place in places.items()
    ]
    network.eval()
    try:
        with torch.no_grad():
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    return maps


def _places(network: nn.Module, naming: Naming) -> dict[str, str]:
    """Modules whose outputs are compared, with mmpretrain's names of the places."""
    modules = dict(network.named_modules())
    if naming.family == 'VGG':
        # Poolings end the stages, and are numbered differently.
        poolings = [n for n, m in modules.items() if isinstance(m, nn.MaxPool2d)]
        return {name: f'stage{number}' for number, name in enumerate(poolings)}
    return {name: place for name in modules if (place := _place(name, naming))}


def _place(module: str, naming: Naming) -> str:
    """Mmpretrain's name of a module whose output is compared; '' for all others."""
    if naming.family == 'ResNet':
        return module if re.fullmatch(r'layer\d', module) else ''
    for word in ('norm1', 'ln_1', 'ln1'):
        norm = naming.name_in(f'{module}.{word}.weight')
        block = re.sub(r'\.(norm1|ln1)\.weight$', '', norm)
        if re.fullmatch(_BLOCKS[naming.family], block):
            return block
    final = naming.name_in(f'{module}.weight')
    last = {'Swin': 'norm3.weight', 'ViT': 'ln1.weight'}[naming.family]
    return final.removesuffix('.weight') if final == last else ''


def _as_tokens(output: Tensor, family: str) -> Tensor:
    if family in ('ResNet', 'VGG'):
        return output.flatten(2).transpose(1, 2)
    return output.flatten(1, -2)
