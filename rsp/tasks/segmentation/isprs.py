"""Load the ISPRS benchmarks Potsdam and Vaihingen, as the papers score them."""

from rsp.registry import DATASETS
from rsp.tasks.segmentation.mask_folder import MaskFolder


@DATASETS.register_module()
class ISPRSFiveClasses(MaskFolder):
    """Load Potsdam (5 cm, RGB) or Vaihingen (9 cm, near infrared, red, green).

    Borders (0) and clutter (6) are ignored, the other five classes are scored: CMID's
    protocol, https://arxiv.org/abs/2304.09670. Scoring clutter as a sixth class that
    is never hit costs a sixth of the mIoU.

    Layout: that of tools/dataset_tools/potsdam.py and vaihingen.py (and of mmseg's
    converters), see `MaskFolder`.

    License: ISPRS benchmark terms, research use with credit to BSF Swissphoto
    (Potsdam) and DGPF (Vaihingen); https://www.isprs.org/education/benchmarks.
    """

    METAINFO = dict(
        classes=('impervious surface', 'building', 'low vegetation', 'tree', 'car'),
        palette=[
            [255, 255, 255],
            [0, 0, 255],
            [0, 255, 255],
            [0, 255, 0],
            [255, 255, 0],
        ],
    )
    MASK_VALUES = (1, 2, 3, 4, 5)
    IGNORED_VALUES = (0, 6)
