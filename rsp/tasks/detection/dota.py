"""Load DOTA-v1.0 with horizontal boxes."""

from rsp.registry import DATASETS
from rsp.tasks.common.dota import CLASSES
from rsp.tasks.detection.coco import CocoDetectionDataset


@DATASETS.register_module()
class DOTACocoDataset(CocoDetectionDataset):
    """Load tiles of DOTA-v1.0 with the upright boxes around its oriented ones.

    2,806 images, 188,282 objects of 15 classes; Xia et al., CVPR 2018,
    https://arxiv.org/abs/1711.10398; images of Google Earth and others, for research.
    `tools/dataset_tools/dota_to_coco.py` makes the json from tiles.

    Layout on disk::

        <data_root>/train/images/P0000__1.0__0___0.png    <data_root>/train.json
        <data_root>/val/images/P0003__1.0__0___0.png      <data_root>/val.json

    Args:
        kwargs: See `CocoDetectionDataset`.
    """

    METAINFO = dict(
        classes=CLASSES,
        palette=[
            (0, 176, 255), (255, 128, 0), (176, 48, 96), (224, 112, 48), (255, 224, 0),
            (255, 160, 0), (64, 224, 255), (64, 224, 96), (255, 160, 128),
            (0, 224, 208), (160, 208, 64), (192, 64, 255), (96, 128, 255),
            (128, 255, 224), (255, 64, 64),
        ],
    )  # fmt: skip
