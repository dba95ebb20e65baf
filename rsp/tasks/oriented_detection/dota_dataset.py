"""DOTA patches that stop at a bad label instead of dropping it."""

from pathlib import Path
from typing import Any

from mmrotate.datasets import DOTADataset

from rsp.errors import MissingData
from rsp.registry import DATASETS
from rsp.tasks.oriented_detection.label_report import LabelReport, with_objects
from rsp.tasks.oriented_detection.labels import (
    list_images,
    read_labels,
    refuse,
    refuse_unpaired,
)


@DATASETS.register_module()
class OrientedDOTADataset(DOTADataset):
    """Patches of DOTA-v1.0 with oriented boxes, or images without labels.

    mmrotate's data set, except that

    * images without label file are refused, where it never sees them, and label files
      without image at once, where it fails in the middle of an epoch;
    * malformed lines and unknown classes are refused with file and line;
    * objects without area and images without objects are counted and reported;
    * files are listed in sorted order, and images may be png, jpg, tif or bmp.

    Layout on disk (tools/dataset_tools/split_dota.py writes it)::

        <data_prefix.img_path>/<image>__1024__<x>___<y>.png
        <ann_file>/<the same>.txt     x1 y1 x2 y2 x3 y3 x4 y4 class difficult

    DOTA, Xia et al., CVPR 2018, https://arxiv.org/abs/1711.10398; images for academic
    use only.

    Args:
        data_prefix: ``img_path``: folder of the images.
        ann_file: Folder of the label files; empty for images without labels.
        diff_thr: Objects of a higher difficulty (0, 1, or 2: cut off by the border of
            the patch) are ignored. The default learns all; DOTA's server ignores
            difficult ones, which is ``diff_thr=0``.
        kwargs: Further arguments of mmengine's BaseDataset, such as ``data_root``,
            ``pipeline``, ``filter_cfg=dict(filter_empty_gt=True)``, ``test_mode``.

    Raises:
        FileNotFoundError: If a folder is missing, or has no image.
        ValueError: See above.
    """

    def __init__(self, diff_thr: int = 100, **kwargs: Any) -> None:
        super().__init__(diff_thr=diff_thr, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the images, with their objects if there are labels."""
        images = list_images(Path(self.data_prefix['img_path']))
        data_list = [
            dict(img_path=str(file), file_name=file.name, img_id=name, instances=[])
            for name, file in images.items()
        ]
        if self.ann_file:
            self._add_instances(data_list, Path(self.ann_file))
        return data_list

    def _add_instances(self, data_list: list[dict], folder: Path) -> None:
        if not folder.is_dir():
            raise MissingData(
                f"expected a folder of label files at '{folder}', there is none; "
                "change 'data_root' or 'ann_file', or run "
                'tools/dataset_tools/split_dota.py.'
            )
        files = {file.stem: file for file in folder.glob('*.txt')}
        refuse_unpaired((data['img_id'] for data in data_list), files, str(folder))
        classes = self.metainfo['classes']
        report = LabelReport(f'Labels of {folder}', classes, self.diff_thr)
        problems: list[str] = []
        for data in data_list:
            labels, found = read_labels(files[data['img_id']], classes)
            data['instances'] = report.instances(data['img_id'], labels)
            problems += found
        refuse(problems, 'repair or remove these lines')
        report.log()

    def filter_data(self) -> list[dict]:
        """Leave out images without objects for training, and say how many."""
        if self.test_mode:
            return self.data_list
        return with_objects(self.data_list, self.filter_cfg)
