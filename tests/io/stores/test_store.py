"""Images of a store are read as their files are."""

import json
import multiprocessing
import os
import pickle
import shutil
import sys

import numpy as np
import pytest
from PIL import Image
from stores import pack, put_mean

from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.errors import BrokenFile, MissingData, UserError
from rsp.io.images import (
    ColorRule,
    open_windows,
    read_content,
    read_info,
    read_picture,
    read_pixels,
    read_stored,
)
from rsp.io.stores import Store, open_store, split_path
from rsp.io.stores.manifest import IMAGES, NAME

NAMES = ['a/x 1.jpg', 'a/ü.png', 'b/line\nbreak.jpg', 'b/c/gray.jpg', 'top.jpg']
KINDS = [dict(keep=True), dict(raw=True, short_side=500), dict(short_side=500)]


@pytest.fixture
def folder(write_images):
    root = write_images('photos', NAMES, size=(38, 45))
    gray = Image.open(root / 'b/c/gray.jpg').convert('L')
    gray.save(root / 'b/c/gray.jpg')
    return root


def paths(folder, store):
    return [(folder / name, f'{store.root}/{name}') for name in NAMES]


@pytest.mark.parametrize('settings', KINDS, ids=str)
def test_images_in_a_store_have_the_pixels_of_their_files(folder, tmp_path, settings):
    store = open_store(pack(folder, tmp_path / 'store', **settings))
    assert [*store.names] == sorted(NAMES)
    for file, path in paths(folder, store):
        # Only a PNG that becomes a JPEG loses something.
        lossless = settings != KINDS[2] or file.suffix != '.png'
        expected = read_picture(file).pixels
        for order, turned in (('rgb', expected), ('bgr', expected[..., ::-1])):
            pixels = read_pixels(path, order=order)
            assert pixels.flags.writeable
            if lossless:
                np.testing.assert_array_equal(pixels, turned)
                np.testing.assert_array_equal(
                    read_picture(path, order=order).pixels, turned
                )
        assert read_info(path).shape == (38, 45)
        with open_windows(path) as windows:
            window = windows.read(3, 5, 8, 9)
        if lossless:
            np.testing.assert_array_equal(window, expected[3:11, 5:14])


@pytest.mark.parametrize('settings', KINDS[:2], ids=str)
@pytest.mark.parametrize(
    'options', [{}, dict(color_type='grayscale'), dict(bands=[3, 1])], ids=str
)
def test_loaders_read_a_store_as_the_files(folder, tmp_path, settings, options):
    if 'raw' in settings and options:
        pytest.skip('gray of its own and bands are of the file')
    (folder / 'b/c/gray.jpg').unlink()  # Has not all bands.
    store = open_store(pack(folder, tmp_path / 'store', **settings))
    loader = LoadImageFromFile(**options)
    for name in store.names:
        path = f'{store.root}/{name}'
        loader.judge(path)
        expected = loader(dict(img_path=str(folder / name)))
        found = loader(dict(img_path=path))
        np.testing.assert_array_equal(found['img'], expected['img'])
        assert found['ori_shape'] == expected['ori_shape']


def test_the_content_of_an_image_is_its_bytes_or_its_pixels(folder, tmp_path):
    kept = open_store(pack(folder, tmp_path / 'kept', keep=True))
    raw = open_store(pack(folder, tmp_path / 'raw', raw=True))
    for name in NAMES:
        content = (folder / name).read_bytes()
        assert read_content(folder / name) == content
        assert read_content(f'{kept.root}/{name}') == content
        pixels = read_content(f'{raw.root}/{name}')
        np.testing.assert_array_equal(pixels, read_picture(folder / name).pixels)
        assert not pixels.flags.writeable


def test_stored_values_of_a_raw_store_are_a_copy(folder, tmp_path):
    store = open_store(pack(folder, tmp_path / 'raw', raw=True))
    stored = read_stored(f'{store.root}/top.jpg')
    stored[:] = 0
    assert read_stored(f'{store.root}/top.jpg').any()


def test_a_missing_key_is_named_with_the_store(folder, tmp_path):
    store = open_store(pack(folder, tmp_path / 'store'))
    message = r"load '.*images\.lmdb/a/gone\.jpg', .* no image"
    loader = LoadImageFromFile()
    for read in (read_info, read_pixels, read_stored, read_content, loader.read):
        with pytest.raises(MissingData, match=message):
            read(f'{store.root}/a/gone.jpg')


