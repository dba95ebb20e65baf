"""Load DIOR: 20 classes in scenes of 800 x 800 pixels."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rsp.io.files import entries_of
from rsp.io.text import read_lines
from rsp.registry import DATASETS
from rsp.tasks.common.listing import IMAGE_ENDINGS, require_folder
from rsp.tasks.detection.coco import CocoDetectionDataset
from rsp.tasks.detection.voc import VOCDetectionDataset

# In the order of GeRSP's files, which decides the class numbers of a checkpoint.
METAINFO = dict(
    classes=(
        'ship', 'overpass', 'tenniscourt', 'stadium', 'vehicle', 'airplane',
        'storagetank', 'dam', 'golffield', 'trainstation', 'Expressway-Service-area',
        'groundtrackfield', 'Expressway-toll-station', 'windmill', 'airport', 'harbor',
        'baseballfield', 'basketballcourt', 'bridge', 'chimney',
    ),
    palette=[
        (0, 176, 255), (255, 128, 0), (64, 224, 96), (192, 64, 255), (255, 224, 0),
        (255, 64, 64), (0, 224, 208), (96, 128, 255), (160, 208, 64), (208, 144, 96),
        (255, 96, 192), (224, 112, 48), (176, 176, 255), (240, 240, 240), (144, 80, 32),
        (48, 128, 192), (208, 208, 96), (255, 160, 128), (128, 255, 224), (176, 48, 96),
    ],
)  # fmt: skip

# https://arxiv.org/abs/1909.00133, Sec. 4.
PUBLISHED_IMAGES = dict(train=5862, val=5863, trainval=11725, test=11738)
PUBLISHED_BOXES = 192472


@DATASETS.register_module()
class DIORDataset(VOCDetectionDataset):
    """Load DIOR as it is distributed, horizontal boxes.

    23,463 images of 800 x 800 pixels, 0.5 to 30 m per pixel, 192,472 boxes. Li et al.,
    ISPRS 2020, https://arxiv.org/abs/1909.00133; images of Google Earth, for research.

    Layout on disk::

        <data_root>/Annotations/Horizontal Bounding Boxes/00001.xml
        <data_root>/JPEGImages-trainval/00001.jpg
        <data_root>/JPEGImages-test/11726.jpg
        <data_root>/ImageSets/Main/train.txt  val.txt  trainval.txt  test.txt

    Args:
        ann_subdir: Folder of the xml files; ``img_subdir`` is for the config to choose.
        first_pixel: As in mmrotate, corners are taken as they stand.
        kwargs: See `VOCDetectionDataset`.
    """

    METAINFO = METAINFO

    def __init__(
        self,
        ann_subdir: str = 'Annotations/Horizontal Bounding Boxes',
        first_pixel: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(ann_subdir=ann_subdir, first_pixel=first_pixel, **kwargs)


@DATASETS.register_module()
class DIORCocoDataset(CocoDetectionDataset):
    """Load DIOR with a COCO json per split, as GeRSP read it; see `DIORDataset`."""

    METAINFO = METAINFO


def differences(root: str | Path) -> list[str]:
    """List how a folder differs from the published data set.

    Args:
        root: Folder in the layout of `DIORDataset`.

    Raises:
        MissingData: If there is no such folder.
    """
    root = Path(root)
    require_folder(root, 'the argument')
    found = []
    ids: dict[str, set[str]] = {}
    for split, expected in PUBLISHED_IMAGES.items():
        file = root / 'ImageSets' / 'Main' / f'{split}.txt'
        lines = read_lines(file) if file.is_file() else []
        ids[split] = {name for line in lines for name in line.split()}
        if not file.is_file():
            found.append(f"'{file}' is missing.")
        elif len(ids[split]) != expected:
            found.append(f"'{file}' lists {len(ids[split])} images, not {expected}.")
    if ids['trainval'] & ids['test']:
        found.append(f'{len(ids["trainval"] & ids["test"])} images are in both splits.')
    if ids['train'] | ids['val'] != ids['trainval']:
        found.append('train.txt and val.txt together are not trainval.txt.')

    xml = root / 'Annotations' / 'Horizontal Bounding Boxes'
    for split in ('trainval', 'test'):
        found += _missing(root / f'JPEGImages-{split}', ids[split], IMAGE_ENDINGS)
    found += _missing(xml, ids['trainval'] | ids['test'], ('.xml',))
    files = [f for f in entries_of(xml) if f.suffix == '.xml']
    boxes = sum(len(ElementTree.parse(f).getroot().findall('object')) for f in files)
    if boxes != PUBLISHED_BOXES:
        found.append(f"'{xml}' has {boxes} boxes, not {PUBLISHED_BOXES}.")
    return found


def _missing(folder: Path, ids: Iterable[str], endings: tuple[str, ...]) -> list[str]:
    """Name the files that are missing, and those of no list."""
    there = (
        {f.stem for f in entries_of(folder) if f.suffix.lower() in endings}
        if folder.is_dir()
        else set()
    )
    absent = sorted(set(ids) - there)
    extra = sorted(there - set(ids))
    found = []
    if absent:
        found.append(f"'{folder}' lacks {len(absent)} files: {', '.join(absent)}.")
    if extra:
        found.append(f"'{folder}' has {len(extra)} unlisted: {', '.join(extra)}.")
    return found
