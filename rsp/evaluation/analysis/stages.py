"""Collect the maps of stem and stages of backbones of several families."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from rsp.errors import UserError

STAGES = ('stem', 'stage1', 'stage2', 'stage3', 'stage4')


def stage_maps(network: nn.Module, family: str, images: Tensor) -> dict[str, Tensor]:
    """Compute the maps of stem and stages; see `backbones.Encoder.maps`."""
    if family in ('ResNet', 'VGG'):
        return _convolutional(network, images)
    if family == 'ConvNeXt':
        return _convnext(network, images)
    return _transformer(network, images)


def stride(network: nn.Module, family: str, place: str) -> int:
    """Return the pixels from one position of a map to the next."""
    stage = STAGES.index(place)
    if family == 'VGG':
        return int(2 ** (stage + 1))
    if family in ('ResNet', 'Swin', 'ConvNeXt'):
        return int(4 * 2 ** max(0, stage - 1))
    return _patch_size(network)


def _convolutional(network: Any, images: Tensor) -> dict[str, Tensor]:
    stem: list[Tensor] = []
    if hasattr(network, 'maxpool'):
        hook = network.maxpool.register_forward_hook(lambda *call: stem.append(call[2]))
        try:
            stages = network(images)
        finally:
            hook.remove()
    else:
        first, *stages = network(images)
        stem.append(first)
    return dict(zip(STAGES, [*stem, *stages], strict=True))


def _convnext(network: Any, images: Tensor) -> dict[str, Tensor]:
    """Collect the maps before the last normalization, which may follow a pooling."""
    outputs: dict[str, Tensor] = {}
    places = [network.downsample_layers[0], *network.stages]
    handles = [
        module.register_forward_hook(
            lambda *call, place=place: outputs.update({place: call[2]})
        )
        for place, module in zip(STAGES, places, strict=True)
    ]
    try:
        network(images)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def _transformer(network: Any, images: Tensor) -> dict[str, Tensor]:
    """Collect what embedding, stages or blocks and the network itself return."""
    outputs: dict[str, Any] = {}
    with _Hooks(network, outputs):
        last = network(images)
    last = last[-1] if isinstance(last, tuple | list) else last
    height, width = _grid(network, images)
    maps = {}
    for place, output in outputs.items():
        # Swin returns its tokens with the size of the grid, ViT with extra tokens.
        tokens, size = output if isinstance(output, tuple) else (output, None)
        if tokens.ndim == 4:
            maps[place] = tokens.permute(0, 3, 1, 2)
            continue
        h, w = size if size is not None else (height, width)
        grid = tokens[:, tokens.shape[1] - h * w :]
        maps[place] = grid.transpose(1, 2).unflatten(2, (h, w))
    if last.ndim == 3:
        last = last[:, last.shape[1] - height * width :]
        last = last.transpose(1, 2).unflatten(2, (height, width))
    # Behind the final normalization, as it is used.
    return maps | {STAGES[-1]: last}


def _grid(network: Any, images: Tensor) -> tuple[int, int]:
    patch = _patch_size(network)
    return images.shape[2] // patch, images.shape[3] // patch


def _patch_size(network: Any) -> int:
    kernels: Any = network.patch_embed.parameters()
    return next(kernel.shape[-1] for kernel in kernels if kernel.ndim == 4)


class _Hooks:
    """Keep outputs of the embedding and of the ends of the first three stages."""

    def __init__(self, network: Any, outputs: dict[str, Any]) -> None:
        self.handles = []
        for place, module in _places(network):
            self.handles.append(
                module.register_forward_hook(_keep(outputs, place), with_kwargs=True)
            )
        for module in network.modules():
            if hasattr(module, 'pad_small_map') and hasattr(module, 'shift_size'):
                self.handles.append(module.register_forward_pre_hook(_pad_if_small))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        for handle in self.handles:
            handle.remove()


def _places(network: Any) -> Iterator[tuple[str, nn.Module]]:
    yield STAGES[0], network.patch_embed
    if hasattr(network, 'stages'):
        ends = list(network.stages)
    else:
        blocks = network.layers if hasattr(network, 'layers') else network.blocks
        ends = [blocks[len(blocks) * n // 4 - 1] for n in range(1, 5)]
        if len(blocks) < 4:
            raise UserError(
                f'expected four stages, or four blocks at least, got {len(blocks)} '
                f'blocks in {type(network).__name__}; it has no stages to compare.'
            )
    yield from zip(STAGES[1:-1], ends[:-1], strict=True)


def _keep(outputs: dict[str, Any], place: str) -> Any:
    def hook(module: nn.Module, inputs: Any, options: Any, output: Any) -> None:
        # A stage of Swin merges patches at its end, which belong to the next one.
        merging = getattr(module, 'downsample', None)
        if merging is not None and options.get('do_downsample', True):
            raise AssertionError('the network merges patches inside its stages')
        outputs[place] = output

    return hook


def _pad_if_small(module: Any, inputs: tuple) -> None:
    # As in training where a map is one window; padded where it is smaller, which
    # mmpretrain refuses otherwise.
    module.pad_small_map = min(inputs[1]) < module.window_size
