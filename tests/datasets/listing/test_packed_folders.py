"""A data set of a packed store has the images, labels and order of the folder."""

import json
import sys
from multiprocessing import get_all_start_methods

import numpy as np
import pytest
import torch
from stores import pack
from torch.utils.data import DataLoader

from rsp.datasets import (
    ImageFolder,
    LandCoverImages,
    PairedDataset,
    PairedSampler,
    SeededDataset,
    paired_collate,
    stacked_collate,
)
from rsp.datasets.listing import places
from rsp.errors import MissingData, UserError
from rsp.io.stores import open_store

# Class folders whose order by name is not that of their files' bytes.
NAMES = ['a/2.jpg', 'a/b/1.png', 'a-b/x 1.jpg', 'a.b/y.jpg', 'a/1.jpg', 'ü/z\n.jpg']
LOAD = [dict(type='mmpretrain.LoadImageFromFile'), dict(type='mmpretrain.PackInputs')]
VIEWS = [
    dict(type='mmpretrain.LoadImageFromFile'),
    dict(type='mmpretrain.RandomResizedCrop', scale=16),
    dict(type='mmpretrain.RandomFlip', prob=0.5),
    dict(type='mmpretrain.PackInputs'),
]


@pytest.fixture
def folder(write_images):
    root = write_images('data/photos', NAMES, size=(30, 27))
    (root.parent / 'list.txt').write_text('a/2.jpg 3\n./a-b/x 1.jpg 0\na/b/1.png 1\n')
    return root


@pytest.fixture
def store(folder, tmp_path):
    return str(pack(folder, tmp_path / 'store', keep=True))


@pytest.fixture
def told(monkeypatch):
    lines = []
    monkeypatch.setattr(places, 'print_log', lambda line, **_: lines.append(line))
    return lines


def samples(dataset, root):
    infos = [dataset.get_data_info(n) for n in range(len(dataset))]
    return [dict(i, img_path=i['img_path'].removeprefix(f'{root}/')) for i in infos]


OPTIONS = [
    {},
    dict(with_label=False),
    dict(extensions=('.png',), with_label=False),
    dict(ann_file='list.txt'),
    dict(indices=3),
    dict(indices=-2),
    dict(indices=[4, 0]),
]


@pytest.mark.parametrize('options', OPTIONS, ids=str)
def test_images_labels_and_order_are_those_of_the_folder(folder, store, options):
    place = dict(data_root=str(folder.parent), data_prefix='photos', **options)
    direct, packed = ImageFolder(**place), ImageFolder(**place, store=store)
    root = open_store(store).root
    assert samples(packed, root) == samples(direct, folder)
    assert packed.metainfo == direct.metainfo
    if direct.labels is None:
        assert packed.labels is None
    else:
        assert packed.labels.tolist() == direct.labels.tolist()


def test_a_store_alone_is_enough(folder, store):
    direct = ImageFolder(str(folder))
    for child in folder.parent.iterdir():
        child.rename(child.with_name(f'moved-{child.name}'))
    packed = ImageFolder(store=store, pipeline=LOAD)
    root = open_store(store).root
    assert packed.metainfo['classes'] == ('a', 'a-b', 'a.b', 'ü')
    assert samples(packed, root) == samples(direct, folder)
    assert packed[0]['inputs'].shape == (3, 30, 27)


def test_a_folder_inside_of_what_was_packed_is_read(folder, tmp_path):
    store = str(pack(folder.parent, tmp_path / 'all', keep=True))
    root = open_store(store).root
    for prefix in ('photos/a', 'photos'):
        place = dict(data_root=str(folder.parent), data_prefix=prefix, with_label=False)
        direct, packed = ImageFolder(**place), ImageFolder(**place, store=store)
        assert samples(packed, f'{root}/{prefix}') == samples(
            direct, folder.parent / prefix
        )


