"""Check that each refusal is one line with the file or the key."""

import json

import numpy as np
import pytest
from mmengine.registry import DefaultScope

pytest.importorskip('rasterio', reason="needs the 'geo' extra")

from rsp.datasets import PairedDataset, PairedSampler, SceneDataset


@pytest.fixture
def folder(write_scene, tmp_path):
    write_scene('s/a.tif', 100, 80, bands=3, dtype='uint8')
    write_scene('s/b.tif', 60, 50, bands=4, dtype='uint8')
    return tmp_path / 's'


@pytest.fixture
def log(monkeypatch):
    lines = []
    for module in ('scenes', 'samplers.fixed_windows'):
        monkeypatch.setattr(
            f'rsp.datasets.{module}.print_log', lambda line, **_: lines.append(line)
        )
    return lines


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder of scenes at '.*gone'"):
        SceneDataset(tmp_path / 'gone')


def test_scenes_smaller_than_a_window_are_left_out_and_named(folder, log):
    dataset = SceneDataset(folder, (20, 64))
    assert [scene.path for scene in dataset.images.scenes] == ['a.tif']
    assert '1 scenes are smaller than 20 x 64 pixels: b.tif' in log[1]
    with pytest.raises(ValueError, match='2 scenes are smaller than 256 x 256 pixels'):
        SceneDataset(folder)


def test_scenes_without_data_are_left_out(write_scene, tmp_path):
    write_scene('s/a.tif', pixels=np.zeros((3, 40, 40), np.uint8))
    with pytest.raises(ValueError, match=r'1 scenes are all no-data: a\.tif'):
        SceneDataset(tmp_path / 's', 8)


def test_unreadable_files_are_named(folder, log):
    (folder / 'c.tif').write_bytes(b'II*\0 and no more')
    SceneDataset(folder, 8, bands=[1])
    assert '1 files cannot be read: c.tif' in log[0]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({}, r"1 with 3, 1 with 4 .*choose some by 'bands'"),
        (dict(bands=[4]), r'at least 4 bands .*1 have fewer: a\.tif'),
        (dict(bands=[0, 1]), 'band numbers from 1'),
    ],
)
def test_bands_that_do_not_fit(folder, options, message):
    with pytest.raises(ValueError, match=message):
        SceneDataset(folder, 8, **options)


GRID = dict(type='rsp.GridWindowSampler', size=8)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(windows=0), "'size' as an edge or"),
        (dict(windows=GRID | dict(stride=(1, 2, 3))), "'stride' as an edge or"),
        (dict(windows=GRID, rejection={}), "random windows for 'rejection'"),
        (dict(windows=dict(windows_per_read=3, max_per_scene=2)), 'between 1 and 2'),
        (dict(windows=dict(windows_per_read=3, align=True)), "'align' or 'windows_pe"),
        (dict(windows=GRID | dict(max_nodata=2)), 'between 0 and 1, got 2'),
        (dict(rejection=dict(max_nodata=2)), 'between 0 and 1, got 2'),
        (dict(rejection=dict(retries=-1)), 'at least 0, got -1'),
        (dict(reader=dict(threads=-1)), 'at least 0, got -1'),
        (dict(reader=dict(cache_mb=-1)), 'at least 0, got -1'),
        (dict(windows=dict(length=0)), "'length' of at least 1, got 0"),
        (dict(stretch=dict(limits=[[0, 1]] * 2)), "'limits' for 1 bands, got 2"),
    ],
)
def test_arguments_that_do_not_fit(folder, options, message):
    with pytest.raises(ValueError, match=message):
        SceneDataset(folder, **dict(windows=8, bands=[1]) | options)


def test_a_local_system_is_refused_before_the_first_window(write_scene, tmp_path):
    write_scene('s/a.tif', crs='LOCAL_CS["site grid",UNIT["metre",1]]')
    cover = write_scene('map.tif', bands=1, dtype='uint8')
    with pytest.raises(ValueError, match=r"'a\.tif': .* leads to .*site grid"):
        SceneDataset(
            tmp_path / 's', 8, land_cover=dict(rasters=cover, class_map='nlcd')
        )


