"""Load DOTA with horizontal boxes."""

from typing import Any

from rsp.registry import DATASETS
from rsp.tasks.common.dota import CLASSES, PALETTE, classes_of
from rsp.tasks.detection.coco import CocoDetectionDataset


@DATASETS.register_module()
class DOTACocoDataset(CocoDetectionDataset):
    """Load tiles of DOTA with the upright boxes around its oriented ones.

    v1.0: 2,806 images, 188,282 objects of 15 classes; Xia et al., CVPR 2018,
    https://arxiv.org/abs/1711.10398; images of Google Earth and others, for research.
    `tools/dataset_tools/dota_to_coco.py` makes the json from tiles.

    Layout on disk::

        <data_root>/train/images/P0000__1.0__0___0.png    <data_root>/train.json
        <data_root>/val/images/P0003__1.0__0___0.png      <data_root>/val.json

    Args:
        version: Release, ``'1.0'``, ``'1.5'`` (16 classes) or ``'2.0'`` (18).
        kwargs: See `CocoDetectionDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=PALETTE[: len(CLASSES)])

    def __init__(self, version: str = '1.0', **kwargs: Any) -> None:
        classes = classes_of(version)
        metainfo = dict(classes=classes, palette=PALETTE[: len(classes)])
        kwargs['metainfo'] = metainfo | (kwargs.get('metainfo') or {})
        super().__init__(**kwargs)