def test_a_folder_of_another_machine_is_found_by_its_name(folder, tmp_path):
    store = str(pack(folder.parent, tmp_path / 'all', keep=True))
    packed = ImageFolder('/elsewhere/data', 'photos/a', store=store, with_label=False)
    assert [i['img_path'].rpartition('/')[2] for i in packed.data_list] == [
        '1.jpg', '2.jpg', '1.png'
    ]  # fmt: skip
    with pytest.raises(
        UserError, match=r"store of '/elsewhere/x/photos' .* got one of"
    ):
        ImageFolder('/elsewhere/x', 'photos', store=store)
    with pytest.raises(MissingData, match="images of the folder 'val' in"):
        ImageFolder('/elsewhere/data', 'val', store=store)


def test_listed_images_that_the_store_lacks_are_named(folder, store):
    (folder.parent / 'list.txt').write_text('a/2.jpg 3\na/gone.jpg 0\n')
    with pytest.raises(
        MissingData, match=r"not in '.*store/images\.lmdb': a/gone\.jpg"
    ):
        ImageFolder(str(folder.parent), 'photos', ann_file='list.txt', store=store)


@pytest.mark.parametrize('change', ['new', 'gone', 'none'])
def test_a_source_that_has_changed_is_told(folder, store, told, change):
    if change == 'new':
        (folder / 'a/3.jpg').write_bytes((folder / 'a/2.jpg').read_bytes())
    elif change == 'gone':
        (folder / 'a/2.jpg').unlink()
    else:
        (folder / 'a/notes.txt').touch()
    dataset = ImageFolder(str(folder), store=store)
    assert len(dataset) == len(NAMES)
    said = ' '.join(told)
    assert ('has changed since it was packed' in said) == (change != 'none')
    if change != 'none':
        assert f'1 {change} (a/{3 if change == "new" else 2}.jpg)' in said


def epochs(dataset, collate, **loader):
    sampler = PairedSampler(dataset, shuffle=True, seed=5)
    batches = []
    loader = DataLoader(dataset, 2, sampler=sampler, collate_fn=collate, **loader)
    for epoch in range(2):
        sampler.set_epoch(epoch)
        batches += list(loader)
    return batches


METHODS = ['fork', pytest.param('spawn', marks=pytest.mark.slow)]


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('raw', [False, True])
def test_two_workers_give_the_batches_of_the_folder(folder, tmp_path, method, raw):
    if method not in get_all_start_methods():
        pytest.skip(f'no {method} on {sys.platform}')
    kind = dict(raw=True) if raw else dict(keep=True)
    store = str(pack(folder, tmp_path / 'packed', **kind))
    place = dict(data_root=str(folder), pipeline=VIEWS)
    direct = epochs(SeededDataset(ImageFolder(**place)), stacked_collate)
    packed = SeededDataset(ImageFolder(**place, store=store))
    packed[next(iter(PairedSampler(packed, seed=1)))]  # Opens the store here, too.
    found = epochs(
        packed, stacked_collate, num_workers=2, multiprocessing_context=method
    )
    root = open_store(store).root
    assert len(found) == len(direct) == 6
    for one, other in zip(found, direct, strict=True):
        assert torch.equal(one['inputs'], other['inputs'])
        assert torch.equal(one['data_samples'].gt_label, other['data_samples'].gt_label)
        names = [p.replace(root, str(folder)) for p in one['data_samples'].img_path]
        assert names == other['data_samples'].img_path


def test_sources_of_pairs_are_read_from_stores(folder, store):
    def pairs(**place):
        source = dict(
            type='rsp.ImageFolder', data_root=str(folder), pipeline=VIEWS, **place
        )
        sources = dict(remote=dict(source, with_label=False), natural=source)
        return epochs(PairedDataset(sources), paired_collate)

    for one, other in zip(pairs(store=store), pairs(), strict=True):
        for source in ('remote', 'natural'):
            assert torch.equal(one[source]['inputs'], other[source]['inputs'])


