"""Serve random images from memory in place of a folder."""

from typing import Any

import numpy as np
from mmcv.transforms import Compose
from torch.utils.data import Dataset

from rsp.registry import DATASETS


@DATASETS.register_module()
class SyntheticImages(Dataset):
    """Send noise of 256 x 256 pixels through a pipeline without its loader.

    Args:
        length: Number of images.
        labeled: Whether they carry a label; all are of class 0.
        pipeline: Transforms after loading.
        classes: Number of land-cover classes of which each has a share; 0 for none.
    """

    def __init__(
        self, length: int, labeled: bool, pipeline: list[dict], classes: int = 0
    ) -> None:
        self.labels = np.zeros(length, dtype=np.int64) if labeled else None
        self.length, self.classes = length, classes
        self.pipeline = Compose(pipeline)

    def __len__(self) -> int:
        return self.length

    def get_data_info(self, index: int) -> dict[str, Any]:
        return dict(img_path=f'synthetic/{index}.jpg')

    def __getitem__(self, index: int) -> Any:
        pixels = np.random.default_rng(index).integers(256, size=(256, 256, 3))
        results = dict(
            img=pixels.astype(np.uint8), img_shape=(256, 256), ori_shape=(256, 256)
        )
        if self.labels is not None:
            results['gt_label'] = 0
        if self.classes:
            results['gt_score'] = np.full(self.classes, 1 / self.classes, np.float32)
        return self.pipeline(results | self.get_data_info(index))
