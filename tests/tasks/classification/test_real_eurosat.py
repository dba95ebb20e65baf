"""The EuroSAT config on real images: train, test, paint."""

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from rsp.tasks.classification import SCENE_SETS
from rsp.tasks.classification.splits import split_lines

from .conftest import lists

NAME = 'r50_eurosat_finetune'


@pytest.fixture
def real_images(unpack, tmp_path) -> set[str]:
    """Real images in EuroSAT's own layout below tmp_path; their paths there."""
    root = tmp_path / SCENE_SETS['eurosat'].root
    names = set()
    for image in unpack('open/eurosat_subset.tar').glob('*/*/*.jpg'):
        name = f'{image.parent.name}/{image.name}'
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image.rename(root / name)
        names.add(name)
    return names


@pytest.mark.shared
def test_the_config_trains_tests_and_paints(real_images, run_downstream, tmp_path):
    # Their names are EuroSAT's own, so the fixed split knows every one of them.
    for part, most in (('train', 2), ('test', 1)):
        lines = split_lines(SCENE_SETS['eurosat'].split()[part]).splitlines()
        known = [line for line in lines if line.split(' ')[0] in real_images]
        expected = dict(train=3200, test=800)[part]
        # A random fifth of 4,000: a deviation of 25.
        assert abs(len(known) - expected) < 100
        real_images -= {line.split(' ')[0] for line in known}
        few, taken = [], Counter()
        for line in known:
            label = line.split(' ')[1]
            taken[label] += 1
            few += [line] * (taken[label] <= most)
        assert len(taken) == 10
        (tmp_path / f'data/eurosat/{part}.txt').write_text('\n'.join(few))
    assert real_images == set()

    options = lists(NAME, 'train.txt', 'test.txt') | {
        'train_dataloader.dataset.pipeline.1.scale': 64,
        'test_dataloader.dataset.pipeline.1.scale': 72,
        'test_dataloader.dataset.pipeline.2.crop_size': 64,
        'train_dataloader.batch_size': 10,
        'test_dataloader.num_workers': 0,
        'test_dataloader.persistent_workers': False,
    }
    metrics = run_downstream(f'classification/{NAME}.py', options, show_dir='pictures')
    assert metrics['accuracy/top1'] in range(0, 101, 10)
    pictures = sorted(Path('pictures').glob('*/*.png'))
    assert len({file.parent.name for file in pictures}) == len(pictures) == 10
    for file in pictures:
        with Image.open(file) as picture:
            assert min(picture.size) >= 256
            assert len(picture.convert('RGB').getcolors(1 << 20)) > 50