@pytest.mark.parametrize('settings', [dict(raw=True), {}], ids=str)
def test_bands_are_refused_of_what_became_colors(folder, tmp_path, settings):
    """Their numbers would be those of the colors, not of the file."""
    pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    store = open_store(pack(folder, tmp_path / 'store', **settings))
    for options in (
        dict(bands=['red']),
        dict(bands=[3, 2, 1]),
        dict(reflectance=dict(scale=0.1)),
    ):
        loader = LoadImageFromFile(**options)
        for read in (loader.read, loader.judge):
            with pytest.raises(UserError, match='pack the files with --keep'):
                read(f'{store.root}/top.jpg')


def test_colors_of_another_stretch_are_refused(tmp_path):
    from tiffs import write_tiff

    values = np.random.default_rng(0).integers(0, 9000, (3, 12, 17)).astype(np.uint16)
    write_tiff(tmp_path / 'scenes/a.tif', values)
    out = pack(tmp_path / 'scenes', tmp_path / 'out', stretch=(0, 9000), raw=True)
    path = f'{open_store(out).root}/a.tif'
    expected = LoadImageFromFile(stretch=(0, 9000)).read(tmp_path / 'scenes/a.tif')
    for loader in (LoadImageFromFile(stretch=[0, 9000]), LoadImageFromFile()):
        loader.judge(path)
        np.testing.assert_array_equal(loader.read(path), expected)
    with pytest.raises(UserError, match=r'stretch=\[0, 4000\] .* stretch=\[0, 9000\]'):
        LoadImageFromFile(stretch=[0, 4000]).read(path)


def test_kept_rasters_have_their_bands(tmp_path):
    pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    from tiffs import write_tiff

    values = np.random.default_rng(0).integers(0, 9000, (5, 12, 17)).astype(np.uint16)
    (tmp_path / 'scenes').mkdir()
    write_tiff(tmp_path / 'scenes/a.tif', values)
    store = open_store(pack(tmp_path / 'scenes', tmp_path / 'store', keep=True))
    path, file = f'{store.root}/a.tif', tmp_path / 'scenes/a.tif'
    loader = LoadImageFromFile(reflectance=dict(scale=1e-4), bands=[5, 2])
    loader.judge(path)
    np.testing.assert_array_equal(loader.read(path), loader.read(file))
    np.testing.assert_array_equal(read_stored(path), values.transpose(1, 2, 0))
    rule = ColorRule((0, 9000))
    np.testing.assert_array_equal(read_pixels(path, rule), read_pixels(file, rule))


def test_a_folder_of_the_name_of_a_store_is_a_folder(tmp_path, write_images):
    name = IMAGES['lmdb']
    root = write_images(name, ['x.jpg'])
    assert split_path(root / 'x.jpg') is None
    assert read_info(root / 'x.jpg').shape == (36, 40)


