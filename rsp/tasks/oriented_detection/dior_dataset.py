"""Load DIOR-R in its original layout, refusing what mmrotate's reader drops."""

from pathlib import Path
from typing import Any

from mmrotate.datasets import DIORDataset

from rsp.datasets.pixel_reading import PixelReading
from rsp.errors import UserError
from rsp.registry import DATASETS
from rsp.tasks.common import report, voc
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import Label
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import IMAGE_ENDINGS, pair_files
from rsp.tasks.common.values import refuse_no_pixels
from rsp.tasks.oriented_detection.instances import to_instances


@DATASETS.register_module()
class OrientedDIORDataset(PixelReading, report.ReportedImages, DIORDataset):
    """Load DIOR-R: DIOR's images with oriented boxes of 20 classes.

    mmrotate's data set, except that

    * listed images without xml or image file are refused at the start, by name;
    * objects without name, box or with an unknown class are refused with file and
      object, where it raises a bare KeyError or AttributeError, and so are objects with
      their center outside the image, and sizes that are not the image's;
    * objects without area and images without objects are counted and reported;
    * height and width are right where the xml has no ``size`` (it swaps them);
    * images may be png, tif or bmp as well.

    Layout on disk, as published::

        ImageSets/Main/{train,val,test}.txt          lines: names without ending
        JPEGImages-trainval/00001.jpg                JPEGImages-test/11726.jpg
        Annotations/Oriented Bounding Boxes/00001.xml

    DIOR: Li et al., ISPRS 2020, https://arxiv.org/abs/1909.00133; DIOR-R: Cheng et al.,
    TGRS 2022, https://arxiv.org/abs/2110.01931.

    Args:
        data_root: Folder that the others are relative to.
        ann_file: List of names.
        ann_subdir: Folder of the xml files.
        data_prefix: ``img_path``: folder of the images.
        diff_thr: Objects whose ``difficult`` is higher are ignored. The default scores
            and learns all, as mmrotate does.
        kwargs: Further arguments of mmrotate's DIORDataset.

    Raises:
        MissingData: If a folder, a list or a listed file is missing.
        UserError: See above.
    """

    def __init__(self, diff_thr: int = 100, **kwargs: Any) -> None:
        self.diff_thr = diff_thr
        if kwargs.get('ann_type', 'obb') != 'obb':
            raise UserError(
                "expected ann_type='obb', horizontal boxes are read by the detection "
                'configs (configs/downstream/detection).'
            )
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """List the images with their objects."""
        faults = Faults(self.ann_file)
        pairs = pair_files(
            [
                (Path(self.data_prefix['img_path']), IMAGE_ENDINGS),
                (Path(self.data_root, self.ann_subdir), ('.xml',)),
            ],
            faults,
            self.ann_file,
            "'data_root', 'data_prefix' or 'ann_subdir'",
        )
        names = ClassNames(self.metainfo['classes'])
        flat = []

        def instances(thing: voc.VOCObject, image: dict) -> list[dict]:
            # Some files write names with capitals, mmrotate's classes have none.
            label = Label(
                thing.numbers, thing.name.lower(), thing.difficult, thing.place
            )
            refuse_no_pixels(label.polygon, 'the object')
            label.refuse_outside(image)
            if label.is_flat:
                flat.append(f'{image["img_id"]} {label.place}')
            return to_instances([label], names, self.diff_thr)

        images = voc.read_images(pairs, voc.ORIENTED_BOX, instances, faults)
        faults.refuse()
        report.log_contents(self.ann_file, images, names.classes, flat)
        return images
