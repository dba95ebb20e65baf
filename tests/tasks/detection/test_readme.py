"""The page of the task quotes the published tables."""

import re

import pytest

from rsp.io.configs import config_folder

CONFIGS = config_folder()
PAGE = CONFIGS / 'downstream' / 'detection' / 'README.md'


def rows(page):
    """Rows of the table of pre-trainings, by their first column."""
    text = page.read_text()
    table = re.search(r'\| Pre-training \|.*\n(?:\|.*\n)+', text).group()
    cells = [[c.strip() for c in line.split('|')[1:-1]] for line in table.splitlines()]
    return {row[0]: row[1:] for row in cells[2:]}


def test_the_table_is_that_of_the_method():
    quoted, overview = rows(PAGE), rows(CONFIGS / 'gersp' / 'README.md')
    assert {'IMP', 'MoCo-IN-MAID', 'GeRSP', 'GeRSP-200'} <= quoted.keys()
    for name, values in quoted.items():
        assert values == overview[name][3:9], name


@pytest.mark.parametrize('data', ['dior', 'dota'])
@pytest.mark.parametrize(
    ('place', 'detector'),
    list(enumerate(['faster-rcnn', 'retinanet', 'atss-dyhead'])),
)
def test_headers_quote_their_column(data, place, detector):
    config = PAGE.parent / f'{detector}_r50_{data}.py'
    header = config.read_text().split('\n_base_')[0].replace('\n#  ', '')
    column = place + 3 * (data == 'dota')
    for name in ('IMP', 'MoCo-IN', 'MoCo-MAID', 'GeRSP', 'GeRSP-200', 'From Scratch'):
        assert f' {name} {rows(PAGE)[name][column]}' in header, name
