"""Load DOTA's patches, refusing bad labels instead of dropping them."""

from pathlib import Path
from typing import Any

from mmrotate.datasets import DOTADataset, DOTAv2Dataset

from rsp.datasets.pixel_reading import PixelReading
from rsp.registry import DATASETS
from rsp.tasks.common import report
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import classes_of, read_labels
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.image_size import compare_size, read_infos
from rsp.tasks.common.listing import IMAGE_ENDINGS, pair_files
from rsp.tasks.oriented_detection.instances import to_instances


@DATASETS.register_module()
class OrientedDOTADataset(PixelReading, report.ReportedImages, DOTADataset):
    """Load patches of DOTA with oriented boxes, or images without labels.

    mmrotate's data set, except that

    * images without label file are refused, where it never sees them, and label files
      without image at once, where it fails in the middle of an epoch;
    * malformed lines, unknown classes and objects with their center outside the image
      are refused with file and line;
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
        version: Release, ``'1.0'``, ``'1.5'`` (16 classes) or ``'2.0'`` (18).
        kwargs: Further arguments of mmengine's BaseDataset, such as ``data_root``,
            ``pipeline``, ``filter_cfg=dict(filter_empty_gt=True)``, ``test_mode``.

    Raises:
        MissingData: If a folder or a file is missing.
        UserError: See above.
    """

    def __init__(
        self, diff_thr: int = 100, version: str = '1.0', **kwargs: Any
    ) -> None:
        classes = classes_of(version)
        palette = DOTAv2Dataset.METAINFO['palette'][: len(classes)]
        metainfo = dict(classes=classes, palette=palette)
        kwargs['metainfo'] = metainfo | (kwargs.get('metainfo') or {})
        super().__init__(diff_thr=diff_thr, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the images, with their objects if there are labels."""
        folders: list = [(Path(self.data_prefix['img_path']), IMAGE_ENDINGS)]
        if self.ann_file:
            folders.append((Path(self.ann_file), ('.txt',)))
        faults = Faults(self.source)
        option = "'data_root' or 'ann_file', or run tools/dataset_tools/split_dota.py"
        names = ClassNames(self.metainfo['classes'])
        images, flat = [], []
        pairs = pair_files(folders, faults, '', option)
        infos = read_infos(image for image, *texts in pairs.values() if texts)
        for name, (image, *texts) in pairs.items():
            record: dict[str, Any] = dict(
                img_path=str(image), file_name=image.name, img_id=name, instances=[]
            )
            images.append(record)
            for text in texts:
                with faults.at(''):
                    size = compare_size(infos, image, (None, None), '')
                    record['height'], record['width'] = size
                    labels = read_labels(text, names, faults)
                    for label in labels:
                        with faults.at(f"'{text}', {label.place}"):
                            label.refuse_outside(record)
                    record['instances'] = to_instances(labels, names, self.diff_thr)
                    flat += [f'{name} {x.place}' for x in labels if x.is_flat]
        faults.refuse()
        if self.ann_file:
            report.log_contents(self.source, images, names.classes, flat)
        return images

    @property
    def source(self) -> str:
        """Return the folder that is read, for messages."""
        return self.ann_file or self.data_prefix['img_path']
