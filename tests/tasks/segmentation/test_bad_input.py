"""Check what training on broken data prints: one line with the file."""

import numpy as np
import pytest
from PIL import Image

from rsp.cli import main
from rsp.engine.train import build_runner, training_config
from rsp.errors import report_user_errors

# See test_configs.py.
pytestmark = pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore`` is False')
NAME = 'downstream/segmentation/upernet_r50_potsdam.py'


def break_mask(root, pixels):
    Image.fromarray(pixels).save(root / 'ann_dir/train/b.png')


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize(
    ('pixels', 'message'),
    [
        (np.full((64, 72), 7, np.uint8), "png': expected the gray values [0, 1, 2"),
        (
            np.zeros((64, 64), np.uint8),
            "png', got 64 x 64 pixels in the mask 'data/potsdam/ann_dir/train/",
        ),
    ],
    ids=['unknown value', 'size'],
)
def test_a_broken_mask_ends_the_training_in_one_line(
    layout, shorten, shrink, tmp_path, pixels, message, workers
):
    cfg = training_config(NAME)
    shorten(cfg)
    shrink(cfg)
    layout(cfg)
    cfg.train_dataloader.num_workers = workers
    for name in 'abc':
        file = tmp_path / f'data/potsdam/ann_dir/train/{name}.png'
        Image.fromarray(pixels).save(file)
    with pytest.raises(SystemExit) as error, report_user_errors():
        build_runner(cfg).train()
    line = str(error.value)
    assert line.startswith('error: ')
    assert message in line
    assert 'data/potsdam/ann_dir/train/' in line
    assert 'Traceback' not in line


@pytest.mark.parametrize(
    ('gone', 'message'),
    [
        (
            'ann_dir/train/b.png',
            "1 of 3 names have no file in 'data/potsdam/ann_dir/train' (b)",
        ),
        (
            'img_dir/train/b.png',
            "1 of 3 names have no file in 'data/potsdam/img_dir/train' (b)",
        ),
    ],
)
def test_a_single_file_ends_the_training_before_it_starts(
    layout, shorten, shrink, tmp_path, gone, message
):
    cfg = training_config(NAME)
    shorten(cfg)
    shrink(cfg)
    layout(cfg)
    (tmp_path / 'data/potsdam' / gone).unlink()
    told = r'^error: .*train_dataloader\.dataset: 1 problem in'
    with pytest.raises(SystemExit, match=told) as error:
        with report_user_errors():
            build_runner(cfg).train()
    assert message in str(error.value)


def test_the_command_that_looks_through_data_finds_all_of_it(layout, tmp_path, capsys):
    """Masks that do not fit are problems of `rsp prepare check`."""
    cfg = training_config(NAME)
    layout(cfg)
    root = tmp_path / 'data/potsdam'
    break_mask(root, np.full((64, 72), 7, np.uint8))
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(root / 'ann_dir/train/c.png')
    with pytest.raises(SystemExit) as leaving:
        main('prepare check', argv=[f'configs/{NAME}'])
    assert leaving.value.code == 1
    said = capsys.readouterr().out
    assert 'train_dataloader: 3 samples' in said
    assert (
        "PROBLEM 'data/potsdam/ann_dir/train/b.png': expected the gray values" in said
    )
    assert (
        "in the mask 'data/potsdam/ann_dir/train/c.png'; repair or remove both" in said
    )
    assert '2 problems' in said
