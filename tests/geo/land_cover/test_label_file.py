"""The label file: what is written is read, what is damaged is named."""

import json
import os

import numpy as np
import pytest

from rsp.geo.land_cover import label_file
from rsp.geo.land_cover.label_file import MARK, format_label, read_labels, write_labels
from rsp.geo.windows.window import Window
from rsp.ops.fractions import LAND_COVER_CLASSES

HEADER = dict(scenes='scenes', class_map='nlcd', rasters=['a.tif'])


def line(image, window, counts, coverage=1.0):
    return format_label(
        image, window, np.array(counts, float), nodata=0.0, unknown=1.5,
        coverage=coverage, crs='EPSG:32633', pixel_size=[10.0, 10.0], date=None,
    )  # fmt: skip


def test_what_is_written_is_read(tmp_path):
    counts = np.round(np.random.default_rng(0).uniform(0, 99, (2, 11)), 6)
    windows = [Window(0, 0, 9, 8), Window(5, 6, 9, 8)]
    lines = [
        line(f'a/{i}.tif', windows[i], counts[i], coverage=0.5 + i / 2)
        for i in range(2)
    ]
    write_labels(tmp_path / 'labels.jsonl', HEADER, lines)
    for place in (tmp_path, tmp_path / 'labels.jsonl'):
        labels = read_labels(place)
        assert labels.header == HEADER | {MARK: 1}
        assert [*labels.images] == ['a/0.tif', 'a/1.tif']
        np.testing.assert_array_equal(labels.windows, windows)
        np.testing.assert_array_equal(labels.counts, counts)
        np.testing.assert_array_equal(labels.coverage, [0.5, 1])
    assert [file.name for file in tmp_path.iterdir()] == ['labels.jsonl']


def test_a_line_is_what_the_readme_promises():
    record = json.loads(line('a.tif', Window(2, 1, 3, 4), [12.0, 0.25, *[0.0] * 9]))
    assert list(record['counts']) == list(LAND_COVER_CLASSES)
    assert record['counts']['Cultivated_Land'] == 12
    assert record['counts']['Forest'] == 0.25
    assert record | dict(counts=None) == dict(
        image='a.tif', window=[1, 2, 4, 3], counts=None, nodata=0, unknown=1.5,
        coverage=1, crs='EPSG:32633', pixel_size=[10, 10], date=None,
    )  # fmt: skip


def test_counts_in_the_official_spelling_are_read(tmp_path):
    official = line('a.tif', Window(2, 1, 3, 4), range(11)).replace('Forest', 'Foreast')
    write_labels(tmp_path / 'labels.jsonl', HEADER, [official])
    np.testing.assert_array_equal(read_labels(tmp_path).counts, [range(11)])


def test_a_file_without_windows_has_no_rows(tmp_path):
    write_labels(tmp_path / 'labels.jsonl', HEADER, [])
    labels = read_labels(tmp_path)
    assert (labels.windows.shape, labels.counts.shape) == ((0, 4), (0, 11))


def test_a_long_file_is_parsed_once(tmp_path, monkeypatch):
    counts = np.random.default_rng(0).uniform(0, 99, (3, 11))
    lines = [line(f'ä/{n}.tif', Window(n, 2, 3, 4), counts[n]) for n in range(3)]
    write_labels(tmp_path / 'labels.jsonl', HEADER, lines)
    monkeypatch.setattr(label_file, 'LONG', 3)
    # As if it had been written a while ago.
    os.utime(tmp_path / 'labels.jsonl', (1e9, 1e9))
    first = read_labels(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(label_file, '_parse', None)
        again = read_labels(tmp_path)
    assert [*again.images] == [*first.images] == [f'ä/{n}.tif' for n in range(3)]
    assert again.header == first.header == HEADER | {MARK: 1}
    for name in ('windows', 'counts', 'coverage', 'valid'):
        one, other = getattr(first, name), getattr(again, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    write_labels(tmp_path / 'labels.jsonl', HEADER, lines[:2])
    assert len(read_labels(tmp_path).images) == 2


def right():
    return line('a.tif', Window(2, 1, 3, 4), range(11))


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', 'first line has "rsp_land_cover_labels": 1'),
        ('{"rsp_land_cover_labels": 2}\n', 'first line has'),
        ('[1]\n', 'first line has'),
        (
            '{"rsp_land_cover_labels": 1}\n{"image": "a"}\n',
            "line 2 .*KeyError: 'window'",
        ),
        ('{"rsp_land_cover_labels": 1}\n{"im', 'line 2 of .*JSONDecodeError'),
        *(
            ('{"rsp_land_cover_labels": 1}\n' + right().replace(*change), words)
            for change, words in (
                (('"a.tif"', '"a\\u0000b"'), 'line 2 .*path of an image'),
                (('[1, ', '[0.5, '), 'line 2 .*float'),
                (('[1, ', '[99999999999999999999, '), 'line 2 .*OverflowError'),
            )
        ),
    ],
)
def test_damage_is_named(tmp_path, text, words):
    (tmp_path / 'labels.jsonl').write_text(text)
    with pytest.raises(ValueError, match=words):
        read_labels(tmp_path / 'labels.jsonl')


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'labels\.jsonl'):
        read_labels(tmp_path)
