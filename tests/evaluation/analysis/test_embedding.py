"""rsp analyze embedding and neighbors: scores by hand, a page without network."""

import json
import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from rsp.cli import main
from rsp.evaluation.analysis.images import ImageSet, open_images
from rsp.evaluation.analysis.neighbors import centers

pytest.importorskip('openTSNE', reason="needs the 'analyze' extra")

# isort: split
from rsp.evaluation.analysis.embedding import embed, render_page, scores


def test_two_far_groups_are_pure_and_shuffled_ones_are_as_chance_has_it():
    labels = torch.arange(40) % 2
    features = torch.randn(40, 4) * 0.05 + (2 * labels[:, None] - 1.0)
    unit = F.normalize(features, dim=1)
    found = scores(unit, labels, neighbors=5)
    assert found['purity'] == 1
    assert found['silhouette'] > 0.9
    assert found['purity_by_chance'] == pytest.approx(19 / 39)
    mixed = scores(unit, labels[torch.randperm(40)], neighbors=5)
    assert mixed['purity'] == pytest.approx(19 / 39, abs=0.2)
    assert abs(mixed['silhouette']) < 0.2


@pytest.mark.parametrize(
    'method', ['tsne', pytest.param('umap', marks=pytest.mark.slow)]
)
def test_groups_stay_apart_in_the_plane_and_places_repeat(method):
    if method == 'umap':
        pytest.importorskip('umap', reason="needs the 'analyze' extra")
    labels = np.arange(40) % 2
    noise = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    features = noise + 20 * labels[:, None]
    plane = embed(features, method, seed=1)
    apart = np.linalg.norm(plane[:, None] - plane, axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (labels[apart.argmin(axis=1)] == labels).all()
    np.testing.assert_array_equal(embed(features, method, seed=1), plane)


def test_the_page_stands_alone_and_escapes_names(write_images):
    folder = write_images('a"<script>alert(1)<', ['x<b>&.png', 'y.png'])
    paths = [str(path) for path in sorted(folder.iterdir())]
    images = ImageSet(paths, ("<i>'c", 'd'), np.array([0, 1]))
    plane = np.array([[0.0, 0.0], [1.0, 2.0]])
    page = render_page(images, [plane], ['<u>n'], ['<u>n\n'], 'tsne')
    assert page.count('<circle ') == 2
    assert page.count('data:image/jpeg;base64,') == 2
    assert not re.search(r'(src|href)="(?!data:)|https?://|url\(', page)
    for raw in ('<u>', '<i>', '<b>', 'alert(1)<'):
        assert raw not in page.replace('<i style', '')


def test_pages_pictures_and_numbers_repeat(write_backbone, write_classes, tmp_path):
    data = write_classes(6)
    for out in ('a', 'b'):
        for what in ('embedding', 'neighbors'):
            line = [what, write_backbone(), '--data', data, '--neighbors', '3']
            main('analyze', argv=[*line, '--out', str(tmp_path / out)])
    names = sorted(path.name for path in (tmp_path / 'a').iterdir())
    assert names == [
        'embedding.html', 'embedding.json', 'embedding.png', 'neighbors.json',
        'neighbors.png',
    ]  # fmt: skip
    for name in names:
        first, second = ((tmp_path / out / name).read_bytes() for out in ('a', 'b'))
        assert first == second
    found = json.loads((tmp_path / 'a/neighbors.json').read_text())
    [backbone] = found['backbones']
    for query in backbone['queries']:
        assert query['image'] not in query['neighbors']
        assert query['cosines'] == sorted(query['cosines'], reverse=True)


@pytest.mark.parametrize('what', ['embedding', 'neighbors'])
def test_fewer_images_than_neighbors_are_told(what, write_backbone, write_images):
    folder = str(write_images('few', ['a.png', 'b.png'], (32, 32)))
    line = [what, write_backbone(), '--data', folder, '--neighbors', '2']
    with pytest.raises(
        SystemExit, match=r'more than --neighbors\) of at least 3, got 2'
    ):
        main('analyze', argv=line)


def test_neighbors_of_georeferenced_scenes_are_on_a_map(
    write_scene, write_backbone, tmp_path
):
    rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    from pyproj import Transformer

    rng = np.random.default_rng(0)
    for number in range(4):
        pixels = rng.integers(1, 256, size=(3, 32, 40), dtype=np.uint8)
        place = rasterio.Affine(10, 0, 5e5 + 1e4 * number, 0, -10, 5e6)
        write_scene(f'tiles/{number}.tif', pixels=pixels, transform=place)
    images = open_images(str(tmp_path / 'tiles'))
    to_degrees = Transformer.from_crs(32633, 4326, always_xy=True)
    expected = [to_degrees.transform(5e5 + 1e4 * n + 200, 5e6 - 160) for n in range(4)]
    np.testing.assert_allclose(centers(images), expected, atol=1e-6)
    line = ['neighbors', write_backbone(), '--data', str(tmp_path / 'tiles')]
    main('analyze', argv=[*line, '--neighbors', '2', '--out', str(tmp_path / 'out')])
    assert (tmp_path / 'out/neighbors_map.png').stat().st_size > 10_000
