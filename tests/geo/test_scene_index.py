import errno
import os

import pytest

from rsp.geo import scene_index
from rsp.geo.scene_index import FILE_NAME, SceneIndex


@pytest.fixture
def looked_at(monkeypatch):
    """Names of the files that are opened."""
    names = []
    read = scene_index.read_scene

    def remember(file, path, *shared):
        names.append(path)
        return read(file, path, *shared)

    monkeypatch.setattr(scene_index, 'read_scene', remember)
    return names


def touch(file):
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))


def test_a_folder_is_searched_with_its_sub_folders(write_scene, tmp_path):
    for name in ('b.tif', 'a/two.TIF', 'a/one.tiff'):
        write_scene(f'scenes/{name}')
    (tmp_path / 'scenes/readme.txt').write_text('no scene')
    index = SceneIndex.build(tmp_path / 'scenes')
    assert [s.path for s in index.scenes] == ['a/one.tiff', 'a/two.TIF', 'b.tif']
    assert index.path_of(index.scenes[2]) == str(tmp_path / 'scenes/b.tif')
    assert (tmp_path / 'scenes' / FILE_NAME).is_file()


def test_an_index_is_read_back_equal(write_scene, tmp_path, looked_at):
    write_scene('a.tif')
    write_scene('b.tif', bands=1)
    first = SceneIndex.build(tmp_path)
    assert SceneIndex.build(tmp_path) == first
    assert sorted(looked_at) == ['a.tif', 'b.tif']


def test_only_what_changed_is_read_anew(write_scene, tmp_path, looked_at):
    for name in 'abc':
        write_scene(f'{name}.tif')
    SceneIndex.build(tmp_path)
    looked_at.clear()
    touch(tmp_path / 'b.tif')
    (tmp_path / 'c.tif').unlink()
    write_scene('d.tif', width=50)
    index = SceneIndex.build(tmp_path)
    assert sorted(looked_at) == ['b.tif', 'd.tif']
    assert [s.path for s in index.scenes] == ['a.tif', 'b.tif', 'd.tif']
    assert SceneIndex.build(tmp_path) == index
    assert sorted(looked_at) == ['b.tif', 'd.tif']


@pytest.mark.parametrize(
    'damage',
    [
        lambda text: text[: len(text) // 2],
        lambda text: '\n'.join(text.splitlines()[:2]) + '\n',
        lambda text: 'no json',
        lambda text: text.replace('"rsp_scene_index": 2', '"rsp_scene_index": 99'),
    ],
)
def test_a_damaged_index_is_made_anew(write_scene, tmp_path, damage):
    for name in 'ab':
        write_scene(f'{name}.tif')
    index = SceneIndex.build(tmp_path)
    file = tmp_path / FILE_NAME
    file.write_text(damage(file.read_text()))
    assert SceneIndex.build(tmp_path) == index


def test_unreadable_files_are_counted_and_named(write_scene, tmp_path, looked_at):
    write_scene('a.tif')
    (tmp_path / 'broken.tif').write_bytes(b'II*\0 and no more')
    index = SceneIndex.build(tmp_path)
    assert [entry.path for entry in index.unreadable] == ['broken.tif']
    assert 'broken.tif' in index.unreadable[0].error
    assert index.describe() == (
        f"1 scenes in '{tmp_path}'; 1 files cannot be read: broken.tif"
    )
    looked_at.clear()
    assert SceneIndex.build(tmp_path) == index
    assert looked_at == []


def test_the_index_may_lie_elsewhere(write_scene, tmp_path):
    write_scene('scenes/a.tif')
    cache = tmp_path / 'cache' / 'mine.jsonl'
    SceneIndex.build(tmp_path / 'scenes', cache=cache)
    assert cache.is_file()
    assert not (tmp_path / 'scenes' / FILE_NAME).exists()


def test_links_to_folders_are_followed(write_scene, tmp_path):
    write_scene('disk/a.tif')
    (tmp_path / 'scenes').mkdir()
    (tmp_path / 'scenes/2020').symlink_to(tmp_path / 'disk')
    (scene,) = SceneIndex.build(tmp_path / 'scenes').scenes
    assert scene.path == '2020/a.tif'


def test_a_name_that_gdal_cannot_open_is_refused(write_scene, tmp_path):
    file = write_scene('scenes/a.tif')
    os.rename(file, os.fsencode(file.parent) + b'/\xe9t\xe9.tif')
    with pytest.raises(ValueError, match=r"UTF-8.*\\xe9t\\xe9\.tif'; rename it"):
        SceneIndex.build(tmp_path / 'scenes')


def test_on_a_disk_mounted_read_only_the_index_is_made_anew_each_time(
    write_scene, tmp_path, monkeypatch, looked_at
):
    write_scene('a.tif')

    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, 'Read-only file system', str(path))

    for change in ('write_text', 'mkdir', 'unlink'):
        monkeypatch.setattr(f'pathlib.Path.{change}', refuse)
    for _ in range(2):
        assert len(SceneIndex.build(tmp_path)) == 1
    assert looked_at == ['a.tif', 'a.tif']


def test_patterns_and_lists(write_scene, tmp_path):
    files = [write_scene(f's/{n}/{n}_{k}.tif') for n in 'ab' for k in ('rgb', 'nir')]
    index = SceneIndex.build(str(tmp_path / 's/**/*_rgb.tif'))
    assert index.root == tmp_path / 's'
    assert [s.path for s in index.scenes] == ['a/a_rgb.tif', 'b/b_rgb.tif']
    index = SceneIndex.build([files[3], files[2]])
    assert index.root == tmp_path / 's/b'
    assert [s.path for s in index.scenes] == ['b_nir.tif', 'b_rgb.tif']


def test_what_is_not_there_is_named(tmp_path, write_scene):
    with pytest.raises(FileNotFoundError, match=r"folder of scenes at '.*gone'"):
        SceneIndex.build(tmp_path / 'gone')
    with pytest.raises(ValueError, match=r"scenes in '.*', found none"):
        SceneIndex.build(tmp_path)
    with pytest.raises(ValueError, match=r"files like '.*x\*', found none"):
        SceneIndex.build(str(tmp_path / 'x*'))
    with pytest.raises(FileNotFoundError, match=r'1 of the 2 scenes .*gone\.tif'):
        SceneIndex.build([write_scene('a.tif'), tmp_path / 'gone.tif'])
    with pytest.raises(ValueError, match='an empty one'):
        SceneIndex.build([])
