"""Recognising a backbone by the names of its tensors."""

import re
from collections.abc import Iterable

# (blocks per stage, bottleneck blocks) -> depth
_RESNETS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}


def guess_architecture(names: Iterable[str]) -> str:
    """Say what a backbone seems to be, e.g. ``'ResNet-50'``.

    A guess for the reader of a report: it rests on mmpretrain's names alone, so that
    variants of the same layout (ResNet-50-D, wide) look the same.

    Args:
        names: Tensors of the backbone, without ``backbone.``.
    """
    names = set(names)
    if blocks := _count(names, r'layer(\d+)\.(\d+)\.conv1\.'):
        bottleneck = any('.conv3.' in name for name in names)
        depth = _RESNETS.get((blocks, bottleneck))
        return f'ResNet-{depth}' if depth else f'ResNet with {_dashed(blocks)} blocks'
    if blocks := _count(names, r'stages\.(\d+)\.(\d+)\.depthwise_conv\.'):
        return f'ConvNeXt with {_dashed(blocks)} blocks'
    if blocks := _count(names, r'stages\.(\d+)\.blocks\.(\d+)\.'):
        return f'Swin with {_dashed(blocks)} blocks'
    if blocks := _count(names, r'(layers)\.(\d+)\.attn\.'):
        return f'ViT with {_dashed(blocks)} blocks'
    return 'unknown'


def _count(names: Iterable[str], pattern: str) -> tuple[int, ...]:
    """Blocks of each stage; the pattern's groups are stage and block."""
    found = {m.groups() for name in names if (m := re.match(pattern, name))}
    stages = sorted({stage for stage, _ in found})
    return tuple(sum(stage == s for s, _ in found) for stage in stages)


def _dashed(blocks: tuple[int, ...]) -> str:
    return '-'.join(map(str, blocks))