@pytest.mark.parametrize('settings', [dict(keep=True), dict(raw=True)], ids=str)
@pytest.mark.parametrize(
    'method', ['fork', pytest.param('spawn', marks=pytest.mark.slow)]
)
def test_processes_open_a_store_for_themselves(folder, tmp_path, method, settings):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f'no {method} on {sys.platform}')
    store = open_store(pack(folder, tmp_path / 'store', **settings))
    path = f'{store.root}/top.jpg'
    expected = float(read_pixels(path).mean())  # Opened here before the fork.
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    processes = [context.Process(target=put_mean, args=(path, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    found = [queue.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert {pid for pid, _ in found} == {process.pid for process in processes}
    assert [mean for _, mean in found] == [expected] * 2
    assert float(read_pixels(path).mean()) == expected


def test_a_store_travels_by_its_folder(folder, tmp_path):
    store = open_store(pack(folder, tmp_path / 'store'))
    sent = pickle.dumps(store)
    assert len(sent) < 500
    assert pickle.loads(sent) is store


def test_a_store_that_was_made_anew_is_opened_anew(folder, tmp_path, write_images):
    out = pack(folder, tmp_path / 'store')
    assert len(open_store(out)) == len(NAMES)
    shutil.rmtree(out)
    write_images('others', ['x.jpg'])
    pack(tmp_path / 'others', out)
    assert [*open_store(out).names] == ['x.jpg']


# Corrupt stores: (what happens to it, what is said of it).


def cut(file):
    os.truncate(file, file.stat().st_size // 2)


def change(key, value):
    def edit(store):
        content = json.loads((store / NAME).read_text())
        content[key] = value
        (store / NAME).write_text(json.dumps(content))

    return edit


def interrupt(store):
    (store / NAME).unlink()
    (store / 'progress.jsonl').touch()


def turn_round(file):
    file.write_bytes(file.read_bytes()[::-1])


CORRUPTIONS = [
    (lambda s: (s / NAME).unlink(), MissingData, r'there is none .*rsp prepare pack'),
    (interrupt, UserError, 'one that was interrupted; the same command'),
    (lambda s: (s / NAME).write_text('{'), UserError, 'expected the manifest of a sto'),
    (lambda s: (s / NAME).write_text('[]'), UserError, 'expected the manifest of a st'),
    (change('rsp_store', 2), UserError, r'version 1 .* got one of version 2'),
    (change('count', 3), UserError, 'expected 3 images, got 5 names'),
    (change('kind', 'zip'), UserError, 'expected the manifest of a store'),
    (change('content', '0' * 64), UserError, 'expected the names of manifest'),
    (lambda s: cut(s / 'images.lmdb'), UserError, r"bytes in '.*images\.lmdb', got"),
    (lambda s: (s / 'images.lmdb').unlink(), MissingData, "lmdb', there is none"),
    (lambda s: cut(s / 'names'), UserError, r"bytes in '.*names', got"),
    (lambda s: turn_round(s / 'names'), UserError, 'expected the names of manifest'),
]


@pytest.mark.parametrize(('corrupt', 'kind', 'message'), CORRUPTIONS)
def test_a_corrupt_store_is_refused_in_a_line(folder, tmp_path, corrupt, kind, message):
    out = pack(folder, tmp_path / 'store')
    corrupt(out)
    with pytest.raises(kind, match=message) as caught:
        Store(out)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('kind', ['lmdb', 'raw'])
def test_images_of_another_store_are_refused(tmp_path, write_images, kind):
    for number in '12':
        write_images(number, ['x.png', 'y.png'])
        pack(tmp_path / number, tmp_path / f'out{number}', raw=kind == 'raw')
    shutil.copy(tmp_path / 'out2' / IMAGES[kind], tmp_path / 'out1' / IMAGES[kind])
    with pytest.raises(UserError, match='expected the images of manifest'):
        Store(tmp_path / 'out1')


def test_a_file_of_garbage_is_no_lmdb(folder, tmp_path):
    out = pack(folder, tmp_path / 'store')
    (out / 'images.lmdb').write_bytes(bytes((out / 'images.lmdb').stat().st_size))
    with pytest.raises(UserError, match=r'expected an LMDB of images at .*pack'):
        Store(out)


def test_a_broken_image_in_a_store_is_named_by_file_and_key(folder, tmp_path):
    (folder / 'top.jpg').write_bytes((folder / 'top.jpg').read_bytes()[:-40])
    out = tmp_path / 'store'
    with pytest.raises(UserError, match=r'top\.jpg.*--skip-bad'):
        pack(folder, out, keep=True)
    store = open_store(pack(folder, out, keep=True, skip_bad=True))
    assert 'top.jpg' not in [*store.names]
    assert [*store.manifest.left_out] == ['top.jpg']


def test_an_image_that_the_database_lost_is_named_by_file_and_key(folder, tmp_path):
    store = Store(pack(folder, tmp_path / 'store'))
    store.images = {}
    with pytest.raises(BrokenFile, match=r"read '.*images\.lmdb/top\.jpg' as an image"):
        store.content('top.jpg')


def test_without_lmdb_pixels_are_read_and_files_refused(folder, tmp_path, monkeypatch):
    raw = pack(folder, tmp_path / 'raw', raw=True)
    kept = pack(folder, tmp_path / 'kept', keep=True)
    monkeypatch.setitem(sys.modules, 'lmdb', None)
    assert len(Store(raw)) == len(NAMES)
    with pytest.raises(UserError, match=r'expected lmdb to open .* pip install lmdb'):
        Store(kept)
