"""A list of files is kept until the folder changes."""

import os
from collections import Counter

import pytest

from rsp.io import listing
from rsp.io.files import files_below
from rsp.io.listing import list_names


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv('RSP_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(listing, 'LONG', 3)
    root = tmp_path / 'images'
    for name in ('a/x.jpg', 'a/y.JPG', 'a-b/z.jpg', 'a.txt', 'ü/.hidden.jpg', 'w.jpg'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    age(root)
    return root


def age(root):
    """Let all folders have changed long ago."""
    for folder in [root, *root.rglob('*')]:
        if folder.is_dir():
            os.utime(folder, (1e9, 1e9))


@pytest.fixture
def walks(monkeypatch):
    """Count how often a folder is looked through."""
    walked = []
    walk = listing.walk_files
    monkeypatch.setattr(
        listing, 'walk_files', lambda *args: walked.append(args) or walk(*args)
    )
    return walked


def test_names_are_those_of_the_files_sorted_by_their_bytes(folder):
    counts = Counter()
    names = [*list_names(folder, ('.jpg',), counts)]
    assert names == ['a-b/z.jpg', 'a/x.jpg', 'a/y.JPG', 'w.jpg']
    expected = Counter()
    files = files_below(folder, ('.jpg',), expected)
    assert {folder / name for name in names} == {*files}
    assert counts == expected == {'.txt': 1, 'hidden': 1}


def test_a_list_that_holds_is_not_made_again(folder, walks):
    first, second = Counter(), Counter()
    names = [*list_names(folder, ('.jpg',), first)]
    assert [*list_names(folder, ('.jpg',), second)] == names
    assert first == second
    assert len(walks) == 1
    list_names(folder, ('.txt',))  # Another list of the same folder.
    assert len(walks) == 2


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (lambda root: (root / 'a/n.jpg').touch(), {'a/n.jpg'}),
        (lambda root: (root / 'a/x.jpg').unlink(), {'a/x.jpg'}),
        (lambda root: (root / 'w.jpg').rename(root / 'v.jpg'), {'w.jpg', 'v.jpg'}),
        (
            lambda root: (root / 'a').rename(root / 'b'),
            {'a/x.jpg', 'a/y.JPG', 'b/x.jpg', 'b/y.JPG'},
        ),
    ],
)
def test_a_folder_that_has_changed_is_listed_again(folder, walks, change, expected):
    before = {*list_names(folder, ('.jpg',))}
    change(folder)
    assert before ^ {*list_names(folder, ('.jpg',))} == expected
    assert len(walks) == 2


def test_a_folder_that_has_just_changed_is_not_trusted(folder, walks):
    (folder / 'a/n.jpg').touch()
    for _ in range(2):
        assert 'a/n.jpg' in list_names(folder, ('.jpg',))
    assert len(walks) == 2


def test_short_lists_are_not_kept(folder, walks, monkeypatch):
    monkeypatch.setattr(listing, 'LONG', 5)
    for _ in range(2):
        list_names(folder, ('.jpg',))
    assert len(walks) == 2


@pytest.mark.parametrize('damage', [b'', b'{}', b'[1', b'x' * 99])
@pytest.mark.parametrize('ending', ['json', 'names'])
def test_a_damaged_list_is_made_again(folder, walks, tmp_path, damage, ending):
    names = [*list_names(folder, ('.jpg',))]
    (file,) = (tmp_path / 'cache/listings').glob(f'*.{ending}')
    file.write_bytes(damage)
    assert [*list_names(folder, ('.jpg',))] == names
    assert len(walks) == 2