def test_a_bound_that_cannot_be_kept(folder):
    dataset = SceneDataset(folder, dict(size=8, max_per_scene=2), bands=[1])
    sampler = PairedSampler(dataset, seed=0, batch_size=5)
    with pytest.raises(ValueError, match=r'2 scenes cannot fill a batch of 5 windows'):
        list(sampler)
    with pytest.raises(ValueError, match='knows the batch size'):
        list(PairedSampler(dataset, seed=0))
    dataset = SceneDataset(folder, dict(size=8, windows_per_read=3), bands=[1])
    with pytest.raises(ValueError, match='divide the 4 windows of a batch, got 3'):
        list(PairedSampler(dataset, seed=0, batch_size=4))


def test_a_file_damaged_after_it_was_indexed(write_scene, tmp_path):
    pixels = np.random.default_rng(0).integers(1, 255, (1, 200, 200), np.uint8)
    file = write_scene('s/a.tif', pixels=pixels)
    dataset = SceneDataset(tmp_path / 's', dict(size=190, length=2))
    file.write_bytes(file.read_bytes()[:20_000])
    with pytest.raises(ValueError, match=r'a\.tif'):
        dataset[0]


def test_a_pipeline_that_fails_names_window_and_file(folder):
    steps = [dict(type='rsp.CropToBox', view=0)]
    dataset = SceneDataset(folder, 8, bands=[1], pipeline=steps)
    with pytest.raises(ValueError, match=r"Window\(.*=8\) of '.*tif'.*view_boxes"):
        dataset[0]


def use_a_wrong_key(results):
    return results['imgg']


def test_a_bug_of_a_pipeline_keeps_its_type(folder):
    dataset = SceneDataset(folder, 8, bands=[1], pipeline=[use_a_wrong_key])
    with pytest.raises(KeyError, match='imgg') as raised:
        dataset[0]
    told = [*getattr(raised.value, '__notes__', ()), str(raised.value.__cause__)]
    assert any("s/a.tif'" in line or "s/b.tif'" in line for line in told)


def labeled(file):
    return dict(type='rsp.LabeledWindowSampler', file=file)


def write_labels(file, *labels, header=True):
    lines = [dict(rsp_land_cover_labels=1, scenes='s')] if header else []
    file.write_text('\n'.join(map(json.dumps, [*lines, *labels])) + '\n')
    return file


COUNTS = dict.fromkeys(
    [
        *('Cultivated_Land', 'Forest', 'Grassland', 'Shrubland', 'Wetland', 'sea'),
        *('Waterbodies', 'Tundra', 'Artificial_Surfaces', 'Bareland', 'Permanent_Snow'),
    ],
    0,
)


@pytest.mark.parametrize(
    ('label', 'header', 'message'),
    [
        (dict(image='x.tif'), True, r"no readable 'x\.tif'"),
        (
            dict(window=[90, 0, 20, 20]),
            True,
            r'height 80 and width 100 of .*a\.tif.*top=0, left=90,',
        ),
        (dict(window=[0, 0, 20, 20]), False, 'whose first line has'),
    ],
)
def test_labels_that_do_not_fit(folder, tmp_path, label, header, message):
    whole = dict(image='a.tif', window=[0, 0, 8, 8], counts=COUNTS, coverage=1) | label
    file = write_labels(tmp_path / 'l.jsonl', whole, header=header)
    with pytest.raises(ValueError, match=message):
        SceneDataset(folder, labeled(file), bands=[1])
    with pytest.raises(FileNotFoundError, match=r"land cover at '.*gone"):
        SceneDataset(folder, labeled(tmp_path / 'gone.jsonl'), bands=[1])


def test_labeled_windows_of_a_scene_without_data_are_left_out(
    write_scene, folder, tmp_path, log
):
    """The tool that makes labels looks at places, not at pixels."""
    write_scene('s/blank.tif', pixels=np.zeros((3, 40, 40), np.uint8))
    whole = dict(window=[0, 0, 8, 8], counts=COUNTS, coverage=1)
    labels = [dict(image=name, **whole) for name in ('a.tif', 'blank.tif')]
    file = write_labels(tmp_path / 'l.jsonl', *labels)
    assert len(SceneDataset(folder, labeled(file), bands=[1])) == 1
    assert "1 of the 2 windows of '" in log[0]
    file = write_labels(file, labels[1])
    with pytest.raises(ValueError, match=r'a scene with data in .*, got none'):
        SceneDataset(folder, labeled(file), bands=[1])


def test_labels_and_land_cover_are_refused_together(folder, tmp_path):
    whole = dict(image='a.tif', window=[0, 0, 8, 8], counts=COUNTS, coverage=1)
    file = write_labels(tmp_path / 'l.jsonl', whole)
    with pytest.raises(ValueError, match="labels or 'land_cover', got both"):
        SceneDataset(folder, labeled(file), bands=[1], land_cover={})


