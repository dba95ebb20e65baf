"""Lines parsed by the million are those that are parsed one by one."""

import numpy as np
import pytest

from rsp.datasets.listing import list_file, read_list_file
from rsp.datasets.listing.plain_lines import parse_plain_lines
from rsp.errors import UserError


def random_list(rng, with_label):
    """Lines that are plain, or odd in one of many ways."""
    letters = [*'abc/1._ ', *('\té\\\r-' if rng.random() < 0.2 else '')]
    lines = []
    for _ in range(rng.integers(1, 5)):
        line = ''.join(rng.choice(letters, rng.integers(1, 9)))
        if with_label and rng.random() < 0.97:
            digits = rng.choice([*'0123456789'], rng.choice([1, 2, 5, 18, 19]))
            line += ' ' + ''.join(digits)
        lines.append(line)
    return '\n'.join(lines) + rng.choice(['', '\n', '\n\n'])


def parsed(file, with_label):
    try:
        names, labels = read_list_file(file, with_label)
    except UserError as error:
        return str(error)
    return [*names], None if labels is None else labels.tolist()


@pytest.mark.parametrize('with_label', [True, False])
def test_random_lists_are_parsed_as_line_by_line(tmp_path, monkeypatch, with_label):
    rng, plain, refused = np.random.default_rng(0), 0, 0
    file = tmp_path / 'list.txt'
    for _ in range(600):
        text = random_list(rng, with_label)
        file.write_bytes(text.encode())
        plain += parse_plain_lines(text.encode(), with_label) is not None
        found = parsed(file, with_label)
        refused += isinstance(found, str)
        with monkeypatch.context() as patch:
            patch.setattr(list_file, 'parse_plain_lines', lambda *_: None)
            assert parsed(file, with_label) == found
    # Each way was gone often, and some were refused alike.
    assert 60 < plain < 400
    assert refused > 60 or not with_label


def test_a_list_in_several_portions_names_the_line_at_fault(tmp_path, monkeypatch):
    portions = list_file.byte_portions
    monkeypatch.setattr(list_file, 'byte_portions', lambda file: portions(file, 8))
    file = tmp_path / 'list.txt'
    lines = [f'a/{n}.jpg {n}' for n in range(30)]
    file.write_text('\ufeff' + '\n'.join(lines), encoding='utf-8')
    names, labels = parsed(file, True)
    assert names == [f'a/{n}.jpg' for n in range(30)]
    assert labels == [*range(30)]
    file.write_text('\n'.join([*lines, 'a/x.jpg no']))
    with pytest.raises(UserError, match='line 31'):
        read_list_file(file, True)
