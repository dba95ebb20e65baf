"""The real configs on real images: train, checkpoint, test, pictures."""

import numpy as np
import pytest
from PIL import Image

from rsp.prepare.convert import dota_to_coco
from rsp.tasks.detection import VOCDetectionDataset

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    # DyHead's gates, about a default they do not use: mmcv/cnn/bricks/hsigmoid.py.
    pytest.mark.filterwarnings('ignore:In MMCV v1.4.4, we modified'),
    # ATSSHead, about a name of its own: mmdet/models/dense_heads/anchor_head.py.
    pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors` is'),
]
SIDE = 192


def small(train_step=2, test_step=1):
    """Only the size of images and batch differ from what a user runs."""
    return {
        f'train_dataloader.dataset.pipeline.{train_step}.scale': (SIDE, SIDE),
        f'test_dataloader.dataset.pipeline.{test_step}.scale': (SIDE, SIDE),
        'train_dataloader.batch_size': 2,
        'test_dataloader.batch_size': 2,
        'train_dataloader.num_workers': 0,
        'test_dataloader.num_workers': 0,
    }


def check_pictures(folder, images):
    """One for each test image, and more than the image alone."""
    pictures = sorted(folder.rglob('*.png'))
    assert [p.stem for p in pictures] == sorted(i.stem for i in images)
    for picture in pictures:
        drawn = np.asarray(Image.open(picture).convert('RGB')).astype(int)
        source = next(i for i in images if i.stem == picture.stem)
        with Image.open(source) as image:
            width, height = image.size
        assert drawn.shape[0] * drawn.shape[1] > 2 * width * height
        assert drawn.std() > 20


def test_vehicles_in_diors_layout(run_downstream, unpack, tmp_path):
    root = unpack('open/det_dior_free.tar', 'data/DIOR')
    metrics = run_downstream(
        'detection/faster-rcnn_r50_dior.py', small(), show_dir='pictures'
    )
    # 1,246 boxes of one class: the other 19 have nothing to score.
    assert 0 <= metrics['coco/AP50/vehicle'] == metrics['coco/bbox_mAP_50'] <= 1
    assert np.isnan(metrics['coco/AP50/ship'])
    check_pictures(tmp_path / 'pictures', list((root / 'JPEGImages-test').iterdir()))


def test_trees_in_a_voc_folder_of_ones_own(run_downstream, unpack, tmp_path):
    """As the README shows it: png, one class, another name in one file."""
    root = unpack('open/det_neon_voc.tar', 'data/trees')
    options = {'model.bbox_head.num_classes': 1}
    for loader in ('train_dataloader', 'test_dataloader'):
        options |= {
            f'{loader}.dataset.type': 'rsp.VOCDetectionDataset',
            f'{loader}.dataset.data_root': 'data/trees',
            f'{loader}.dataset.ann_file': '',
            f'{loader}.dataset.img_subdir': 'JPEGImages',
            f'{loader}.dataset.metainfo': dict(classes=('Tree',)),
            f'{loader}.dataset.aliases': dict(Alive='Tree', Dead='Tree'),
        }
    metrics = run_downstream(
        'detection/retinanet_r50_dior.py', options | small(), show_dir='pictures'
    )
    assert 0 <= metrics['coco/AP50/Tree'] <= 1
    check_pictures(tmp_path / 'pictures', list((root / 'JPEGImages').iterdir()))


def test_the_other_name_is_refused_by_file_and_object(unpack):
    root = unpack('open/det_neon_voc.tar', 'data/trees')
    with pytest.raises(ValueError, match='37 problems') as refusal:
        VOCDetectionDataset(data_root=str(root), metainfo=dict(classes=('Tree',)))
    assert "SOAP_061.xml', object 1: class 'Dead' is unknown" in str(refusal.value)
    mapped = VOCDetectionDataset(
        data_root=str(root),
        metainfo=dict(classes=('Tree',)),
        aliases=dict(Alive='Tree', Dead='Tree'),
    )
    boxes = [len(mapped.get_data_info(i)['instances']) for i in range(3)]
    assert sum(boxes) == 377


def test_dota_by_way_of_the_json(run_downstream, unpack, tmp_path):
    root = unpack('restricted/det_dota.tar', 'data/dota_800_640')
    counts = []
    for split in ('train', 'val'):
        made = dota_to_coco.convert(root / split, ignore_difficult=split == 'val')
        dota_to_coco.write(made, root / f'{split}.json')
        counts.append(sum(made.per_class.values()) + made.outside)
    assert sum(counts) == 917
    metrics = run_downstream(
        'detection/atss-dyhead_r50_dota.py', small(), show_dir='pictures'
    )
    assert 0 <= metrics['coco/bbox_mAP_50'] <= 1
    assert not np.isnan(metrics['coco/AP50/small-vehicle'])
    check_pictures(tmp_path / 'pictures', list((root / 'val' / 'images').glob('*.png')))
