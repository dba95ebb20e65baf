"""Load LoveDA: land cover in cities and villages."""

from rsp.registry import DATASETS
from rsp.tasks.segmentation.mask_folder import MaskFolder


@DATASETS.register_module()
class LoveDA(MaskFolder):
    """Load tiles of 1024 px at 0.3 m from Nanjing, Changzhou and Wuhan; 7 classes.

    Gray value 0 means no data and is ignored, 1 to 7 are the classes. 2,522 tiles to
    train, 1,669 to validate, 1,796 to test, these without masks.

    Layout: that of tools/dataset_tools/loveda.py (and of mmseg's converter).

    License: CC BY-NC-SA 4.0, academic use. Wang et al., NeurIPS 2021 Datasets and
    Benchmarks, https://arxiv.org/abs/2110.08733.
    """

    METAINFO = dict(
        classes=(
            'background',
            'building',
            'road',
            'water',
            'barren',
            'forest',
            'agriculture',
        ),
        palette=[
            [255, 255, 255],
            [255, 0, 0],
            [255, 255, 0],
            [0, 0, 255],
            [159, 129, 183],
            [0, 255, 0],
            [255, 195, 128],
        ],
    )
    MASK_VALUES = (1, 2, 3, 4, 5, 6, 7)
    IGNORED_VALUES = (0,)
