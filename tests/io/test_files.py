import os
import re
from pathlib import Path

import pytest

from rsp.datasets import ImageFolder
from rsp.io.files import files_below, make_folder, write_atomically

TIF = ('.tif', '.tiff')


def names(folder):
    return [file.relative_to(folder).as_posix() for file in files_below(folder, TIF)]


def test_files_are_sorted_by_path_with_endings_in_any_case(tmp_path):
    for name in ('b.tif', 'a/z.TIF', 'a b.Tiff', 'a/readme.txt', 'deep/er/x.tif'):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / 'folder.tif').mkdir()
    (tmp_path / 'gone.tif').symlink_to(tmp_path / 'nowhere')
    (tmp_path / 'itself.tif').symlink_to('itself.tif')
    assert names(tmp_path) == ['a/z.TIF', 'a b.Tiff', 'b.tif', 'deep/er/x.tif']


def test_links_to_folders_are_followed_but_never_in_circles(tmp_path):
    disk, data = tmp_path / 'disk', tmp_path / 'data'
    for folder in (disk / '2020', disk / '2021', data):
        folder.mkdir(parents=True)
    (disk / '2020/a.tif').touch()
    (data / 'first').symlink_to(disk / '2020')
    (data / 'all').symlink_to(disk)
    (disk / '2020/next').symlink_to(disk / '2021')
    (disk / '2021/before').symlink_to(disk / '2020')
    (disk / 'up').symlink_to(tmp_path)
    found = names(data)
    assert {'first/a.tif', 'all/2020/a.tif'} <= {*found}
    assert len(found) == len({*found})
    assert all(len(Path(name).parts) < 10 for name in found)


def test_a_folder_that_may_not_be_read_is_named_not_passed_over(tmp_path, monkeypatch):
    (tmp_path / 'lost+found').mkdir()
    (tmp_path / 'b').mkdir()
    (tmp_path / 'a.tif').touch()
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith(('lost+found', f'{os.sep}b')):
            raise PermissionError(13, 'Permission denied', str(folder))
        return scandir(folder)

    # pytest itself lists folders when a test is over.
    with monkeypatch.context() as patch:
        patch.setattr('rsp.io.files.os.scandir', refuse)
        place = re.escape(str(tmp_path / 'b'))
        with pytest.raises(ValueError, match=f"at '{place}', got: Permission"):
            names(tmp_path)
        (tmp_path / 'b').rmdir()
        assert names(tmp_path) == ['a.tif']


def test_images_in_a_linked_part_of_a_class_are_listed(tmp_path, write_images):
    write_images('data', ['forest/1.png', 'river/2.png'])
    write_images('disk', ['3.png'])
    (tmp_path / 'data/forest/part2').symlink_to(tmp_path / 'disk')
    dataset = ImageFolder(data_root=str(tmp_path / 'data'), pipeline=[])
    assert dataset.labels.tolist() == [0, 0, 1]


def test_a_folder_for_results_is_made_or_refused(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / 'a/b')
    assert not any((tmp_path / 'a/b').iterdir())
    (tmp_path / 'file').touch()
    for place in ('file', 'file/below'):
        named = re.escape(str(tmp_path / place))
        with pytest.raises(ValueError, match=f"at '{named}', got: .*; choose another"):
            make_folder(tmp_path / place)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    file = tmp_path / 'result.json'

    def write(text, error=None):
        with write_atomically(file) as unfinished:
            unfinished.write_text(text)
            if error:
                raise error

    write('old')
    with pytest.raises(KeyboardInterrupt):
        write('ne', KeyboardInterrupt)
    assert file.read_text() == 'old'
    assert [*tmp_path.iterdir()] == [file]


def test_what_a_killed_process_left_unfinished_is_not_listed(tmp_path):
    with write_atomically(tmp_path / 'a.tif') as unfinished:
        unfinished.touch()
        assert files_below(tmp_path) == []
    assert files_below(tmp_path) == [tmp_path / 'a.tif']