def test_exactly_the_labeled_windows(folder, tmp_path):
    """Fractions are those of the file; windows may have any size."""
    counts = COUNTS | dict(Forest=30, Waterbodies=10)
    file = write_labels(
        tmp_path / 'l.jsonl',
        dict(image='b.tif', window=[5, 6, 20, 10], counts=counts, coverage=1),
        dict(
            image='a.tif',
            window=[0, 0, 8, 8],
            counts=COUNTS | dict(Shrubland=5),
            coverage=1,
        ),
    )
    dataset = SceneDataset(folder, labeled(file), bands=[1], stretch=None)
    assert len(dataset) == 2
    first, second = dataset[0], dataset[1]
    assert first['img_path'].endswith('b.tif')
    assert first['window'] == (6, 5, 10, 20)
    assert (first['img'][..., 0] == np.arange(6, 26)).all()
    # Places 3 and 6 are forest and water; only an excluded class gives zeros.
    expected = [0, 0, 0, 0.75, 0, 0, 0.25, 0]
    np.testing.assert_allclose(first['gt_score'], expected, atol=1e-6)
    assert first['gt_score'].dtype == np.float32
    assert not second['gt_score'].any()
    assert dataset.metainfo['classes'][3] == 'Forest'
    groups = [('Forest', 'Shrubland'), 'Waterbodies']
    dataset = SceneDataset(folder, labeled(file), bands=[1], classes=groups)
    np.testing.assert_allclose(dataset[0]['gt_score'], [0.75, 0.25], atol=1e-6)
    assert dataset.metainfo['classes'] == ('Forest+Shrubland', 'Waterbodies')
    numbers = [draw.indices[0] for draw in PairedSampler(dataset, seed=0)]
    assert sorted(numbers) == [0, 1]


def test_scenes_as_a_source_of_pairs(write_scene, tmp_path):
    for n in range(4):
        write_scene(f's/{n}.tif', 60, 40, dtype='uint8')
    windows = dict(size=8, length=22, max_per_scene=2, windows_per_read=2)
    remote = SceneDataset(tmp_path / 's', windows)
    natural = [*range(7)]
    pairs = PairedDataset(dict(remote=remote, natural=natural), ratio=dict(remote=2))
    sampler = PairedSampler(pairs, seed=0, batch_size=2)
    items = pairs.__getitems__(list(sampler))
    assert len(items) == 11
    for first in range(0, 10, 2):
        names = [w['img_path'] for i in items[first : first + 2] for w in i['remote']]
        assert max(map(names.count, names)) == 2
        windows = [w['window'] for i in items[first : first + 2] for w in i['remote']]
        assert len(set(windows)) > 2
    photos = [item['natural'][0] for item in items]
    assert {photos.count(n) for n in range(7)} == {1, 2}


@pytest.mark.parametrize(
    ('step', 'remedy'),
    [
        (dict(type='Solarize', thr=128), 'take rsp.RandomSolarize'),
        (dict(type='mmpretrain.GaussianBlur', radius=1), 'take rsp.RandomBlur'),
        (dict(type='ColorJitter', brightness=0.4), 'take rsp.ColorJitter'),
        (dict(type='Posterize', bits=4), 'leave it out'),
    ],
)
def test_transforms_of_8_bits_are_refused_for_reflectances(write_scene, step, remedy):
    """Some of them would go on without a word; wherever they stand."""
    file = write_scene('a.tif', bands=2)
    nested = dict(type='MultiView', num_views=2, transforms=[[step]])
    for pipeline in ([step], [nested]):
        with pytest.raises(ValueError, match=f'for 0 to 255; {remedy}'):
            SceneDataset([str(file)], 16, reflectance={}, pipeline=pipeline)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        # Colors of 8 bits may have them.
        colors = write_scene('b.tif', bands=3)
        SceneDataset([str(colors)], 16, pipeline=[nested])


def test_the_transforms_named_instead_take_reflectances(write_scene):
    file = write_scene('a.tif', bands=2)
    pipeline = [
        dict(type='rsp.RandomSolarize', prob=1.0),
        dict(type='rsp.RandomBlur'),
        dict(type='rsp.ColorJitter', brightness=0.4),
    ]
    reflectance = dict(value_range=(0, 200))
    dataset = SceneDataset([str(file)], 16, reflectance=reflectance, pipeline=pipeline)
    assert dataset[0]['img'].shape == (16, 16, 2)
