"""Pairs on disk, and shrunk models of change detection."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from PIL import Image

pytest.importorskip('mmseg')

import rsp.tasks.change_detection  # noqa: F401  registers the parts


@pytest.fixture
def small_resnet() -> dict[str, Any]:
    """A ResNet of 8 to 64 channels."""
    return dict(type='mmpretrain.ResNet', depth=18, base_channels=8, stem_channels=8)


@pytest.fixture
def small_swin() -> dict[str, Any]:
    """A Swin transformer of 8 to 64 channels."""
    return dict(
        type='mmpretrain.SwinTransformer',
        arch=dict(embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1, 1, 2, 2]),
        img_size=64,
        pad_small_map=True,
        drop_path_rate=0.0,
    )


@pytest.fixture
def small_bit() -> dict[str, Any]:
    """BIT of one decoder layer, on the third stage of either."""
    return dict(type='rsp.BITHead', in_channels=32, in_index=0, decoder_depth=1)


@pytest.fixture(autouse=True)
def _mmseg() -> None:
    """Look names up where the configs do."""
    init_default_scope('mmseg')


@pytest.fixture
def write_pairs(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes pairs in the real layout.

    The later date is the earlier one with a bright rectangle, which the mask shows.
    """

    def write(
        root: str,
        splits: Mapping[str, int],
        masks: str = 'label',
        suffix: str = '.png',
        size: tuple[int, int] = (64, 64),
    ) -> Path:
        rng = np.random.default_rng(0)
        for split, count in splits.items():
            for number in range(count):
                first = rng.integers(100, size=(*size, 3), dtype=np.uint8)
                second, mask = first.copy(), np.zeros(size, dtype=np.uint8)
                top, left = rng.integers(2, min(size) // 2, size=2)
                second[top : top + 20, left : left + 16] = 220
                mask[top : top + 20, left : left + 16] = 255
                folder = tmp_path / root / split
                images = {'A': first, 'B': second, masks: mask}
                for name, pixels in images.items():
                    file = folder / name / f'{number:03d}{suffix}'
                    file.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(pixels).save(file)
        return tmp_path / root

    return write


@pytest.fixture
def build() -> Callable[..., Any]:
    """Return a function that builds a small segmentor."""
    from mmseg.registry import MODELS

    def make(backbone: dict, head: dict, **others: Any) -> Any:
        return MODELS.build(
            dict(
                type='rsp.SiameseEncoderDecoder',
                backbone=backbone,
                decode_head=head,
                data_preprocessor=dict(
                    type='rsp.PairDataPreprocessor',
                    size_divisor=32,
                    test_cfg=dict(size_divisor=32),
                ),
                test_cfg=ConfigDict(mode='whole'),
                **others,
            )
        )

    return make
