import re

import pytest
from PIL import Image

from rsp.datasets import ImageFolder

LOAD = [dict(type='mmpretrain.LoadImageFromFile'), dict(type='mmpretrain.PackInputs')]


def paths(dataset, root):
    return [
        dataset.get_data_info(i)['img_path'].removeprefix(f'{root}/')
        for i in range(len(dataset))
    ]


def test_scenes_are_listed_recursively_and_sorted(write_images):
    """In any case, ignoring what is no image."""
    root = write_images('scenes', ['b.JPG', 'a.png', 'sub/deep/c.tif', 'sub/d.jpeg'])
    (root / 'notes.txt').write_text('no image')
    (root / 'sub' / 'a.tfw').write_text('no image')
    dataset = ImageFolder(str(root), with_label=False)
    assert paths(dataset, root) == ['a.png', 'b.JPG', 'sub/d.jpeg', 'sub/deep/c.tif']
    assert dataset.labels is None
    assert 'gt_label' not in dataset.get_data_info(0)


def test_labels_are_the_sorted_places_of_the_class_folders(write_images):
    root = write_images('photos', ['n02/y.jpg', 'n01/x.jpg', 'n01/sub/z.jpg'])
    dataset = ImageFolder(str(root))
    assert paths(dataset, root) == ['n01/sub/z.jpg', 'n01/x.jpg', 'n02/y.jpg']
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.metainfo['classes'] == ('n01', 'n02')


def test_a_list_file_may_have_spaces_in_its_paths(write_images, tmp_path):
    write_images('photos', ['my cat.jpg', 'dog.jpg'])
    (tmp_path / 'train.txt').write_text('my cat.jpg 7\n\ndog.jpg 0\n')
    dataset = ImageFolder(str(tmp_path), 'photos', ann_file='train.txt')
    assert dataset.labels.tolist() == [7, 0]
    assert dataset.get_data_info(0)['img_path'] == f'{tmp_path}/photos/my cat.jpg'


@pytest.mark.parametrize('blank', [' ', '\t', ' \t ', '   '])
def test_any_blanks_may_stand_before_a_label(write_images, tmp_path, blank):
    write_images('photos', ['a b.jpg', 'c.jpg'])
    (tmp_path / 'train.txt').write_text(f'a b.jpg{blank}12\r\n  ./c.jpg 0  \n')
    dataset = ImageFolder(str(tmp_path), 'photos', ann_file='train.txt')
    assert dataset.labels.tolist() == [12, 0]
    assert paths(dataset, tmp_path / 'photos') == ['a b.jpg', 'c.jpg']


def test_an_endless_label_is_refused(write_images, tmp_path):
    write_images('photos', ['x.png'])
    (tmp_path / 'train.txt').write_text(f'x.png {10**19}\n')
    with pytest.raises(ValueError, match=r"labels below 2\*\*63 .* got '10000"):
        ImageFolder(str(tmp_path), 'photos', ann_file='train.txt')


def test_an_item_carries_pixels_label_and_path(write_images):
    root = write_images('photos', ['a/x.png', 'b/y.png'], size=(8, 6))
    item = ImageFolder(str(root), pipeline=LOAD)[1]
    assert item['inputs'].shape == (3, 8, 6)
    assert item['data_samples'].gt_label.tolist() == [1]
    assert item['data_samples'].img_path == f'{root}/b/y.png'


@pytest.mark.parametrize(
    'line', ['x.png', 'x.png cat', 'x.png -1', 'x.png 1.5', '7', 'x.png ²']
)
def test_a_line_without_valid_label_is_refused(write_images, tmp_path, line):
    write_images('photos', ['x.png'])
    (tmp_path / 'train.txt').write_text(f'x.png 0\n{line}\n')
    message = rf"line 2 of '.*train\.txt', got '{re.escape(line)}'"
    with pytest.raises(ValueError, match=message):
        ImageFolder(str(tmp_path), 'photos', ann_file='train.txt')


def test_a_missing_folder_is_named_with_its_keys(tmp_path):
    message = r"images at '.*/nowhere', there is none.*'data_root'"
    with pytest.raises(FileNotFoundError, match=message):
        ImageFolder(str(tmp_path), 'nowhere')


def test_no_folder_at_all_is_refused():
    with pytest.raises(ValueError, match=r"set 'data_root' or 'data_prefix'"):
        ImageFolder()


def test_a_missing_list_file_is_named(write_images, tmp_path):
    write_images('photos', ['x.png'])
    with pytest.raises(FileNotFoundError, match=r"list file at '.*gone\.txt'"):
        ImageFolder(str(tmp_path), 'photos', ann_file='gone.txt')


def test_listed_images_that_are_missing_are_named(write_images, tmp_path):
    write_images('photos', ['a/x.png'])
    lines = ['a/x.png 0', 'a/gone.png 0', 'b/y.png 1']
    (tmp_path / 'train.txt').write_text('\n'.join(lines))
    message = r"2 of the 3 images that '.*train\.txt' lists .*: a/gone\.png, b/y\.png;"
    with pytest.raises(FileNotFoundError, match=message):
        ImageFolder(str(tmp_path), 'photos', ann_file='train.txt')


@pytest.mark.parametrize('with_label', [True, False])
def test_an_empty_folder_is_refused(tmp_path, with_label):
    with pytest.raises(ValueError, match=r'found none; check .*\.jpg'):
        ImageFolder(str(tmp_path), with_label=with_label)


def test_an_empty_class_folder_is_refused(write_images):
    root = write_images('photos', ['a/x.png'])
    (root / 'b').mkdir()
    with pytest.raises(ValueError, match=r"in '.*/b', found none; every sub-folder"):
        ImageFolder(str(root))


def test_an_empty_list_file_is_refused(write_images, tmp_path):
    write_images('photos', ['x.png'])
    (tmp_path / 'train.txt').write_text('\n')
    with pytest.raises(ValueError, match=r"line per image in '.*train\.txt'"):
        ImageFolder(str(tmp_path), 'photos', ann_file='train.txt')


def test_class_folders_must_match_given_classes(write_images):
    root = write_images('photos', ['a/x.png', 'b/y.png'])
    with pytest.raises(ValueError, match=r"expected 3 class folders in '.*', got 2"):
        ImageFolder(str(root), metainfo=dict(classes=('a', 'b', 'c')))


def test_a_broken_image_names_its_file(write_images):
    root = write_images('scenes', ['good.jpg', 'ok.jpg'])
    (root / 'broken.jpg').write_bytes(b'no jpeg')
    dataset = ImageFolder(str(root), with_label=False, pipeline=LOAD)
    with pytest.raises(ValueError, match=r"cannot load '.*broken\.jpg'.*repair"):
        dataset[0]


def test_a_vanished_image_names_its_file(write_images):
    root = write_images('scenes', ['a.jpg'])
    dataset = ImageFolder(str(root), with_label=False, pipeline=LOAD)
    (root / 'a.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r"cannot load '.*a\.jpg'"):
        dataset[0]


def test_a_pipeline_that_loses_the_image_is_refused(write_images):
    root = write_images('scenes', ['a.jpg'])
    dataset = ImageFolder(str(root), with_label=False, pipeline=[lambda results: None])
    with pytest.raises(ValueError, match=r"a\.jpg': the pipeline returned nothing"):
        dataset[0]


def test_a_16_color_picture_is_read_as_color(tmp_path):
    Image.new('P', (4, 5)).save(tmp_path / 'palette.png')
    item = ImageFolder(str(tmp_path), with_label=False, pipeline=LOAD)[0]
    assert item['inputs'].shape == (3, 5, 4)
