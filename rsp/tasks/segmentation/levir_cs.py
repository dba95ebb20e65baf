"""Load Levir_CS: clouds and snow in Gaofen-1 scenes."""

from rsp.registry import DATASETS
from rsp.tasks.segmentation.mask_folder import MaskFolder


@DATASETS.register_module()
class LevirCS(MaskFolder):
    """Load Gaofen-1 scenes in 8-bit colors, with masks of cloud and snow.

    4,168 scenes from the whole globe at 160 m per pixel, 3,068 to train and 1,100 to
    test; gray values 0 background, 1 cloud, 2 snow. Wu, Shi and Zou, ISPRS Journal 174,
    2021, doi:10.1016/j.isprsjprs.2021.01.023 (GeoInfoNet), of the group that made
    GeoKR.

    Layout: that of tools/dataset_tools/levir_cs.py, see `MaskFolder`. The authors' file
    lists name folders ``label_0_1_2``; masks with 0, 127 and 255, which are reported
    too, need ``mask_values=(0, 127, 255)``.

    License: not stated with the download.
    """

    METAINFO = dict(
        classes=('background', 'cloud', 'snow'),
        palette=[[90, 110, 60], [255, 255, 255], [0, 200, 255]],
    )
    MASK_VALUES = (0, 1, 2)
