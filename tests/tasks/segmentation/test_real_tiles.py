"""Training, checkpoint, test and pictures of the real configs on real tiles."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rsp.engine.train import training_config
from rsp.prepare.check import check_datasets

pytestmark = [
    pytest.mark.shared,
    # See test_configs.py.
    pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore`` is False'),
    pytest.mark.filterwarnings('ignore:For binary segmentation, we suggest'),
]
BOTH = dict(train='all', val='all')
POTSDAM = ('restricted/seg_potsdam.tar', 'potsdam', 'data/potsdam', BOTH)
VAIHINGEN = (
    'restricted/seg_potsdam.tar', 'vaihingen', 'data/vaihingen', BOTH
)  # fmt: skip
LOVEDA = ('restricted/seg_loveda.tar', '.', 'data/loveDA', BOTH)
BUILDINGS = (
    'open/seg_building_oam.tar', '.', 'data/seg_building_oam',
    dict(train='train', val='val'),
)  # fmt: skip
CASES = [
    ('upernet_r50_potsdam', POTSDAM),
    pytest.param('upernet_r50_vaihingen', VAIHINGEN, marks=pytest.mark.slow),
    pytest.param('upernet_swin-b_potsdam', POTSDAM, marks=pytest.mark.slow),
    pytest.param('upernet_r50_loveda', LOVEDA, marks=pytest.mark.slow),
    ('psanet_r50_loveda', LOVEDA),
    pytest.param('deeplabv3plus_r50_loveda', LOVEDA, marks=pytest.mark.slow),
    ('upernet_r18_building-oam_mini', BUILDINGS),
]
SMALL = {
    'train_dataloader.batch_size': 2,
    'test_dataloader.dataset.indices': 1,
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False,
}


@pytest.mark.parametrize(('name', 'tiles'), CASES)
def test_from_real_tiles_to_pictures(name, tiles, real_tiles, run_downstream):
    real_tiles(*tiles, size=192)
    options = SMALL | {'model.data_preprocessor.size': (96, 96)}
    config = training_config(f'downstream/segmentation/{name}.py')
    pipeline = config.train_dataloader.dataset.pipeline
    (crop,) = [i for i, step in enumerate(pipeline) if step['type'] == 'RandomCrop']
    options[f'train_dataloader.dataset.pipeline.{crop}.crop_size'] = (96, 96)
    scores = run_downstream(f'segmentation/{name}.py', options, show_dir='pictures')
    assert 0 <= scores['mIoU'] <= 100
    (picture,) = Path('pictures').rglob('*.png')
    assert np.array(Image.open(picture)).shape[1] == 4 * (384 + 16)


def test_the_masks_hold_what_the_protocols_say(real_tiles, tmp_path, monkeypatch):
    """Pixels of all classes, counted from the real masks through the real loaders."""
    monkeypatch.chdir(tmp_path)
    for name, tiles, seen in (
        ('upernet_r50_potsdam', POTSDAM, 5),
        ('upernet_r50_vaihingen', VAIHINGEN, 5),
        ('upernet_r50_loveda', LOVEDA, 6),
        ('upernet_r18_building-oam_mini', BUILDINGS, 2),
    ):
        real_tiles(
            *tiles, size=1024 if 'loveda' in name else 512 if 'r50' in name else 256
        )
        cfg = training_config(f'downstream/segmentation/{name}.py')
        cfg.pop('submission_dataloader', None)
        splits = check_datasets(cfg)
        assert [split.problems for split in splits] == [[]] * len(splits)
        assert len(splits[0].counts) == seen, name
