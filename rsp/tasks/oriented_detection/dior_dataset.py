"""Load DIOR-R in its original layout, refusing what mmrotate's reader drops."""

from pathlib import Path
from typing import Any

from mmrotate.datasets import DIORDataset

from rsp.errors import UserError
from rsp.registry import DATASETS
from rsp.tasks.common import report, voc
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import Label
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import list_files, match_files, read_list
from rsp.tasks.oriented_detection.instances import to_instances


@DATASETS.register_module()
class OrientedDIORDataset(DIORDataset):
    """Load DIOR-R: DIOR's images with oriented boxes of 20 classes.

    mmrotate's data set, except that

    * listed images without xml or image file are refused at the start, by name;
    * objects without name, box or with an unknown class are refused with file and
      object, where it raises a bare KeyError or AttributeError;
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
        names = ClassNames(self.metainfo['classes'])
        data_list, flat = [], []
        for name, (image, xml) in self._pairs(faults).items():
            with faults.at(f"'{xml}'"):
                size, objects = voc.read_annotation(
                    xml, image, voc.ORIENTED_BOX, faults
                )
                # Some files write names with capitals, mmrotate's classes have none.
                labels = [
                    Label(x.numbers, x.name.lower(), x.difficult, x.place)
                    for x in objects
                ]
                data: dict[str, Any] = dict(
                    img_id=name,
                    img_path=str(image),
                    file_name=image.name,
                    xml_path=str(xml),
                    height=size[0],
                    width=size[1],
                    instances=[],
                )
                for label in labels:
                    with faults.at(f"'{xml}', {label.place}"):
                        data['instances'] += to_instances([label], names, self.diff_thr)
                data_list.append(data)
                flat += [f'{name} {label.place}' for label in labels if label.is_flat]
        faults.refuse()
        report.log_contents(self.ann_file, data_list, names.classes, flat)
        return data_list

    def _pairs(self, faults: Faults) -> dict[str, tuple[Path, ...]]:
        images = Path(self.data_prefix['img_path'])
        xmls = Path(self.data_root, self.ann_subdir)
        option = "'data_root' or 'ann_subdir'"
        folders = [
            (images, list_files(images, faults)),
            (xmls, list_files(xmls, faults, ('.xml',), option)),
        ]
        return match_files(folders, faults, read_list(self.ann_file, faults))

    def filter_data(self) -> list[dict]:
        """Apply ``filter_cfg`` to training images, see `report.filter_images`."""
        if self.test_mode:
            return self.data_list
        return report.filter_images(self.ann_file, self.data_list, self.filter_cfg)
