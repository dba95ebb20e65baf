"""rsp analyze embed and search: exact results, places on the ground."""

import json

import numpy as np
import pytest

from rsp.cli import main
from rsp.errors import UserError
from rsp.evaluation.analysis.retrieval.search import VectorSearch

pytest.importorskip('pyarrow', reason="needs the 'analyze' extra")

# isort: split
from rsp.evaluation.analysis.retrieval.vectors import (
    Place,
    read_vectors,
    write_vectors,
)


def unit(count, size, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, size))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def analyze(*words):
    main('analyze', argv=[str(word) for word in words])


def test_results_are_those_of_all_cosines():
    # Near duplicates, which half precision does not tell apart.
    vectors = np.concatenate([unit(2000, 64), unit(40, 64) + 1e-4])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    searched = VectorSearch(vectors)
    for query in unit(20, 64, seed=1):
        rows, cosines = searched.nearest(query, 10)
        exact = vectors @ query
        np.testing.assert_array_equal(
            np.sort(exact)[::-1][:10], np.sort(exact[rows])[::-1]
        )
        np.testing.assert_allclose(cosines, exact[rows], rtol=1e-5)
    with pytest.raises(UserError, match='number of results'):
        searched.nearest(vectors[0], 2041)


def test_vectors_come_back_as_they_were(tmp_path):
    places = [Place('a.tif', (0, 8, 4, 4), '2020-05-01'), Place('b.jpg')]
    write_vectors(tmp_path / 'v.parquet', places, unit(2, 5), dict(source='x', size=3))
    found, vectors, facts = read_vectors(tmp_path / 'v.parquet')
    assert found == places
    np.testing.assert_array_equal(vectors, unit(2, 5))
    assert facts == dict(source='x', size=3)


@pytest.fixture
def scenes(write_scene):
    """A scene of 3 x 4 windows of 32 pixels and a rest, the first one without data."""
    pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    pixels = np.random.default_rng(0).integers(1, 256, size=(3, 100, 140))
    pixels[:, :32, :32] = 0
    file = write_scene('scenes/s2_20200501.tif', pixels=pixels.astype(np.uint8))
    return file.parent


def test_windows_carry_their_footprints_and_dates(scenes, write_backbone, tmp_path):
    shapely = pytest.importorskip('shapely', reason="needs the 'geo' extra")
    from pyproj import Transformer

    analyze('embed', write_backbone(), '--data', scenes, '--window', 32, '--size', 32,
            '--out', tmp_path)  # fmt: skip
    places, vectors, facts = read_vectors(tmp_path / 'resnet.parquet')
    assert len(places) == 11
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert facts['window'] == 32
    [place] = [place for place in places if place.window == (32, 64, 32, 32)]
    assert place.date == '2020-05-01'
    # write_scene: 10 m pixels from (500000, 5000000), EPSG:32633.
    to_degrees = Transformer.from_crs(32633, 4326, always_xy=True)
    middle = to_degrees.transform(500_000 + 800, 5_000_000 - 480)
    centroid = shapely.from_wkb(place.footprint).centroid
    np.testing.assert_allclose((centroid.x, centroid.y), middle, atol=1e-6)


def test_a_window_finds_itself_and_its_map_lies_on_the_scene(
    scenes, write_backbone, tmp_path
):
    import rasterio

    analyze('embed', write_backbone(), '--data', scenes, '--window', 32, '--size', 32,
            '--out', tmp_path)  # fmt: skip
    query = f'{scenes}/s2_20200501.tif@32,64,32,32'
    vectors = tmp_path / 'resnet.parquet'
    analyze('search', query, '--vectors', vectors, '--count', 3, '--out', tmp_path)
    found = json.loads((tmp_path / 'search.json').read_text())
    assert found['results'][0]['window'] == [32, 64, 32, 32]
    assert found['results'][0]['cosine'] == pytest.approx(1, abs=1e-5)
    [file] = tmp_path.glob('similarity_*.tif')
    with rasterio.open(file) as dataset:
        similar = dataset.read(1)
        assert dataset.crs.to_epsg() == 32633
        # The center of the best pixel is that of the window.
        best = np.unravel_index(np.nanargmax(similar), similar.shape)
        assert dataset.xy(*best) == (500_000 + 800, 5_000_000 - 480)
    assert similar.shape == (3, 4)
    assert np.isnan(similar[0, 0])  # no data
    row = found['results'][0]['row']
    analyze('search', f'#{row}', '--vectors', vectors, '--count', 3, '--out', tmp_path)
    again = json.loads((tmp_path / 'search.json').read_text())
    assert [r['row'] for r in again['results']] == [r['row'] for r in found['results']]


@pytest.mark.parametrize(
    ('query', 'said'),
    [
        ('a.tif@1,2,3', 'expected a query FILE@TOP,LEFT,HEIGHT,WIDTH'),
        ('#7', 'row of the query'),
        ('nowhere.png', 'nowhere.png'),
    ],
)
def test_a_query_that_is_none_is_told_in_one_line(query, said, tmp_path):
    facts = dict(source='x', branch=None, stage=4, size=32)
    write_vectors(tmp_path / 'v.parquet', [Place('a.jpg')], unit(1, 5), facts)
    with pytest.raises(SystemExit, match=said) as ended:
        analyze('search', query, '--vectors', tmp_path / 'v.parquet', '--count', 1)
    assert '\n' not in str(ended.value)


def test_what_holds_no_vectors_is_refused(tmp_path):
    (tmp_path / 'v.parquet').write_bytes(b'no parquet')
    with pytest.raises(UserError, match='expected a Parquet file'):
        read_vectors(tmp_path / 'v.parquet')
    with pytest.raises(UserError, match='no such file'):
        read_vectors(tmp_path / 'w.parquet')
