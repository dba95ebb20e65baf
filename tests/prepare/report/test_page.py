import re
from html.parser import HTMLParser

import numpy as np
import pytest
import scenes

from rsp.prepare.report import charts, footprint_map
from rsp.prepare.report.page import datasheet
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.folder import take_census

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
    census = take_census(made.scenes, folder / 'out', workers=0)
    return datasheet(census, 'model = dict(a="<1>")', 'python train')


def test_the_page_is_well_formed_and_needs_nothing_else(page):
    sources = Checker(page).sources
    assert len(sources) == 7
    assert all(source.startswith('data:image/jpeg;base64,') for source in sources)
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


def bars(svg):
    path = re.search(r'd="(.*?)"', svg)[1]
    return [float(height) for height in re.findall(r'v-([\d.]+)h', path)]


def test_a_histogram_of_evenly_spread_integers_is_flat():
    band = BandStatistics()
    band.add(np.repeat(np.arange(200, dtype=np.uint8), 50))
    heights = bars(charts.histogram(band, 'red'))
    # The last one may hold fewer numbers.
    assert max(heights[:-1]) == min(heights[:-1]) > 80


def test_a_histogram_of_one_value_is_drawn():
    band = BandStatistics()
    band.add(np.full(10, 7, np.uint8))
    assert max(bars(charts.histogram(band, 'red'))) > 80


def square(lon, lat, size=0.1):
    ring = [(0, 0), (size, 0), (size, size), (0, size), (0, 0)]
    return [[lon + x, lat + y] for x, y in ring]


def test_places_are_those_within_reach():
    outlines = [square(10, 50), square(-70, -10), square(11.2, 50.4), square(12.9, 50)]
    assert footprint_map.group(outlines) == [[0, 2, 3], [1]]
    drawing = footprint_map.draw(outlines)
    assert '1 file around 9.95°S 69.95°W' in re.sub('<.*?>', '', drawing)
    assert drawing.count('class="place"') == 2


def test_a_place_at_longitude_180_is_one_place():
    outlines = [square(179.95, 10), square(-179.95, 10), square(179.8, 10.1)]
    assert footprint_map.group(outlines) == [[0, 1, 2]]
    drawing = footprint_map.draw(outlines)
    assert '3 files around 10.1°N 179.98°E' in re.sub('<.*?>', '', drawing)
    assert '<circle cx="179.975"' in drawing


def test_many_places_are_counted():
    outlines = [square(10 * n - 170, 0) for n in range(footprint_map.MOST_PLACES + 3)]
    assert 'and 3 more places' in footprint_map.draw(outlines)


@pytest.mark.parametrize(
    ('longest', 'expected'), [(9.9, 5), (1, 1), (0.3, 0.2), (2400, 2000)]
)
def test_scale_bars_have_round_lengths(longest, expected):
    assert charts.round_length(longest) == pytest.approx(expected)
