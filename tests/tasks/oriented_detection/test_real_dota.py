"""Seven real images of DOTA: cut, train, test, paint, submit."""

import json
import zipfile
from pathlib import Path

import cv2
import pytest

from rsp.engine.test import evaluate, evaluation_config
from rsp.prepare.tile.dota_images import split_folder
from rsp.prepare.tile.dota_settings import Settings

# Slow: rotated boxes are suppressed one by one on a CPU.
pytestmark = [pytest.mark.shared, pytest.mark.slow]

NAME = 'oriented_detection/oriented-rcnn_r50_dota.py'


@pytest.fixture
def dota(unpack):
    """The images, unpacked; their terms forbid a copy in the repository."""
    return unpack('restricted/det_dota.tar', 'dota')


def test_real_images_go_all_the_way(dota, run_downstream, tmp_path):
    """Through the real config; only sizes and the number of iterations are smaller."""
    objects = {}
    for name in ('train', 'val'):
        records = split_folder(
            dota / name / 'images',
            dota / name / 'labelTxt',
            Path('data/split_ss_dota') / name,
            Settings(size=512, gap=200),
        )
        objects[name] = sum(record.objects for record in records)
        lost = sum(len(record.dropped) + len(record.flat) for record in records)
        assert lost <= 3, 'but for the few that are longer than a patch'
    assert objects == dict(train=828, val=89)
    # The images of val, as if they had no labels.
    split_folder(
        dota / 'val' / 'images',
        None,
        Path('data/split_ss_dota/test'),
        Settings(size=512, gap=200),
    )
    options = {
        f'{loader}.dataset.pipeline.{step}.scale': (256, 256)
        for loader, step in (
            ('train_dataloader', 3),
            ('test_dataloader', 1),
            ('submission_dataloader', 1),
        )
    }
    options |= {
        'model.backbone.depth': 18,
        'model.neck.in_channels': [64, 128, 256, 512],
        # Rotated NMS on CPUs takes a microsecond per pair of boxes.
        'model.test_cfg.rpn.max_per_img': 40,
        'model.test_cfg.rcnn.score_thr': 0.001,
    }
    metrics = run_downstream(NAME, options, show_dir='pictures', iterations=8)
    assert 0 <= metrics['dota/mAP'] <= 1
    (log,) = (
        f
        for f in Path('run').glob('*/vis_data/scalars.json')
        if 'loss' in f.read_text()
    )
    losses = [json.loads(line) for line in log.read_text().splitlines()]
    assert losses[-1]['loss_rpn_cls'] < losses[0]['loss_rpn_cls']

    patches = {file.stem for file in Path('data/split_ss_dota/val/images').iterdir()}
    pictures = {file.stem: file for file in Path('pictures').rglob('*.png')}
    assert pictures.keys() == patches
    for file in pictures.values():
        height, width = cv2.imread(str(file)).shape[:2]
        assert width > 2 * 1024
        assert height > 1024

    cfg = evaluation_config(
        f'downstream/{NAME}',
        str(max(Path('run').glob('iter_*.pth'))),
        work_dir='submission_run',
        cfg_options=options,
        format_only='entry',
    )
    evaluate(cfg)
    with zipfile.ZipFile('entry/entry.zip') as archive:
        assert len(archive.namelist()) == 15
        lines = [line.split() for n in archive.namelist() for line in archive.open(n)]
    images = {file.stem for file in (dota / 'val' / 'images').iterdir()}
    assert {line[0].decode() for line in lines} <= images
    assert lines
