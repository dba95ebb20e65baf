"""Skip and freeze the stages of a backbone that no head reads."""

import itertools
from collections.abc import Iterator, Sequence

from mmpretrain.models import ResNet, SwinTransformer
from torch import nn


def freeze_unused_stages(backbone: nn.Module, read: Sequence[int]) -> list[str]:
    """Keep the stages after the last one that is read, but neither run nor train them.

    A backbone built without them would refuse a pre-trained file, of which every tensor
    shall have its place; one that runs them wastes their cost, and their parameters,
    which no gradient reaches, stop DistributedDataParallel. So they stay in the state
    dict, as loaded, without gradient.

    Args:
        backbone: Changed in place; afterwards it returns the maps up to the last one
            that is read. Only mmpretrain's ResNet and SwinTransformer are known, others
            stay as they are.
        read: Places in ``out_indices`` of the maps that are read; a negative one counts
            from the last map, so that none may be dropped.

    Returns:
        Names of the frozen modules.
    """
    if not isinstance(backbone, ResNet | SwinTransformer):
        return []
    outs = backbone.out_indices
    last = max(outs) if min(read) < 0 else max(outs[index] for index in read)
    if isinstance(backbone, ResNet):
        frozen = list(backbone.res_layers[last + 1 :])
        backbone.res_layers = backbone.res_layers[: last + 1]
    else:
        late = range(last + 1, len(backbone.stages))
        frozen = [f'stages.{i}' for i in late]
        frozen += [f'norm{i}' for i in late if hasattr(backbone, f'norm{i}')]
        if late and not backbone.out_after_downsample:
            # Prepares the next stage, after the map of this one has been taken.
            frozen.append(f'stages.{last}.downsample')
        backbone.stages = LeadingModules(backbone.stages, last + 1)
    for name in frozen:
        backbone.get_submodule(name).requires_grad_(False)
    return frozen


class LeadingModules(nn.ModuleList):
    """Loop over the first modules of a list, and keep all.

    Args:
        modules: All of them.
        running: Number of modules in a loop.
    """

    def __init__(self, modules: nn.ModuleList, running: int) -> None:
        super().__init__(modules)
        self.running = running

    def __iter__(self) -> Iterator[nn.Module]:
        return itertools.islice(super().__iter__(), self.running)
