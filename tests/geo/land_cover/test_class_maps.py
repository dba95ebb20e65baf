"""Class maps: tables, maps of one's own, guesses."""

import json

import numpy as np
import pytest

from rsp.geo.land_cover.class_maps import (
    NODATA_INDEX,
    UNKNOWN_INDEX,
    describe_class_maps,
    guess_class_map,
    load_class_map,
)
from rsp.geo.land_cover.class_tables import FILE_NAMES, NODATA, TABLES
from rsp.ops.fractions import LAND_COVER_CLASSES

CLASS_OF = [
    ('globeland30', {10: 'Cultivated_Land', 100: 'Permanent_Snow', 255: 'sea'}),
    ('worldcover', {10: 'Forest', 80: 'Waterbodies', 95: 'Wetland', 100: 'Tundra'}),
    ('nlcd', {21: 'Artificial_Surfaces', 52: 'Shrubland', 81: 'Cultivated_Land'}),
    ('corine', {1: 'Artificial_Surfaces', 12: 'Cultivated_Land', 44: 'sea'}),
    ('corine-level3', {111: 'Artificial_Surfaces', 523: 'sea', 335: 'Permanent_Snow'}),
    ('cdl', {1: 'Cultivated_Land', 176: 'Grassland', 195: 'Wetland'}),
    ('dynamic-world', {0: 'Waterbodies', 1: 'Forest', 8: 'Permanent_Snow'}),
    ('esri', {1: 'Waterbodies', 2: 'Forest', 11: 'Grassland'}),
]  # fmt: skip
NO_DATA_OF = [
    ('globeland30', 0), ('worldcover', 0), ('nlcd', 250), ('corine', 48),
    ('corine', -128), ('cdl', 81), ('esri', 10),
]  # fmt: skip


@pytest.mark.parametrize(('table', 'expected'), CLASS_OF)
def test_codes_are_the_classes_that_the_maps_document(table, expected):
    class_map = load_class_map(table)
    places = class_map.classify(np.array([*expected]))
    assert [LAND_COVER_CLASSES[place] for place in places] == [*expected.values()]


@pytest.mark.parametrize(('table', 'code'), NO_DATA_OF)
def test_codes_without_data_are_apart(table, code):
    assert load_class_map(table).classify(np.array([code])) == NODATA_INDEX


@pytest.mark.parametrize('table', TABLES)
def test_every_table_names_known_classes_and_each_code_once(table):
    assert TABLES[table].keys() <= {*LAND_COVER_CLASSES, NODATA}
    class_map = load_class_map(table)
    listed = ' '.join(TABLES[table].values()).split()
    ranges = [entry.lstrip('-').split('-') for entry in listed]
    number = sum(int(entry[-1]) - int(entry[0]) + 1 for entry in ranges)
    assert len(class_map.codes) + len(class_map.nodata) == number


def test_corine_numbers_its_44_classes_through():
    three_digits = sorted(load_class_map('corine-level3').codes)
    assert len(three_digits) == 44
    for number, code in enumerate(three_digits, start=1):
        assert (
            load_class_map('corine').codes[number]
            == load_class_map('corine-level3').codes[code]
        )


def test_every_sub_code_of_tundra_is_tundra():
    places = load_class_map('globeland30').classify(np.arange(69, 81))
    tundra = LAND_COVER_CLASSES.index('Tundra')
    assert [*places] == [UNKNOWN_INDEX, *[tundra] * 10, tundra + 1]


def test_a_table_can_be_changed_and_extended():
    given = dict(base='nlcd', codes={'52': 'Grassland', 99: 'wetlands'}, nodata=[31])
    class_map = load_class_map(given)
    places = class_map.classify(np.array([52, 99, 31, 41, 250, 7]))
    names = [*LAND_COVER_CLASSES, 'no data', 'unknown']
    assert [names[place] for place in places] == [
        'Grassland', 'Wetland', 'no data', 'Forest', 'no data', 'unknown'
    ]  # fmt: skip
    assert class_map.name == 'nlcd, changed'
    assert 52 in load_class_map('nlcd').codes


def test_an_own_class_map_may_use_plain_english(tmp_path):
    words = {
        '0': 'no data', '1': 'cultivated land', '2': 'forest', '5': 'water',
        '8': 'artificial surface', '9': 'Bareland', '10': 'snow and ice', '11': None,
        '12': 'Foreast', '13': 'Artifical_Surfaces',
    }  # fmt: skip
    file = tmp_path / 'classes.json'
    file.write_text(json.dumps(words))
    class_map = load_class_map(str(file))
    assert class_map.codes == {
        1: 'Cultivated_Land', 2: 'Forest', 5: 'Waterbodies', 8: 'Artificial_Surfaces',
        9: 'Bareland', 10: 'Permanent_Snow', 12: 'Forest', 13: 'Artificial_Surfaces',
    }  # fmt: skip
    assert class_map.nodata == {0, 11}
    assert class_map.name == 'classes.json'
    assert load_class_map({int(code): word for code, word in words.items()}).codes == (
        class_map.codes
    )


