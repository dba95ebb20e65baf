from collections import Counter

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from rsp.prepare.check import SplitReport, check_datasets, image_size, inspect_sample

MASKS = np.zeros((8, 10), np.uint8)


def folder_loader(root, **dataset):
    return dict(
        dataset=dict(type='rsp.ImageFolder', data_root=str(root), pipeline=[])
        | dict(with_label=True)
        | dataset
    )


@pytest.fixture
def scenes(write_images):
    names = [f'{"ab"[i > 2]}/{i}.png' for i in range(5)]
    return write_images('scenes', names, size=(6, 8))


def check_loaders(scope='mmpretrain', **loaders):
    return check_datasets(Config(dict(default_scope=scope, **loaders)))


def test_images_sizes_and_labels_are_counted(scenes, write_images):
    write_images('scenes', ['b/9.png'], size=(4, 8))
    (split,) = check_loaders(train_dataloader=folder_loader(scenes))
    assert (split.samples, split.images, split.empty) == (6, 6, 0)
    assert split.counts == {0: 3, 1: 3}
    assert split.sizes == {(6, 8, 3): 5, (4, 8, 3): 1}
    assert split.problems == []
    assert '6 x 8 x 3          5 images' in str(split)
    assert ' 3 (50.00 %)' in str(split)


def test_a_data_set_used_twice_is_walked_once_and_a_probes_training_data_too(scenes):
    loader = folder_loader(scenes)
    splits = check_loaders(
        val_dataloader=loader,
        test_dataloader=loader,
        test_cfg=dict(train_dataloader=folder_loader(scenes, with_label=False)),
    )
    assert [s.name for s in splits] == ['val_dataloader', 'test_cfg.train_dataloader']
    assert splits[1].counts == {}


def test_a_cut_off_file_and_a_file_that_is_no_image_are_named(scenes):
    content = (scenes / 'a/0.png').read_bytes()
    (scenes / 'a/0.png').write_bytes(content[: len(content) // 2])
    (scenes / 'b/4.png').write_text('no image')
    (split,) = check_loaders(train_dataloader=folder_loader(scenes))
    assert split.samples == 5
    assert split.sizes == {(6, 8, 3): 3}
    first, second = split.problems
    assert 'a/0.png' in first
    assert 'b/4.png' in second


def test_a_data_set_that_cannot_be_built_is_a_problem_of_its_split(tmp_path, scenes):
    broken, whole = check_loaders(
        train_dataloader=folder_loader(tmp_path / 'nowhere'),
        test_dataloader=folder_loader(scenes),
    )
    assert 'nowhere' in broken.problems[0]
    assert whole.problems == []


def test_pixels_are_counted_and_values_beside_the_classes_named(tmp_path):
    pytest.importorskip('mmseg')
    for name, mask in (('a', MASKS), ('b', MASKS + 255), ('c', MASKS + 7)):
        for folder in ('img', 'ann'):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(mask).convert('RGB' if folder == 'img' else 'L').save(
                tmp_path / folder / f'{name}.png'
            )
    dataset = dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        metainfo=dict(classes=['ground', 'house']),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
    )
    (split,) = check_loaders('mmseg', test_dataloader=dict(dataset=dataset))
    assert split.counts == {0: 80, 7: 80}
    # The one that is wholly unscored.
    assert split.empty == 1
    assert split.problems == ['labels [7] beside 2 classes in sample 2']


@pytest.fixture
def gray_image(tmp_path):
    """Return a function that writes an image of (height, width)."""

    def write(name, size):
        Image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / name)
        return str(tmp_path / name)

    return write


def test_two_dates_of_different_size_are_named(gray_image):
    info = dict(img_path=gray_image('a.png', (6, 8)))
    info |= dict(img_path2=gray_image('b.png', (6, 9)))
    sizes, _, (problem,) = inspect_sample(info, None)
    assert sizes == [(6, 8, 1), (6, 9, 1)]
    assert 'one size, got 6 x 8 pixels and 6 x 9 pixels in' in problem
    assert 'a.png' in problem
    assert 'b.png' in problem


