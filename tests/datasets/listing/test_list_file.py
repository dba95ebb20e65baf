"""What a long list file says is kept until it changes."""

import os

import pytest

from rsp.datasets.listing import list_file, read_list_file


@pytest.fixture
def listed(tmp_path, monkeypatch):
    monkeypatch.setenv('RSP_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(list_file, 'LONG', 2)
    file = tmp_path / 'list.txt'
    file.write_text('a/x y.jpg 3\n\nb.jpg 1\n')
    os.utime(file, (1e9, 1e9))
    return file


@pytest.fixture
def parsings(monkeypatch):
    """Count how often a file is parsed."""
    parsed = []
    parse = list_file._parse_lines
    monkeypatch.setattr(
        list_file, '_parse_lines', lambda *args: parsed.append(args) or parse(*args)
    )
    return parsed


def read(file, with_label=True):
    names, labels = read_list_file(file, with_label)
    return [*names], None if labels is None else labels.tolist()


def test_a_list_that_holds_is_not_parsed_again(listed, parsings):
    for _ in range(2):
        assert read(listed) == (['a/x y.jpg', 'b.jpg'], [3, 1])
    assert len(parsings) == 1
    for _ in range(2):
        assert read(listed, False) == (['a/x y.jpg 3', 'b.jpg 1'], None)
    assert len(parsings) == 2


@pytest.mark.parametrize('time', [2e9, 1e9 + 1])
def test_a_list_that_was_written_anew_is_parsed_again(listed, parsings, time):
    read(listed)
    listed.write_text('a/x y.jpg 5\n\nb.jpg 1\n')
    os.utime(listed, (time, time))
    assert read(listed)[1] == [5, 1]
    assert len(parsings) == 2


def test_a_list_that_was_just_written_is_not_trusted(listed, parsings):
    listed.touch()
    for _ in range(2):
        read(listed)
    assert len(parsings) == 2


@pytest.mark.parametrize('ending', ['json', 'names', 'npy'])
def test_a_damaged_copy_is_made_again(listed, parsings, tmp_path, ending):
    read(listed)
    (file,) = (tmp_path / 'cache/listings').glob(f'*.{ending}')
    file.write_bytes(b'x')
    assert read(listed) == (['a/x y.jpg', 'b.jpg'], [3, 1])
    assert len(parsings) == 2
