"""Images with soft labels, from label files and from official ones."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from rsp.datasets import LandCoverImages
from rsp.geo.land_cover.label_file import format_label, write_labels
from rsp.geo.windows.window import Window
from rsp.ops.fractions import GEOKR_CLASSES, LAND_COVER_CLASSES
from rsp.registry import DATASETS

LOAD = [dict(type='mmpretrain.LoadImageFromFile'), dict(type='mmpretrain.PackInputs')]
# The spelling of the official files.
OFFICIAL = {'Forest': 'Foreast', 'Artificial_Surfaces': 'Artifical_Surfaces'}
FOREST, WATER = GEOKR_CLASSES.index('Forest'), GEOKR_CLASSES.index('Waterbodies')


def counts(**named):
    return np.array([named.get(name, 0) for name in LAND_COVER_CLASSES], float)


def label(image, found, window=(0, 0, 36, 40), coverage=1.0):
    return format_label(
        image, Window(*window), found, nodata=0.0, unknown=0.0, coverage=coverage,
        crs='EPSG:32633', pixel_size=[10.0, 10.0], date=None,
    )  # fmt: skip


@pytest.fixture
def tiles(write_images):
    return write_images('tiles', ['a/1.png', 'a/2.png', 'b/1.tif', 'b/x.jpg'])


@pytest.fixture
def label_file(tmp_path):
    """Labels of all tiles but the last, one without classes; one of no tile."""
    lines = [
        label('a/1.png', counts(Forest=30, Waterbodies=10)),
        label('a/2.png', counts(Shrubland=50)),
        label('b/1.tif', counts(Waterbodies=0.5, sea=99), coverage=0.4),
        label('gone.png', counts(Forest=1)),
    ]
    write_labels(tmp_path / 'labels.jsonl', dict(scenes='tiles'), lines)
    return str(tmp_path / 'labels.jsonl')


def scores(dataset):
    infos = (dataset.get_data_info(i) for i in range(len(dataset)))
    return {info['img_path'].split('tiles/')[1]: info['gt_score'] for info in infos}


def test_images_get_the_shares_of_their_label(tiles, label_file):
    dataset = LandCoverImages(label_file, str(tiles))
    found = scores(dataset)
    assert list(found) == ['a/1.png', 'a/2.png', 'b/1.tif']
    assert found['a/1.png'].dtype == np.float32
    assert found['a/1.png'][[FOREST, WATER]].tolist() == pytest.approx([0.75, 0.25])
    assert not found['a/2.png'].any()
    assert found['b/1.tif'][WATER] == pytest.approx(1, abs=1e-5)
    assert dataset.metainfo['classes'] == list(GEOKR_CLASSES)


def test_what_is_left_out_is_told(tiles, label_file, capsys):
    from mmengine.logging import MMLogger

    MMLogger.get_instance('told', logger_name='told')
    LandCoverImages(label_file, str(tiles), zero_labels='drop', min_coverage=0.5)
    text = capsys.readouterr().out
    assert "2 of 4 images have no label in '" in text
    assert '1 of 4 images have land cover under less than 0.5: ' in text
    assert '1 of 4 labels have no image, left out: gone.png' in text
    assert '1 of 2 images show none of the classes, left out: ' in text


def test_images_without_any_class_are_kept_as_published_or_dropped(tiles, label_file):
    kept = LandCoverImages(label_file, str(tiles))
    dropped = LandCoverImages(label_file, str(tiles), zero_labels='drop')
    assert scores(kept).keys() - scores(dropped).keys() == {'a/2.png'}


def test_little_coverage_can_be_left_out(tiles, label_file):
    dataset = LandCoverImages(label_file, str(tiles), min_coverage=0.5)
    assert list(scores(dataset)) == ['a/1.png', 'a/2.png']


def test_classes_can_be_grouped(tiles, label_file):
    groups = [('Forest', 'Shrubland'), ['Waterbodies', 'sea']]
    dataset = LandCoverImages(label_file, str(tiles), classes=groups)
    found = scores(dataset)
    assert found['a/1.png'].tolist() == pytest.approx([0.75, 0.25])
    assert found['a/2.png'].tolist() == pytest.approx([1, 0])
    assert dataset.metainfo['classes'] == ['Forest+Shrubland', 'Waterbodies+sea']


def test_official_labels_lie_below_the_name_of_the_parent_folder(tiles, tmp_path):
    for name, found in (('a/1', counts(Forest=3)), ('b/1', counts(Waterbodies=9))):
        file = tmp_path / f'10landcovers/{name}.json'
        file.parent.mkdir(parents=True, exist_ok=True)
        names = [OFFICIAL.get(name, name) for name in LAND_COVER_CLASSES]
        by_name = dict(zip(names, map(int, found), strict=True))
        file.write_text(json.dumps(by_name))
    listed = tmp_path / 'train.txt'
    listed.write_text(f'{tiles}/b/1.tif\n{tiles}/a/1.png\n')
    labels = str(tmp_path / '10landcovers')
    dataset = LandCoverImages(labels, ann_file=str(listed))
    found = scores(dataset)
    assert list(found) == ['b/1.tif', 'a/1.png']
    assert found['b/1.tif'][WATER] == pytest.approx(1, abs=1e-6)
    assert found['a/1.png'][FOREST] == pytest.approx(1, abs=1e-6)
    assert list(scores(LandCoverImages(labels, str(tiles)))) == ['a/1.png', 'b/1.tif']


def test_the_pipeline_gives_scores_and_images(tiles, label_file):
    dataset = DATASETS.build(
        dict(
            type='rsp.LandCoverImages', labels=label_file, data_root=str(tiles),
            pipeline=LOAD,
        )
    )  # fmt: skip
    item = dataset[0]
    assert item['inputs'].shape == (3, 36, 40)
    assert item['data_samples'].gt_score.shape == (8,)
    assert item['data_samples'].gt_score.dtype == torch.float32
    assert item['data_samples'].gt_score[FOREST] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ('lines', 'words'),
    [
        (
            [label('z.png', counts(Forest=1))],
            "found none; the first image is '.*1.png",
        ),
        ([label('a/1.png', counts(Tundra=1))], "shows any of the 'classes'"),
        ([label('a/1.png', counts(), (0, 0, 9, 9))] * 2, 'windows of larger scenes'),
        ([label('a/1.png', counts(), (9, 0, 9, 9))], 'rsp.SceneDataset'),
    ],
)
def test_labels_that_do_not_fit_are_refused(tiles, tmp_path, lines, words):
    write_labels(tmp_path / 'l.jsonl', {}, lines)
    with pytest.raises(ValueError, match=words):
        LandCoverImages(str(tmp_path / 'l.jsonl'), str(tiles))


def test_wrong_arguments_and_damaged_labels_are_named(tiles, tmp_path, label_file):
    with pytest.raises(ValueError, match=r"'zero_labels' .* 'keep', 'drop', got 'no'"):
        LandCoverImages(label_file, str(tiles), zero_labels='no')
    with pytest.raises(ValueError, match="got 'Jungle'"):
        LandCoverImages(label_file, str(tiles), classes=['Jungle'])
    with pytest.raises(FileNotFoundError, match=r'none\.jsonl'):
        LandCoverImages(str(tmp_path / 'none.jsonl'), str(tiles))
    (tmp_path / 'json/a').mkdir(parents=True)
    (tmp_path / 'json/a/1.json').write_text('{"Forest": 3}')
    with pytest.raises(ValueError, match=r"a/1\.json' \(KeyError: 'Cultivated_Land'\)"):
        LandCoverImages(str(tmp_path / 'json'), str(tiles))


def test_rsp_needs_no_geographic_package(tmp_path):
    (tmp_path / 'a.tif').write_bytes(b'II*\0' + bytes(12))
    code = (
        'import sys\n'
        'for name in ("rasterio", "pyproj", "shapely", "distributed", "affine"):\n'
        '    sys.modules[name] = None\n'
        'import rsp\n'
        'from rsp.datasets.transforms import LoadGeoTiff\n'
        'try:\n'
        '    LoadGeoTiff()(dict(img_path="a.tif"))\n'
        'except ValueError as error:\n'
        '    print(error)\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | dict(PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert "pip install 'rsp-pretrain[geo]'" in done.stdout
