"""Run the configs as they are on real pairs, from training to pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.shared
SMALL = dict(num_workers=0, persistent_workers=False)


@pytest.fixture
def real_pairs(unpack, tmp_path):
    """Return a function that puts real pairs where a config looks for them.

    They come from the archive beside the checkout, cut to ``size`` pixels from the
    middle, all of them in every split.
    """
    unpacked = unpack('restricted/change.tar')

    def put(source, root, masks, suffix, size):
        edge = (256 - size) // 2
        for folder, target in (('A', 'A'), ('B', 'B'), ('label', masks)):
            for file in (unpacked / source / folder).iterdir():
                image = Image.open(file).crop((edge, edge, edge + size, edge + size))
                for split in ('train', 'val', 'test'):
                    out = tmp_path / root / split / target / f'{file.stem}{suffix}'
                    out.parent.mkdir(parents=True, exist_ok=True)
                    image.save(out)

    return put


def options(batch_size, **others):
    return others | {
        f'{split}_dataloader.{key}': value
        for split in ('train', 'val', 'test')
        for key, value in (SMALL | dict(batch_size=batch_size)).items()
    }


@pytest.mark.parametrize(
    ('name', 'source', 'root', 'masks', 'suffix', 'pairs'),
    [
        ('bit_r50_levir-cd.py', 'LEVIR', 'data/levir-cd_256', 'label', '.png', 11),
        # CDD's layout and lossy masks; the pairs are DSIFN's.
        ('diff-unet_r50_cdd.py', 'DSIFN', 'data/cdd', 'OUT', '.jpg', 10),
    ],
)
def test_train_test_and_paint(
    name, source, root, masks, suffix, pairs, real_pairs, run_downstream
):
    real_pairs(source, root, masks, suffix, size=96)
    metrics = run_downstream(
        f'change_detection/{name}', options(2), show_dir='pictures', iterations=3
    )
    assert 0 <= metrics['change/F1'] <= 100
    # Of a confusion matrix: IoU = F1 / (2 - F1).
    share = metrics['change/F1'] / 100
    assert metrics['change/IoU'] == pytest.approx(100 * share / (2 - share))
    pictures = list(Path('pictures').rglob('*.png'))
    assert len(pictures) == pairs
    assert all(np.asarray(Image.open(file)).shape[1] > 4 * 256 for file in pictures)


@pytest.mark.slow
def test_it_learns_the_pairs_it_is_shown(real_pairs, run_downstream):
    """Far better than calling everything changed, whose F1 is 2 p / (1 + p).

    ResNet-18 from random weights, 128 pixels, AdamW, a fixed number of iterations: the
    schedule of the config takes days on a CPU. Seen: F1 73.7, where the prior is 31.9.
    """
    real_pairs('LEVIR', 'data/levir-cd_256', 'label', '.png', size=128)
    masks = Path('data/levir-cd_256/test/label').glob('*.png')
    changed = np.mean([np.asarray(Image.open(file)) > 0 for file in masks])
    prior = 100 * 2 * changed / (1 + changed)
    metrics = run_downstream(
        'change_detection/bit_r50_levir-cd.py',
        options(
            4,
            **{
                'model.backbone.depth': 18,
                'model.decode_head.in_channels': 256,
                'optim_wrapper.optimizer': dict(
                    type='AdamW', lr=1e-3, weight_decay=0.01, _delete_=True
                ),
            },
        ),
        show_dir='pictures',
        iterations=120,
    )
    assert metrics['change/F1'] > prior + 30
