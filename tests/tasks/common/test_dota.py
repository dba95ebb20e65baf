"""DOTA's label files, good and bad."""

import pytest

from rsp.errors import UserError
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import CLASSES, Label, read_labels
from rsp.tasks.common.faults import Faults

GOOD = '1.0 2.0 11.5 2.0 11.5 8.0 1.0 8.0 plane 1'


@pytest.fixture
def read(tmp_path):
    def read(text):
        file, faults = tmp_path / 'P0001.txt', Faults('labels')
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        labels = read_labels(file, ClassNames(CLASSES), faults)
        try:
            faults.refuse()
        except UserError as error:
            return labels, str(error).splitlines()[1:]
        return labels, []

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
        ('1 2 3 4 5 6 7 plane 0', "expected 8 numbers first, got '1 2"),
        ('1 2 3 4 plane 0', 'got 6 values'),
        (GOOD + ' 7', 'got 11 values'),
        (GOOD.replace('11.5', 'x', 1), "expected 8 numbers first, got '1.0 2.0 x"),
        (GOOD.replace('11.5', 'nan', 1), "expected 8 numbers first, got '1.0 2.0 nan"),
        (
            GOOD.replace(' 1', ' 5')[:-1] + '5',
            "0, 1 or 2 (difficult) in the last place, got '5'",
        ),
        (GOOD.replace('plane', 'Plane'), "'Plane' is unknown; nearest: 'plane'"),
        (GOOD.replace('plane', 'smal-vehicle'), "nearest: 'small-vehicle'"),
        (GOOD.replace('plane', 'xyzzy'), 'known: plane, baseball-diamond'),
        ('gsd:0.1', 'got 1 values'),
    ],
)
def test_a_malformed_line_is_named(read, line, message):
    labels, problems = read(f'{GOOD}\n{line}\n{GOOD}\n')
    assert [label.place for label in labels] == ['line 1', 'line 3']
    (problem,) = problems
    assert "P0001.txt', line 2: " in problem
    assert message in problem


def test_a_file_that_is_no_text_is_named(read):
    labels, problems = read(b'\xff\xfe\x00')
    assert labels == []
    assert "expected text in UTF-8 in '" in problems[0]
    assert "P0001.txt'" in problems[0]


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
