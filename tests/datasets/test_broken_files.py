"""A file that cannot be read is named in one line; a bug keeps type and traceback."""

import sys

import pytest
from torch.utils.data import DataLoader

from rsp import compat
from rsp.datasets import ImageFolder
from rsp.datasets.broken_files import name_item
from rsp.errors import MissingData, UserError

LOAD = [dict(type='mmpretrain.LoadImageFromFile')]


def use_a_wrong_key(results):
    return results['imgg']


class LoadNothing:
    """A loader with a mistake of its own."""

    def __call__(self, results):
        return results['path']


@pytest.fixture
def folder(write_images):
    root = write_images('scenes', ['a.png', 'b.png'])

    def make(*steps):
        return ImageFolder(str(root), with_label=False, pipeline=[*LOAD, *steps])

    return make


@pytest.mark.parametrize('workers', [0, 1])
def test_a_bug_in_a_transform_is_no_broken_image(folder, workers):
    loader = DataLoader(folder(use_a_wrong_key), num_workers=workers)
    with pytest.raises(KeyError, match='imgg') as raised:
        next(iter(loader))
    notes = [*getattr(raised.value, '__notes__', ()), str(raised.value)]
    if sys.version_info >= (3, 11):
        assert any("scenes/a.png'" in note for note in notes)
    frames = [str(raised.getrepr(style='short')), *notes]
    assert any('in use_a_wrong_key' in frame for frame in frames)


def test_a_bug_in_a_loader_is_no_broken_image(folder):
    with pytest.raises(KeyError, match='path'):
        folder(LoadNothing())[0]


def test_a_refusal_of_a_transform_gets_the_file_in_front(folder):
    def refuse(results):
        raise UserError('expected more.')

    with pytest.raises(UserError, match=r"^'.*scenes/a\.png': expected more\.$"):
        folder(refuse)[0]


def test_a_missing_file_stays_a_missing_file():
    with pytest.raises(MissingData, match=r'^window 3: gone$'), name_item('window 3'):
        raise MissingData('gone')


def test_before_python_3_11_the_note_is_the_first_cause():
    class Old(Exception):
        @property
        def add_note(self):
            raise AttributeError

    cause = KeyError('a')
    error = Old('b')
    error.__cause__ = cause
    compat.add_note(error, 'note')
    assert error.__cause__ is cause
    assert str(cause.__cause__) == 'note'


@pytest.mark.parametrize('broken', [['b.png'], ['a.png', 'c.png'], ['c.png']])
def test_the_next_image_takes_the_place_of_a_bad_one(write_images, broken):
    names = ['a.png', 'b.png', 'c.png']
    root = write_images('scenes', names)
    good = [name for name in names if name not in broken]
    for name in broken:
        (root / name).write_bytes(b'<html>')
    skip = dict(on_bad_image='skip', max_bad_share=1)
    dataset = ImageFolder(str(root), with_label=False, pipeline=LOAD, **skip)
    for number, name in enumerate(names):
        later = [n for n in names[number:] + names[:number] if n in good]
        assert dataset[number]['img_path'] == str(root / later[0]), name
    assert dataset.bad_images.file is None


def test_no_good_image_and_a_bug_are_errors_all_the_same(write_images):
    root = write_images('scenes', ['a.png', 'b.png'])
    skip = dict(with_label=False, on_bad_image='skip', max_bad_share=1)
    dataset = ImageFolder(str(root), pipeline=[*LOAD, use_a_wrong_key], **skip)
    with pytest.raises(KeyError, match='imgg'):
        dataset[0]
    for file in root.iterdir():
        file.unlink()
    with pytest.raises(UserError, match='got none of 2'):
        dataset[0]
    with pytest.raises(UserError, match="'on_bad_image'"):
        ImageFolder(str(root), on_bad_image='ignore')
