"""DOTA's label files, good and bad."""

import pytest

from rsp.prepare.tile.split_dota import CLASSES
from rsp.tasks.oriented_detection.labels import (
    Label,
    list_images,
    read_labels,
    refuse,
    refuse_unpaired,
)

GOOD = '1.0 2.0 11.5 2.0 11.5 8.0 1.0 8.0 plane 1'


@pytest.fixture
def read(tmp_path):
    def read(text):
        file = tmp_path / 'P0001.txt'
        file.write_text(text)
        return read_labels(file, CLASSES)

    return read


def test_headers_blank_lines_and_a_missing_flag_are_understood(read):
    labels, problems = read(
        f'imagesource:GoogleEarth\ngsd:null\n{GOOD}\n\n{GOOD[:-2]}\n'
    )
    assert problems == []
    corners = (1.0, 2.0, 11.5, 2.0, 11.5, 8.0, 1.0, 8.0)
    assert labels == [
        Label(corners, 'plane', 1, 'line 3'),
        Label(corners, 'plane', 0, 'line 5'),
    ]


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('1 2 3 4 5 6 7 plane 0', "expected 'x1 y1 x2 y2"),
        ('1 2 3 4 plane 0', 'got 6 fields'),
        (GOOD + ' 7', 'got 11 fields'),
        (GOOD.replace('11.5', 'x', 1), "expected 'x1 y1 x2 y2"),
        (GOOD.replace('11.5', 'nan', 1), 'expected finite corners'),
        (GOOD.replace(' 1', ' 5')[:-1] + '5', "0 or 1 or 2 for difficult, got '5'"),
        (GOOD.replace('plane', 'Plane'), "unknown class 'Plane'; nearest: 'plane'"),
        (GOOD.replace('plane', 'smal-vehicle'), "nearest: 'small-vehicle'"),
        (GOOD.replace('plane', 'xyzzy'), 'known: plane, baseball-diamond'),
        ('gsd:0.1', 'got 1 fields'),
    ],
)
def test_a_malformed_line_is_named(read, line, message):
    labels, problems = read(f'{GOOD}\n{line}\n{GOOD}\n')
    assert [label.place for label in labels] == ['line 1', 'line 3']
    (problem,) = problems
    assert 'P0001.txt, line 2: ' in problem
    assert message in problem


def test_a_file_that_is_no_text_is_named(tmp_path):
    file = tmp_path / 'P1.txt'
    file.write_bytes(b'\xff\xfe\x00')
    assert read_labels(file, CLASSES)[0] == []
    assert 'P1.txt: expected text' in read_labels(file, CLASSES)[1][0]


@pytest.mark.parametrize(
    ('polygon', 'flat'),
    [
        ((0, 0, 4, 0, 4, 2, 0, 2), False),
        ((0, 0, 4, 2, 4, 0, 0, 2), False),  # sides cross: signed area 0
        ((0, 0, 2, 0, 4, 0, 4, 3), False),
        ((0, 0, 2, 1, 4, 2, 6, 3), True),
        ((5, 5, 5, 5, 5, 5, 5, 5), True),
    ],
)
def test_only_corners_on_a_line_are_flat(polygon, flat):
    assert Label(polygon, 'ship', 0, 'line 1').is_flat is flat


def test_many_problems_are_counted_and_some_shown():
    with pytest.raises(ValueError, match=r'^12 faulty labels; mend') as caught:
        refuse([f'p{n}' for n in range(12)], 'mend')
    assert str(caught.value).splitlines()[1:] == [
        *(f'p{n}' for n in range(10)),
        '... and 2 more',
    ]
    refuse([], 'mend')


def test_images_of_all_kinds_are_listed_once(tmp_path, write_images):
    names = ['c.png', 'a.JPG', 'b.c.tif', 'd.jpeg', 'e.bmp']
    write_images('images', names)
    (tmp_path / 'images' / 'notes.md').touch()
    assert list(list_images(tmp_path / 'images')) == ['a', 'b.c', 'c', 'd', 'e']
    write_images('images', ['a.png'])
    with pytest.raises(ValueError, match=r"'.*a\.JPG' and '.*a\.png'"):
        list_images(tmp_path / 'images')
    with pytest.raises(FileNotFoundError, match='folder of images'):
        list_images(tmp_path / 'elsewhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='found none'):
        list_images(tmp_path / 'empty')


def test_what_has_no_partner_is_named():
    refuse_unpaired('ab', 'ba', 'here')
    with pytest.raises(
        ValueError, match='here: got 2 images without a label file'
    ) as c:
        refuse_unpaired('abc', 'ax', 'here')
    assert '(b, c) and 1 label files without an image (x)' in str(c.value)