def test_a_mask_of_another_size_than_its_image_is_named(gray_image):
    """Also where its reader cannot know, as that of pairs without the pair."""
    info = dict(img_path=gray_image('a.png', (6, 8)), seg_map_path='mask.png')
    _, labels, (problem,) = inspect_sample(
        info, lambda info: info | dict(gt_seg_map=np.zeros((8, 6), np.uint8))
    )
    assert labels is None
    assert 'expected 6 x 8 pixels as in' in problem
    assert "got 8 x 6 pixels in the mask 'mask.png'" in problem


def test_an_annotation_that_states_another_size_is_named(gray_image):
    """Its boxes were checked against that size, and may lie outside the image."""
    info = dict(img_path=gray_image('a.png', (6, 8)), instances=[])
    assert inspect_sample(info | dict(height=6, width=8), None)[2] == []
    _, labels, (problem,) = inspect_sample(info | dict(height=8, width=6), None)
    assert labels == {}
    assert 'a.png' in problem
    assert 'got 8 x 6 pixels in its annotation' in problem


def test_a_photo_marked_as_turned_has_the_size_it_is_trained_at(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new('RGB', (8, 6)).save(tmp_path / 'a.jpg', exif=exif)
    assert cv2.imread(str(tmp_path / 'a.jpg')).shape == (8, 6, 3)
    assert image_size(str(tmp_path / 'a.jpg')) == (8, 6, 3)


def test_scenes_too_large_for_pillow_have_a_size(gray_image, monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 20)
    assert image_size(gray_image('a.png', (6, 8))) == (6, 8, 1)


def test_what_training_refuses_is_a_problem_and_what_it_reads_is_none(tmp_path):
    """The same file, by the same rule: of 16 bits, without and with a stretch."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((5, 7, 3), 300, np.uint16))
    load = dict(type='mmpretrain.LoadImageFromFile')
    options = dict(with_label=False, pipeline=[load])
    (split,) = check_loaders(train_dataloader=folder_loader(tmp_path, **options))
    assert "8 bits in '" in split.problems[0]
    options = dict(with_label=False, pipeline=[load | dict(stretch=(0, 500))])
    (split,) = check_loaders(train_dataloader=folder_loader(tmp_path, **options))
    assert (split.problems, split.sizes) == ([], {(5, 7, 3): 1})


def test_a_long_list_of_problems_is_cut():
    text = str(SplitReport('train', problems=[f'file {i}' for i in range(33)]))
    assert 'PROBLEM file 19' in text
    assert 'file 20' not in text
    assert 'and 13 more problems' in text


@pytest.mark.parametrize('content', [b'', b'<html>Not found</html>'])
def test_a_file_without_an_image_is_an_error_of_input(tmp_path, content):
    file = tmp_path / 'a.png'
    file.write_bytes(content)
    with pytest.raises(OSError, match=r"cannot read '.*a\.png' as an image"):
        image_size(str(file))


def test_masks_of_one_class_and_inverted_ones_are_noted():
    """Valid, and yet a sign of masks that are not what they say; no problem."""
    classes = ('unchanged', 'changed')
    split = SplitReport('train', classes=classes, masks=3, counts=Counter({0: 5, 1: 9}))
    split.single.update([1, 1])
    assert '2 of 3 masks are all one class (2 changed)' in str(split)
    assert 'more than half of the pixels changed: are the masks inv' in str(split)
    split = SplitReport('train', classes=('a', 'b'), masks=3, counts=Counter({1: 9}))
    assert 'NOTE no mask shows a' in str(split)
    assert 'inverted' not in str(split)


def test_masks_all_of_one_class_are_counted(tmp_path):
    pytest.importorskip('rsp.tasks.change_detection', reason='needs mmseg')
    for name, mask in (('a', MASKS), ('b', MASKS.copy())):
        mask[:2, :2] = name == 'b'
        for folder in ('A', 'B', 'label'):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(mask).save(tmp_path / folder / f'{name}.png')
    dataset = dict(
        type='rsp.ChangeDataset',
        data_root=str(tmp_path),
        pipeline=[
            dict(type='rsp.LoadChangePair'),
            dict(type='rsp.LoadChangeAnnotations'),
        ],
    )
    (split,) = check_loaders('mmseg', test_dataloader=dict(dataset=dataset))
    assert (split.masks, split.single, split.problems) == (2, {0: 1}, [])
    assert split.counts == {0: 156, 1: 4}
