"""Folders are packed whole, once, and as the settings say."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tiffs import write_tiff

from rsp.cli import main
from rsp.errors import UserError
from rsp.io.images import read_content, read_pixels
from rsp.io.stores import Store, open_store
from rsp.io.stores.manifest import NAME
from rsp.prepare.pack import folder as pack_module
from rsp.prepare.pack import portion
from rsp.prepare.pack.folder import describe, pack_folder
from rsp.prepare.pack.image import encode, pack_image, shrink
from rsp.prepare.pack.merge import WRITERS
from rsp.prepare.pack.settings import PackSettings

ROOT = Path(__file__).parents[3]
RNG = np.random.default_rng(0)


def pack(source, out, skip_bad=False, **options):
    workers = options.pop('workers', 0)
    pack_folder(source, out, PackSettings(**options), skip_bad, workers=workers)
    return Store(out)


@pytest.fixture
def source(write_images):
    root = write_images('in', [f'{c}/{n}.jpg' for c in 'ab' for n in range(6)])
    return write_images('in', ['a/p.png']) and root


@pytest.fixture
def small_portions(monkeypatch):
    """Make portions of three images."""
    monkeypatch.setattr(portion, 'MOST', 3)


@pytest.mark.parametrize(('height', 'width'), [(300, 300), (261, 397), (700, 259)])
def test_shrunk_images_are_those_of_pillow_before_jpeg(tmp_path, height, width):
    pixels = RNG.integers(256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / 'x.png')
    short = min(height, width)
    size = (round(width * 64 / short), round(height * 64 / short))
    expected = np.asarray(
        Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    )
    np.testing.assert_array_equal(shrink(pixels, 64), expected)
    raw = pack_image(tmp_path / 'x.png', PackSettings(short_side=64, raw=True))
    np.testing.assert_array_equal(raw.content, expected)
    assert (raw.done, raw.short_side, min(raw.shape)) == ('shrunk', short, 64)
    written = io.BytesIO()
    Image.fromarray(expected).save(written, 'JPEG', quality=80, subsampling=2)
    packed = pack_image(tmp_path / 'x.png', PackSettings(short_side=64, quality=80))
    assert packed.content == written.getvalue()


def test_shrinking_a_pattern_finer_than_pixels_gives_its_mean():
    """Without antialiasing it would alias to black or white."""
    pixels = np.zeros((256, 256, 3), np.uint8)
    pixels[:, ::2] = 255
    assert np.ptp(shrink(pixels, 64)[4:-4, 4:-4].astype(int)) <= 1


def test_no_image_is_enlarged_and_small_jpegs_keep_their_bytes(tmp_path, write_images):
    root = write_images('in', ['small.jpg', 'small.png', 'exact.jpg'], size=(36, 40))
    store = pack(root, tmp_path / 'out', short_side=36)
    for name in ('small.jpg', 'exact.jpg'):
        assert store.content(name) == (root / name).read_bytes()
    pixels = read_pixels(root / 'small.png')
    assert store.content('small.png') == encode(pixels, 90, root / 'small.png')
    assert store.manifest.made == dict(kept=2, encoded=1)
    assert store.manifest.sizes == [36, 36, 36]


def test_turned_images_are_packed_upright(tmp_path):
    (tmp_path / 'in').mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = RNG.integers(256, size=(20, 31, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / 'in/turned.jpg', exif=exif, quality=95)
    expected = read_pixels(tmp_path / 'in/turned.jpg')
    assert expected.shape == (31, 20, 3)
    for number, options in enumerate((dict(raw=True), dict(keep=True), {})):
        store = pack(tmp_path / 'in', tmp_path / f'{number}', **options)
        found = read_pixels(f'{store.root}/turned.jpg')
        np.testing.assert_array_equal(found, expected)


def test_sixteen_bits_need_a_stretch(tmp_path):
    (tmp_path / 'in').mkdir()
    values = RNG.integers(0, 4000, (3, 20, 24)).astype(np.uint16)
    write_tiff(tmp_path / 'in/x.tif', values)
    with pytest.raises(UserError, match=r'1 of 1 images .* stretch=\(low, high\)'):
        pack(tmp_path / 'in', tmp_path / 'out')
    store = pack(tmp_path / 'in', tmp_path / 'raw', raw=True, stretch=[0, 4000])
    expected = (values.transpose(1, 2, 0) / 4000 * 255).astype(np.uint8)
    np.testing.assert_array_equal(store.content('x.tif'), expected)


def test_a_raster_with_a_part_beside_it_is_not_kept_alone(tmp_path):
    (tmp_path / 'in').mkdir()
    file = tmp_path / 'in/x.tif'
    write_tiff(file, RNG.integers(1, 256, (3, 20, 24)).astype(np.uint8))
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False),
        rasterio.open(file, 'r+') as opened,
    ):
        opened.write_mask(np.eye(20, 24, dtype=bool))
    assert file.with_name('x.tif.msk').exists()
    with pytest.raises(UserError, match=r'one beside it \(\.msk'):
        pack(tmp_path / 'in', tmp_path / 'out', keep=True)


def test_every_image_has_its_content_at_its_name(source, tmp_path, small_portions):
    store = pack(source, tmp_path / 'out', keep=True)
    files = [file for file in source.rglob('*.*') if file.is_file()]
    assert len(store) == len(files) == 13
    for file in files:
        name = file.relative_to(source).as_posix()
        assert store.content(name) == file.read_bytes()


def test_the_manifest_tells_source_count_and_what_was_done(source, tmp_path):
    store = pack(source, tmp_path / 'out', short_side=20, quality=77)
    told = json.loads((tmp_path / 'out' / NAME).read_text())
    assert told['source'] == str(source)
    assert told['count'] == 13
    assert told['made'] == dict(shrunk=13)
    assert told['sizes'] == [36, 36, 36]
    assert told['settings']['quality'] == 77
    assert {*told['folders']} == {'a', 'b'}
    files = [f for f in (tmp_path / 'out').iterdir() if f.name != NAME]
    assert told['bytes'] == {file.name: file.stat().st_size for file in files}
    assert '13 images in' in describe(store.manifest, tmp_path / 'out')


def test_equal_images_give_an_equal_content_hash(source, tmp_path, small_portions):
    first = pack(source, tmp_path / '1', raw=True)
    second = pack(source, tmp_path / '2', raw=True)
    assert first.manifest.content == second.manifest.content
    Image.new('RGB', (40, 36)).save(source / 'a/p.png')
    third = pack(source, tmp_path / '3', raw=True)
    assert third.manifest.content != first.manifest.content


ANY_NAME = st.text(
    st.characters(exclude_characters='\0/', exclude_categories=['Cs']), min_size=1
).filter(lambda name: not name.startswith('.') and len(os.fsencode(name)) < 240)


@settings(max_examples=15, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.sets(ANY_NAME, min_size=1, max_size=6), st.booleans())
def test_any_names_are_packed(tmp_path_factory, names, raw):
    """With blanks, line breaks, letters of all scripts, in folders of such names."""
    root = tmp_path_factory.mktemp('any')
    content = io.BytesIO()
    Image.new('RGB', (5, 4), (9, 9, 9)).save(content, 'JPEG')
    wanted = set()
    for number, name in enumerate(sorted(names)):
        file = root / f'in/{number}{name}' / f'{name}.jpg'
        file.parent.mkdir(parents=True)
        file.write_bytes(content.getvalue())
        wanted.add(file.relative_to(root / 'in').as_posix())
    store = pack(root / 'in', root / 'out', raw=raw)
    assert {*store.names} == wanted
    for name in wanted:
        assert read_content(f'{store.root}/{name}') is not None


# Resuming.


@pytest.mark.parametrize('raw', [False, True])
@pytest.mark.parametrize('stage', ['pack', 'merge', 'unlink', 'verify', 'tidy'])
def test_an_interrupted_call_goes_on(
    source, tmp_path, small_portions, monkeypatch, raw, stage
):
    whole = pack(source, tmp_path / 'whole', raw=raw)
    out = tmp_path / 'out'
    calls = []

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    def stop_at_third(work):
        def working(*args, **kwargs):
            calls.append(args)
            return stop() if len(calls) == 3 else work(*args, **kwargs)

        return working

    with monkeypatch.context() as patch:
        kind = WRITERS['raw' if raw else 'lmdb']
        if stage == 'pack':
            patch.setattr(portion, 'pack_image', stop_at_third(pack_image))
        elif stage == 'merge':
            patch.setattr(kind, 'append', stop_at_third(kind.append))
        elif stage == 'unlink':
            patch.setattr(Path, 'unlink', stop_at_third(Path.unlink))
        elif stage == 'verify':
            patch.setattr(pack_module, 'verify', stop)
        else:
            patch.setattr(pack_module, '_tidy', stop)
        with pytest.raises(KeyboardInterrupt):
            pack(source, out, raw=raw)
    if stage != 'tidy':
        with pytest.raises(UserError, match='one that was interrupted'):
            Store(out)
    packed = []
    monkeypatch.setattr(
        portion, 'pack_image', lambda *args: packed.append(args) or pack_image(*args)
    )
    store = pack(source, out, raw=raw)
    assert store.manifest == whole.manifest
    for name in whole.names:
        np.testing.assert_array_equal(store.content(name), whole.content(name))
    assert len(packed) == (13 if stage == 'pack' else 0)
    assert {f.name for f in out.iterdir()} == {*store.manifest.bytes, NAME}


def test_a_changed_file_costs_its_own_portion_alone(
    source, tmp_path, small_portions, monkeypatch
):
    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pack_module, '_write', stop)
        with pytest.raises(KeyboardInterrupt):
            pack(source, tmp_path / 'out', keep=True)
    Image.new('RGB', (40, 36)).save(source / 'a/2.jpg')
    packed = []
    monkeypatch.setattr(
        portion, 'pack_image', lambda *args: packed.append(args) or pack_image(*args)
    )
    store = pack(source, tmp_path / 'out', keep=True)
    assert 1 <= len(packed) <= 3
    assert store.content('a/2.jpg') == (source / 'a/2.jpg').read_bytes()


def test_a_file_that_changes_while_portions_are_merged_is_refused(
    source, tmp_path, small_portions, monkeypatch
):
    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WRITERS['raw'], 'finish', stop)
        with pytest.raises(KeyboardInterrupt):
            pack(source, tmp_path / 'out', raw=True)
    Image.new('RGB', (4, 3)).save(source / 'a/2.jpg')
    with pytest.raises(UserError, match=r'after it was half written; remove '):
        pack(source, tmp_path / 'out', raw=True)


SLEEPY = """
import sys, time
from rsp.prepare.pack import portion
work = portion.pack_image
portion.pack_image = lambda *args: time.sleep(0.1) or work(*args)
from rsp.cli import main
main('prepare pack', argv=[*sys.argv[1:], '--workers', '0'])
"""


@pytest.mark.slow
def test_a_killed_process_leaves_a_store_that_is_finished_later(source, tmp_path):
    environment = os.environ | dict(PYTHONPATH=str(ROOT))
    process = subprocess.Popen(
        [sys.executable, '-c', SLEEPY, source, tmp_path / 'out'], env=environment
    )
    parts = tmp_path / 'out/parts'
    while not parts.exists() or not any(parts.iterdir()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(UserError, match='one that was interrupted'):
        Store(tmp_path / 'out')
    store = pack(source, tmp_path / 'out')
    assert store.manifest == pack(source, tmp_path / 'whole').manifest


@pytest.mark.slow
def test_processes_pack_what_one_does(source, tmp_path, small_portions):
    alone = pack(source, tmp_path / 'alone', short_side=20)
    together = pack(source, tmp_path / 'together', short_side=20, workers=2)
    assert together.manifest == alone.manifest


# Finished stores.


def test_a_second_call_verifies(source, tmp_path, monkeypatch):
    first = pack(source, tmp_path / 'out', keep=True)
    monkeypatch.setattr(portion, 'pack_image', None)
    assert pack(source, tmp_path / 'out', keep=True).manifest == first.manifest


@pytest.mark.parametrize('raw', [False, True])
def test_a_changed_byte_is_found_and_named(source, tmp_path, raw):
    store = pack(source, tmp_path / 'out', raw=raw, short_side=20)
    content = store.content('a/p.png')
    content = content.tobytes() if raw else content
    file = tmp_path / 'out' / ('images.raw' if raw else 'images.lmdb')
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    # LMDB may hold former copies of a page.
    file.write_bytes(file.read_bytes().replace(content, changed))
    with pytest.raises(UserError, match=r'others of 1 names: a/p\.png; remove '):
        pack(source, tmp_path / 'out', raw=raw, short_side=20)


def test_other_settings_are_refused(source, tmp_path):
    pack(source, tmp_path / 'out')
    with pytest.raises(UserError, match=r"'quality': 90.* got .*'quality': 50"):
        pack(source, tmp_path / 'out', quality=50)


def test_a_changed_source_is_refused_with_names(source, tmp_path):
    pack(source, tmp_path / 'out')
    (source / 'b/0.jpg').rename(source / 'b/new.jpg')
    message = r'1 new, 1 gone, or changed ones \(b/0\.jpg, b/new\.jpg\)'
    with pytest.raises(UserError, match=message):
        pack(source, tmp_path / 'out')


def test_a_folder_of_other_things_is_refused(source, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/thesis.tex').touch()
    with pytest.raises(UserError, match='expected an empty folder'):
        pack(source, tmp_path / 'out')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(short_side=0), '--short-side of at least 1'),
        (dict(quality=0), '--quality'),
        (dict(quality=101), '--quality'),
        (dict(keep=True, raw=True), 'expected --keep alone'),
        (dict(keep=True, stretch=(0, 9)), 'expected --keep alone'),
        (dict(stretch=(9, 0)), "'stretch'"),
    ],
)
def test_settings_without_sense_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        PackSettings(**options)


@pytest.mark.parametrize('missing', [True, False])
def test_a_folder_without_images_is_refused(tmp_path, missing):
    if not missing:
        (tmp_path / 'in').mkdir()
    with pytest.raises(UserError, match=r'there is none|found none'):
        pack(tmp_path / 'in', tmp_path / 'out')


def test_bad_images_are_named_all_and_left_out_if_asked(source, tmp_path):
    for name in ('a/0.jpg', 'b/3.jpg'):
        (source / name).write_bytes((source / name).read_bytes()[:200])
    message = r'2 of 13 images .*: a/0\.jpg, b/3\.jpg; .* or leave them out by'
    with pytest.raises(UserError, match=message):
        pack(source, tmp_path / 'out')
    store = pack(source, tmp_path / 'out', skip_bad=True)
    assert len(store) == 11
    assert [*store.manifest.left_out] == ['a/0.jpg', 'b/3.jpg']
    text = describe(store.manifest, tmp_path / 'out')
    assert "left out 'a/0.jpg': cannot read" in text


def test_a_store_below_its_source_is_not_packed(source):
    (source / 'out').mkdir()
    assert len(pack(source, source / 'out')) == 13
    assert len(pack(source, source / 'out')) == 13


def test_the_command_says_how_to_read_the_store(source, tmp_path, capsys):
    main(
        'prepare pack',
        argv=[str(source), str(tmp_path / 'out'), '--keep', '--workers', '0'],
    )
    out = capsys.readouterr().out
    assert f"13 images in '{tmp_path}/out'" in out
    assert f"store='{tmp_path}/out'" in out
    assert len(open_store(tmp_path / 'out')) == 13
