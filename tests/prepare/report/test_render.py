import base64
import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
import rasterio
import scenes
from matplotlib.path import Path

from rsp.prepare.report import charts, footprint_map, render
from rsp.prepare.report.render import render_report
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.folder import scan_folder

VOID = {'meta', 'img', 'br', 'link', 'input', 'hr'}


class Checker(HTMLParser):
    """Open tags, attributes that load something, and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.sources, self.text = [], [], ''
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.sources += [v for k, v in attributes if k in ('src', 'href', 'data')]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made')
    made = scenes.make(folder)
    grid = scenes.utm_grid(90, 80, 5e4)
    scenes.sentinel2(made.scenes / '<b>&"odd".tif', grid, wedge=True)
    scenes.truncated(made.scenes / 'half.tif', scenes.utm_grid(200, 200))
    scan = scan_folder(made.scenes, folder / 'out', workers=0)
    return render_report(scan, 'model = dict(a="<1>")', 'python train')


def test_the_page_is_well_formed_and_needs_nothing_else(page):
    sources = Checker(page).sources
    kinds = Counter(source.split(',')[0] for source in sources)
    # Files; the world, a place and seven bands.
    assert kinds == {
        'data:image/jpeg;base64': 7,
        'data:image/svg+xml;base64': 2 + 4 + 3,
    }
    for source in sources:
        if 'svg' in source:
            drawing = base64.b64decode(source.split(',')[1]).decode()
            assert not re.search(r'(href|src)="(?!#)', drawing)
    assert not re.search(r'https?:|url\(|@import|<script', page)


def test_names_are_text_and_not_markup(page):
    assert '<b>&"odd"' not in page
    assert '<b>&"odd".tif' in Checker(page).text
    assert 'model = dict(a="<1>")' in Checker(page).text


def test_the_page_tells_what_matters(page):
    text = Checker(page).text
    for words in (
        '5 × 4 bands of uint16',
        '2 × 3 bands of uint8',
        'EPSG:32633',
        'half.tif: expected whole blocks',
        '2020-06',
        'band 4',
        'Worth knowing',
        '7 files around 44.9',
    ):
        assert words in text, words


def test_a_histogram_of_evenly_spread_integers_is_flat():
    band = BandStatistics()
    band.add(np.repeat(np.arange(200, dtype=np.uint8), 50))
    counts, edges = charts.bin_values(band)
    # The last one may hold fewer numbers.
    assert max(counts[:-1]) == min(counts[:-1]) == 200
    np.testing.assert_array_equal(edges[:3], [-0.5, 3.5, 7.5])


def test_a_histogram_of_one_value_is_drawn():
    band = BandStatistics()
    band.add(np.full(10, 7, np.uint8))
    counts, _ = charts.bin_values(band)
    assert counts.max() == counts.sum() == 10
    assert charts.draw_histogram(band, 'red').startswith('data:image/svg+xml;base64,')


def square(lon, lat, size=0.1):
    ring = [(0, 0), (size, 0), (size, size), (0, size), (0, 0)]
    return [[lon + x, lat + y] for x, y in ring]


def test_land_is_where_it_is():
    rings = footprint_map.read_land()
    assert all((abs(ring) <= [180.1, 90.1]).all() for ring in rings)

    def is_land(longitude, latitude):
        return sum(Path(r).contains_point((longitude, latitude)) for r in rings) % 2

    on_land = [(13.4, 52.5), (-47.9, -15.8), (133.9, -23.7), (-100, 40), (178, -38.5)]
    at_sea = [(-30, 0), (-140, 30), (80, -30), (3, 57), (18, 35), (50.5, 42)]
    assert [is_land(*place) for place in on_land] == [1] * 5
    assert [is_land(*place) for place in at_sea] == [0] * 6


def test_places_are_those_within_reach():
    outlines = [square(10, 50), square(-70, -10), square(11.2, 50.4), square(12.9, 50)]
    large, small = footprint_map.group_places(outlines)
    assert large.outlines == [outlines[row] for row in (0, 2, 3)]
    assert (small.outlines, small.label) == ([outlines[1]], '9.95°S 69.95°W')
    assert footprint_map.draw_place(large) != footprint_map.draw_place(small)


def test_a_place_at_longitude_180_is_one_place():
    outlines = [square(179.95, 10), square(-179.95, 10), square(179.8, 10.1)]
    (place,) = footprint_map.group_places(outlines)
    assert place.center == pytest.approx((179.975, 10.1))
    assert place.label == '10.1°N 179.98°E'
    assert place.bounds == pytest.approx((179.8, 10, 180.15, 10.2))


def test_many_places_are_counted(tmp_path, write_scene):
    for n in range(render.MOST_PLACES + 3):
        there = rasterio.Affine(0.001, 0, 10 * n - 60, 0, -0.001, 5)
        write_scene(f'in/{n}.tif', 64, 64, crs='EPSG:4326', transform=there)
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    page = render.render_report(scan)
    assert 'and 3 more places' in page
    assert page.count('class="place"') == render.MOST_PLACES


@pytest.mark.parametrize(
    ('longest', 'expected'), [(9.9, 5), (1, 1), (0.3, 0.2), (2400, 2000)]
)
def test_scale_bars_have_round_lengths(longest, expected):
    assert footprint_map.round_length(longest) == pytest.approx(expected)