def test_images_that_became_unreadable_are_skipped_by_their_key(
    folder, store, tmp_path
):
    dataset = ImageFolder(str(folder), store=store, pipeline=LOAD, on_bad_image='skip')
    dataset.bad_images.file = tmp_path / 'bad.txt'
    dataset.bad_images.max_share = 1
    opened = open_store(store)
    images = {row: opened.images[row] for row in range(len(opened))}
    row = opened.names.find('a/1.jpg')
    opened.images = images | {row: images[row][:-30]}
    path = f'{opened.root}/a/1.jpg'
    assert dataset.get_data_info(0)['img_path'] == path
    assert dataset[0]['data_samples'].img_path == f'{opened.root}/a/2.jpg'
    assert (tmp_path / 'bad.txt').read_text() == f'{path}\n'
    dataset.bad_images.skips = False
    with pytest.raises(UserError, match=r"cannot load '.*images\.lmdb/a/1\.jpg'"):
        dataset[0]


def test_images_that_were_left_out_are_told(folder, tmp_path, told):
    (folder / 'a/1.jpg').write_bytes(b'no image')
    store = pack(folder, tmp_path / 'store', skip_bad=True)
    dataset = ImageFolder(str(folder), store=str(store))
    assert len(dataset) == len(NAMES) - 1
    (said,) = told
    assert 'lacks 1 images that could not be packed: a/1.jpg' in said


def test_official_land_cover_labels_fit_a_store(write_images, tmp_path):
    """By the name of the parent folder, also of images in the folder itself."""
    root = write_images('tiles', ['1.png', 'b/2.png', 'b/3.png'])
    store = str(pack(root, tmp_path / 'store', keep=True))
    for name, forest in (('tiles/1', 3), ('b/2', 5)):
        file = tmp_path / f'labels/{name}.json'
        file.parent.mkdir(parents=True, exist_ok=True)
        from rsp.ops.fractions import LAND_COVER_CLASSES

        counts = dict.fromkeys(LAND_COVER_CLASSES, 0) | {'Forest': forest}
        file.write_text(json.dumps(counts))
    labels = str(tmp_path / 'labels')
    packed_root = open_store(store).root
    direct = LandCoverImages(labels, str(root))
    for packed in (
        LandCoverImages(labels, str(root), store=store),
        LandCoverImages(labels, store=store),
    ):
        found = samples(packed, packed_root)
        assert [s['img_path'] for s in found] == ['1.png', 'b/2.png']
        for one, other in zip(found, samples(direct, root), strict=True):
            np.testing.assert_array_equal(one['gt_score'], other['gt_score'])


def test_a_label_file_of_land_cover_fits_a_store(write_images, tmp_path):
    from rsp.geo.land_cover.label_file import format_label, write_labels
    from rsp.geo.windows.window import Window
    from rsp.ops.fractions import LAND_COVER_CLASSES

    root = write_images('tiles', ['1.png', 'b/2.png', 'b/3.png'])
    store = str(pack(root, tmp_path / 'store', keep=True))
    counts = np.arange(len(LAND_COVER_CLASSES), dtype=float)
    lines = [
        format_label(name, Window(0, 0, 36, 40), counts + n, nodata=0.0, unknown=0.0,
                     coverage=1.0)
        for n, name in enumerate(['b/3.png', '1.png'])
    ]  # fmt: skip
    write_labels(tmp_path / 'labels.jsonl', dict(scenes='tiles'), lines)
    labels = str(tmp_path / 'labels.jsonl')
    direct = samples(LandCoverImages(labels, str(root)), root)
    packed = LandCoverImages(labels, str(root), store=store)
    found = samples(packed, open_store(store).root)
    assert [s['img_path'] for s in found] == ['1.png', 'b/3.png']
    for one, other in zip(found, direct, strict=True):
        assert one['img_path'] == other['img_path']
        np.testing.assert_array_equal(one['gt_score'], other['gt_score'])
