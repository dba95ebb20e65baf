"""Load files as a stacked pair and its mask."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmseg.registry import DATASETS
from PIL import Image

from rsp.io.configs import config_folder
from rsp.tasks.change_detection import (
    ChangeDataset,
    LoadChangeAnnotations,
    LoadChangePair,
)
from rsp.tasks.change_detection.masks import read_mask

CONFIGS = config_folder() / 'downstream/change_detection'
CDD = Config.fromfile(CONFIGS / 'bit_r50_cdd.py')


@pytest.fixture
def save(tmp_path):
    """Return a function that writes pixels to a file of tmp_path."""

    def write(name, pixels):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(file)
        return str(file)

    return write


def dataset(root, split='train', masks='label', **options):
    prefix = dict(
        img_path=f'{split}/A', img_path2=f'{split}/B', seg_map_path=f'{split}/{masks}'
    )
    return ChangeDataset(data_root=str(root), data_prefix=prefix, **options)


def test_cdd_and_levir_cd_are_read_as_they_lie_on_disk(write_pairs):
    cdd = write_pairs('cdd', dict(val=3), masks='OUT', suffix='.jpg')
    levir = write_pairs('levir', dict(train=2, val=1))
    info = dataset(cdd, 'val', 'OUT').get_data_info(2)
    assert info['img_path'] == f'{cdd}/val/A/002.jpg'
    assert info['img_path2'] == f'{cdd}/val/B/002.jpg'
    assert info['seg_map_path'] == f'{cdd}/val/OUT/002.jpg'
    assert len(dataset(levir)) == 2
    assert dataset(levir).metainfo['classes'] == ('unchanged', 'changed')


def test_suffixes_may_differ_and_other_files_are_no_images(write_pairs):
    root = write_pairs('mixed', dict(train=2))
    for file in (root / 'train/A').iterdir():
        Image.open(file).save(file.with_suffix('.TIF'))
        file.unlink()
    (root / 'train/B/Thumbs.db').write_text('')
    (root / 'train/B/._000.png').write_text('')
    pairs = dataset(root)
    assert len(pairs) == 2
    assert pairs.get_data_info(1)['img_path'].endswith('train/A/001.TIF')


def test_a_list_of_names_chooses_pairs(write_pairs):
    root = write_pairs('some', dict(train=4))
    (root / 'few.txt').write_text('003.png\n\n001\n')
    chosen = dataset(root, ann_file='few.txt')
    assert [chosen.get_data_info(i)['img_path'][-7:] for i in range(2)] == [
        '001.png', '003.png',
    ]  # fmt: skip
    (root / 'few.txt').write_text('001\n009\n')
    with pytest.raises(FileNotFoundError, match=r'1 of 2 names .*/A. \(009\)'):
        dataset(root, ann_file='few.txt')
    (root / 'few.txt').write_text('001\n001.png\n')
    with pytest.raises(ValueError, match=r'few.txt. names 001 more than once'):
        dataset(root, ann_file='few.txt')
    (root / 'few.txt').write_text('\n')
    with pytest.raises(ValueError, match='one name per line'):
        dataset(root, ann_file='few.txt')
    with pytest.raises(FileNotFoundError, match=r"a list of names at '.*none.txt'"):
        dataset(root, ann_file='none.txt')


def test_files_without_partners_are_named(write_pairs):
    root = write_pairs('gaps', dict(train=9))
    (root / 'train/B/004.png').unlink()
    for number in (0, 1, 2, 3, 5, 6):
        (root / f'train/label/{number:03d}.png').unlink()
    with pytest.raises(FileNotFoundError) as refusal:
        dataset(root)
    message = str(refusal.value)
    assert f"1 of 9 names have no file in '{root}/train/B' (004)" in message
    assert (
        f"6 of 9 names have no file in '{root}/train/label' (000, 001, 002, 003, 005, "
        '...)'
    ) in message
    assert "/A'" not in message


def test_missing_and_empty_folders_and_doubles_are_refused(write_pairs, save):
    root = write_pairs('few', dict(train=1))
    with pytest.raises(FileNotFoundError, match=r"folder at '.*val/A', there is none"):
        dataset(root, 'val')
    (root / 'train/B/000.png').unlink()
    with pytest.raises(FileNotFoundError, match=r"in '.*train/B', found none"):
        dataset(root)
    save('few/train/B/000.jpg', np.zeros((4, 4, 3)))
    save('few/train/B/000.png', np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match=r"000.jpg' and '000.png' share a name"):
        dataset(root)


def test_a_prefix_of_other_keys_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"\['img_path', 'img_path2', 'seg_map_path'\]"
    ):
        ChangeDataset(data_prefix=dict(img_path='A'))


def test_the_dates_are_stacked_in_order_and_as_red_green_blue(save):
    first = save('a.png', np.broadcast_to([1, 2, 3], (4, 5, 3)))
    second = save('b.png', np.broadcast_to([4, 5, 6], (4, 5, 3)))
    results = LoadChangePair()(dict(img_path=first, img_path2=second))
    assert results['img'].shape == (4, 5, 6)
    assert (results['img'] == [1, 2, 3, 4, 5, 6]).all()
    assert results['img_shape'] == results['ori_shape'] == (4, 5)


def test_pairs_and_masks_of_different_sizes_are_refused(save):
    first, second = save('a.png', np.zeros((4, 5, 3))), save('b.png', np.zeros((5, 4)))
    mask = save('m.png', np.zeros((5, 4)))
    with pytest.raises(
        ValueError, match=r"4 x 5 pixels in '.*a.png' and 5 x 4 pixels in '.*b.png'"
    ):
        LoadChangePair()(dict(img_path=first, img_path2=second))
    results = LoadChangePair()(dict(img_path=first, img_path2=first))
    with pytest.raises(
        ValueError, match=r"4 x 5 pixels as in '.*a.png', got 5 x 4 .* '.*m.png'"
    ):
        LoadChangeAnnotations()(results | dict(seg_map_path=mask))


def test_a_broken_image_is_named(tmp_path):
    file = tmp_path / 'a.png'
    file.write_bytes(b'no image')
    with pytest.raises(ValueError, match=r"cannot read '.*a.png' as an image"):
        LoadChangePair()(dict(img_path=str(file), img_path2=str(file)))


def test_254_is_change(save):
    pixels = np.zeros((5, 8))
    pixels[0, :6] = [0, 1, 127, 128, 254, 255]
    file = save('m.png', pixels)
    mask = read_mask(file, lossy=True)
    assert mask.dtype == np.uint8
    assert mask[0].tolist() == [0, 0, 0, 1, 1, 1, 0, 0]
    assert mask[1:].max() == 0
    results = LoadChangeAnnotations(lossy=True)(dict(seg_map_path=file, seg_fields=[]))
    assert (results['gt_seg_map'] == mask).all()
    assert results['seg_fields'] == ['gt_seg_map']


def test_a_jpeg_gives_back_what_was_drawn(save):
    drawn = np.zeros((64, 64))
    drawn[10:40, 24:50] = 255
    mask = read_mask(save('m.jpg', drawn), lossy=True)
    assert set(np.unique(Image.open(save('m.jpg', drawn)))) - {0, 255}
    # Blocks of 8 pixels blur the drawing's edges, and no more.
    wrong = (mask != drawn // 255).sum()
    assert wrong <= 0.02 * (2 * 30 + 2 * 26) * 2


@pytest.mark.parametrize('white', [1, 255])
def test_masks_of_one_and_of_255_and_of_a_single_bit_agree(save, tmp_path, white):
    drawn = np.array([[0, 1, 1], [0, 0, 1]], np.uint8)
    assert (read_mask(save('m.png', white * drawn)) == drawn).all()
    colors = np.repeat(white * drawn[..., None], 3, axis=2)
    assert (read_mask(save('c.png', colors)) == drawn).all()
    Image.fromarray(drawn.astype(bool)).save(tmp_path / 'bit.png')
    assert (read_mask(tmp_path / 'bit.png') == drawn).all()


def test_masks_of_unknown_values_are_refused(save, tmp_path):
    with pytest.raises(
        ValueError, match=r"0 and 255 .* '.*m.png', got 0, 1, 255; .*los"
    ):
        read_mask(save('m.png', [[0, 1, 255]]))
    with pytest.raises(ValueError, match=r'got 0, 1, 2, 3, 4, 5, 6, 7, \.\.\.;'):
        read_mask(save('m.png', [list(range(20))]))
    with pytest.raises(
        ValueError, match=r"black and white .*'.*g.png', got 100% of gr"
    ):
        read_mask(save('g.png', np.full((4, 4), 100)), lossy=True)
    with pytest.raises(ValueError, match=r"in the mask '.*c.png', got colors; convert"):
        read_mask(save('c.png', np.broadcast_to([255, 0, 0], (4, 4, 3))))
    with pytest.raises(FileNotFoundError, match=r"x.png', there is no such file"):
        read_mask(tmp_path / 'x.png')
    (tmp_path / 't.png').write_text('no image')
    with pytest.raises(ValueError, match=r"the mask '.*t.png' as an image"):
        read_mask(tmp_path / 't.png')
    whole = Path(save('w.png', np.random.rand(64, 64) * 255)).read_bytes()
    (tmp_path / 'w.png').write_bytes(whole[:200])
    with pytest.raises(ValueError, match=r"the mask '.*w.png' as an image"):
        read_mask(tmp_path / 'w.png')


def numbered(height, width):
    """A pair whose pixels tell where they were, and a mask derived from them."""
    place = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    image = np.stack([place] * 6, axis=2)
    return dict(
        img=image, gt_seg_map=place % 2, seg_fields=['gt_seg_map'],
        img_shape=(height, width),
    )  # fmt: skip


@pytest.mark.parametrize(
    'pipeline',
    [
        [t for t in CDD.train_pipeline if t['type'].startswith('Random')],
        [dict(type='RandomCrop', crop_size=(7, 5))],
        [dict(type='RandomFlip', prob=0.5, direction=['horizontal', 'vertical'])],
    ],
    ids=['the configs', 'crop', 'both flips'],
)
def test_augmentations_move_both_dates_and_the_mask_alike(pipeline):
    """Transform (A, A, a mask of A): all three stay aligned."""
    transform, seen = Compose(pipeline), set()
    random.seed(0)
    for _ in range(40):
        results = transform(numbered(12, 15))
        image, mask = results['img'], results['gt_seg_map']
        assert (image == image[..., :1]).all()
        assert (mask == image[..., 0] % 2).all()
        seen.add(image[..., 0].tobytes())
    assert len(seen) > 2


def test_the_configs_draw_all_eight_turns_and_flips_equally_often():
    """As flips (p .5 each) and quarter turns (p .75) one after the other would."""
    pipeline = [t for t in CDD.train_pipeline if t['type'].startswith('Random')]
    transform = Compose(pipeline)
    random.seed(0)
    square = numbered(4, 4)
    turns = [np.rot90(square['img'], k) for k in range(4)]
    eight = [x[..., 0].tobytes() for t in turns for x in (t, t[::-1])]
    assert len(set(eight)) == 8
    draws = 4000
    counts = Counter(
        transform(dict(square))['img'][..., 0].tobytes() for _ in range(draws)
    )
    assert set(counts) == set(eight)
    # Chi-square with 7 degrees of freedom: 24.3 is exceeded once in a thousand.
    expected = draws / 8
    assert sum((c - expected) ** 2 / expected for c in counts.values()) < 24.3


def test_an_epoch_through_the_pipeline_of_the_config(write_pairs):
    root = write_pairs('cdd', dict(train=3), masks='OUT', suffix='.jpg')
    cfg = CDD.train_dataloader.dataset.copy()
    data = DATASETS.build(cfg | dict(data_root=str(root)))
    for index in range(3):
        packed = data[index]
        truth = packed['data_samples'].gt_sem_seg.data
        assert packed['inputs'].shape == (6, 64, 64)
        assert truth.shape == (1, 64, 64)
        # The rectangle that the later date adds, blurred by JPEG alone.
        difference = packed['inputs'][3:].float() - packed['inputs'][:3].float()
        bright = difference.mean(dim=0) > 70
        assert (bright == truth[0].bool()).float().mean() > 0.98
        assert 0.06 < truth.float().mean() < 0.09
