"""rsp analyze embed and search: exact results, places on the ground."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from rsp.cli import main
from rsp.errors import UserError
from rsp.evaluation.analysis.retrieval.exact_search import VectorSearch
from rsp.evaluation.analysis.retrieval.graph_search import GraphSearch, recall_of
from rsp.evaluation.analysis.retrieval.similarity_maps import preview

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


def in_groups(count, size=32):
    """Return vectors with neighborhoods, as features have them."""
    rng = np.random.default_rng(0)
    vectors = unit(count // 20, size)[rng.integers(count // 20, size=count)]
    vectors = vectors + 0.1 * rng.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def test_recall_is_the_share_of_the_nearest_and_copies_count():
    exact = [np.array([0.9, 0.8, 0.8]), np.array([0.5, 0.4, 0.3])]
    assert recall_of(exact, exact) == 1
    # One of six is worse than the worst exact one.
    assert recall_of(exact, [exact[0], np.array([0.5, 0.3, 0.2])]) == 5 / 6


def test_a_graph_finds_what_the_exact_product_finds_and_is_kept(tmp_path):
    pytest.importorskip('usearch', reason="needs the 'analyze' extra")
    file, vectors = tmp_path / 'v.parquet', in_groups(2000)
    file.touch()
    exact = VectorSearch(vectors)
    graph = GraphSearch(file, vectors, exact)
    assert graph.measured.recall >= 0.99
    queries = in_groups(2400)[2000:2100]
    best = [exact.nearest(query, 10)[1] for query in queries]
    found = [graph.nearest(query, 10) for query in queries]
    assert recall_of(best, [cosines for _, cosines in found]) >= 0.99
    # Single precision, best first.
    rows, cosines = found[0]
    np.testing.assert_allclose(cosines, vectors[rows] @ queries[0], rtol=1e-5)
    assert (np.diff(cosines) <= 0).all()
    when = (tmp_path / 'v.usearch').stat().st_mtime_ns
    again = GraphSearch(file, vectors, exact)
    assert again.measured == graph.measured
    np.testing.assert_array_equal(again.nearest(queries[0], 10)[0], rows)
    assert (tmp_path / 'v.usearch').stat().st_mtime_ns == when
    # Other vectors of the file's name: built again.
    file.write_text('changed')
    GraphSearch(file, vectors[:1000], VectorSearch(vectors[:1000]))
    assert (tmp_path / 'v.usearch').stat().st_mtime_ns > when


def test_a_graph_that_misses_neighbors_is_refused_with_its_recall(
    tmp_path, monkeypatch
):
    pytest.importorskip('usearch', reason="needs the 'analyze' extra")
    from rsp.evaluation.analysis.retrieval import graph_search

    # Without neighborhoods, few links, and almost nothing looked at.
    monkeypatch.setattr(graph_search, 'LINKS', 2)
    monkeypatch.setattr(graph_search, 'BREADTHS', (1,))
    monkeypatch.setattr(graph_search, 'CANDIDATES', 1)
    file, vectors = tmp_path / 'v.parquet', unit(2000, 256)
    file.touch()
    with pytest.raises(UserError, match=r'to find 99% .*it finds \d+.*--index never'):
        GraphSearch(file, vectors, VectorSearch(vectors))


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
    page = (tmp_path / 'similarity.html').read_text()
    assert not re.search(r'(src|href)="(?!data:)|https?://|url\(', page)
    # The best window is marked where it is: row 32, column 64 of 100 x 140 pixels.
    place = re.search(r'left:([\d.]+)%;top:([\d.]+)%;[^>]*><b>1</b>', page)
    np.testing.assert_allclose([float(x) for x in place.groups()], [6400 / 140, 32])
    shown = json.loads(re.search(r'const scenes = (.*);', page)[1])[0]
    np.testing.assert_allclose(np.array(shown, float), similar, atol=6e-4)
    row = found['results'][0]['row']
    analyze('search', f'#{row}', '--vectors', vectors, '--count', 3, '--out', tmp_path)
    again = json.loads((tmp_path / 'search.json').read_text())
    assert [r['row'] for r in again['results']] == [r['row'] for r in found['results']]


def test_a_preview_shows_the_scene_at_a_smaller_size(write_images):
    folder = write_images('large', ['a.png'], (330, 210))
    pixels = np.asarray(Image.open(folder / 'a.png'))
    np.testing.assert_array_equal(preview(str(folder / 'a.png')), pixels)
    small = preview(str(folder / 'a.png'), longest=110)
    assert small.shape == (110, 70, 3)
    means = pixels.reshape(110, 3, 70, 3, 3).mean(axis=(1, 3))
    assert np.abs(small - means).max() <= 0.5001


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