def test_a_class_map_of_codes_alone_needs_no_base():
    assert load_class_map(dict(codes={1: 'forest'}, nodata=[0])).nodata == {0}


@pytest.mark.parametrize(
    ('given', 'error', 'words'),
    [
        (
            'globeland',
            ValueError,
            'expected a class map out of globeland30, worldcover',
        ),
        ('missing.json', FileNotFoundError, 'missing.json'),
        (
            {1: 'jungle'},
            ValueError,
            "'own class map', .* got 'jungle' as a class; known are Cultivated",
        ),
        ({'one': 'forest'}, ValueError, "integers as codes .* got 'one'"),
        (dict(base='nlcd', code={}), ValueError, 'got also code'),
        (dict(base='nlcd', nodata=['x']), ValueError, "got 'x'"),
        ({'forest': 10}, ValueError, "10: 'forest', got 10 as a class"),
        ({1: dict(name='forest')}, ValueError, r"got \{'name': 'forest'\} as a class"),
        (dict(base='nlcd', nodata=5), ValueError, 'a list of codes .* and 5'),
        (dict(codes=[1, 2]), ValueError, r"'codes' as code: class .* got \[1, 2\]"),
    ],
)
def test_wrong_class_maps_are_named(given, error, words):
    with pytest.raises(error, match=words):
        load_class_map(given)


def test_a_file_that_is_no_class_map_is_named(tmp_path):
    for text, words in (('{', 'no valid JSON'), ('[1]', 'object of code: class')):
        (tmp_path / 'l.json').write_text(text)
        with pytest.raises(ValueError, match=words):
            load_class_map(tmp_path / 'l.json')


@pytest.mark.parametrize(
    ('name', 'codes', 'expected'),
    [
        ('n50_35_2020lc030', [10, 60, 72], 'globeland30'),
        ('N50_35_2020LC030', [10, 0, 255], 'globeland30'),
        ('n50_35_2020lc030', [10, 3], None),  # An official name, other codes.
        ('ESA_WorldCover_10m_2021_v200_N00E006_Map', [10, 80], 'worldcover'),
        ('nlcd_2019_land_cover_l48_20210604', [11, 95], 'nlcd'),
        ('U2018_CLC2018_V2020_20u1', [1, 44, -128], 'corine'),
        ('2021_30m_cdls', [1, 176], 'cdl'),
        ('33T_20200101-20210101', [1, 11], 'esri'),
        ('my_map', [10, 20, 30], None),
    ],
)
def test_a_class_map_is_guessed_from_official_names_only(name, codes, expected):
    assert guess_class_map(name, None, codes) == expected


def test_a_class_map_is_guessed_from_its_official_colors():
    colors = dict.fromkeys(range(256), (0, 0, 0, 255)) | {
        10: (0, 100, 0, 255), 20: (255, 187, 34, 255), 30: (255, 255, 76, 255),
        40: (240, 150, 255, 255), 50: (251, 1, 0, 255), 60: (180, 180, 180, 255),
        80: (0, 100, 200, 255), 90: (0, 150, 160, 255),
    }  # fmt: skip
    assert guess_class_map('clip', colors, [10, 80]) == 'worldcover'
    assert guess_class_map('clip', colors, [10, 81]) is None
    assert guess_class_map('clip', colors | {50: (0, 0, 250, 255)}, [10]) is None


def test_a_name_of_one_map_and_the_colors_of_another_are_no_certainty():
    from rsp.geo.land_cover.class_tables import COLORS

    colors = {code: (*rgb, 255) for code, rgb in COLORS['nlcd'].items()}
    assert guess_class_map('2021_30m_cdls', colors, []) is None
    assert guess_class_map('x', colors, []) == 'nlcd'


def test_every_pattern_belongs_to_a_table():
    assert FILE_NAMES.keys() <= TABLES.keys()


def test_the_description_counts_known_codes():
    text = describe_class_maps([41, 42, 7])
    assert text.startswith(
        'codes found: 7, 41, 42; class maps: globeland30 (knows 0 of'
    )
    assert 'nlcd (knows 2 of the 3 codes)' in text
