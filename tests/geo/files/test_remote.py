"""Scenes behind URLs, served by another process: GDAL keeps Python's lock at times."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from rsp.datasets import PairedSampler, SceneDataset
from rsp.geo.files.remote import facts_of, urls_of
from rsp.geo.scene_index import SceneIndex
from rsp.geo.windows.reader import WindowReader

SERVER = Path(__file__).resolve().parents[3] / 'tools/benchmarks/window_files.py'


@pytest.fixture
def served(write_scene, tmp_path):
    """Folder of scenes, and what their URLs begin with."""
    rng = np.random.default_rng(0)
    options = dict(tiled=True, blockxsize=16, blockysize=16, compress='deflate')
    for name in 'ab':
        pixels = rng.integers(1, 255, (3, 90, 120), np.uint8)
        write_scene(f's/{name}.tif', pixels=pixels, **options)
    facts_of.cache_clear()
    pipe = subprocess.PIPE
    command = [sys.executable, SERVER, tmp_path / 's']
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
        port = server.stdout.readline().strip()
        yield tmp_path / 's', f'http://127.0.0.1:{port}'
        server.stdin.close()


def drawn(source, **options):
    dataset = SceneDataset(source, dict(size=16, length=32), stretch=None, **options)
    draws = list(PairedSampler(dataset, seed=0, batch_size=16))
    return dataset, dataset.__getitems__(draws)


def test_urls_give_the_windows_that_files_give(served):
    folder, root = served
    urls = [f'{root}/{name}.tif' for name in 'ba']
    remote, theirs = drawn(urls)
    _, ours = drawn(folder)
    assert [s.path for s in remote.images.scenes] == sorted(urls)
    for one, other in zip(theirs, ours, strict=True):
        assert one['window'] == other['window']
        assert os.path.basename(one['img_path']) == os.path.basename(other['img_path'])
        np.testing.assert_array_equal(one['img'], other['img'])
    assert 'behind URLs' in SceneIndex.build(urls).describe()
    assert not Path('.rsp_scenes.jsonl').exists()


def test_threads_wait_for_servers_and_no_more_of_them_for_files(served):
    folder, root = served
    reader = dict(threads=1, remote_threads=5)

    counts = []
    for source in ([f'{root}/a.tif'], [folder / 'a.tif']):
        dataset, _ = drawn(source, reader=reader)
        counts.append(dataset.images.reader._pool._max_workers)
        dataset.images.reader.close()
    assert counts == [5, 1]
    assert WindowReader(threads=0).remote_threads == 0
    assert WindowReader(threads=9, remote_threads=5).remote_threads == 9


def test_an_index_of_urls_is_kept_where_it_is_told(served, tmp_path, monkeypatch):
    _, root = served
    urls, cache = [f'{root}/a.tif', f'{root}/b.tif'], tmp_path / 'index.jsonl'
    first = SceneIndex.build(urls, cache)
    with monkeypatch.context() as patched:
        patched.delattr('rsp.geo.scene_index.read_scene')
        assert SceneIndex.build(urls, cache) == first
    # Another size is another file.
    facts_of.cache_clear()
    monkeypatch.setattr('urllib.request.urlopen', changed(urllib.request.urlopen))
    again = SceneIndex.build(urls, cache)
    assert [s.signature for s in again.scenes] != [s.signature for s in first.scenes]


def changed(urlopen):
    def opened(*args, **kwargs):
        answer = urlopen(*args, **kwargs)
        answer.headers.replace_header('Content-Length', '99')
        return answer

    return opened


def test_what_is_not_there_is_told(served):
    folder, root = served
    with pytest.raises(FileNotFoundError, match=r'no raster .*/c\.tif'):
        SceneIndex.build([f'{root}/c.tif'])
    with pytest.raises(ValueError, match='got both'):
        SceneIndex.build([f'{root}/a.tif', folder / 'b.tif'])
    with pytest.raises(ValueError, match='expected an answer'):
        SceneIndex.build(['http://127.0.0.1:9/a.tif'])


def test_a_name_of_another_protocol_is_all_that_is_known():
    assert urls_of('http://a/b.tif') == []
    assert urls_of(['s3://a/c.tif', 's3://a/b.tif']) == ['s3://a/b.tif', 's3://a/c.tif']
    assert facts_of('s3://a/b.tif')[0] == 0
    assert facts_of('s3://a/b.tif') != facts_of('s3://a/c.tif')
