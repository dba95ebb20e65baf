import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsp.errors import UserError
from rsp.io.stores import PackedNames
from rsp.io.stores.names import PORTION, decode, encode

# Any that a file can have: also with line breaks, and bytes that are no UTF-8.
LETTERS = st.characters(exclude_characters='\0', exclude_categories=['Cs'])
ANY = st.binary(min_size=1).map(lambda name: decode(name.replace(b'\0', b'x')))
NAME = st.text(LETTERS, min_size=1) | ANY
NAMES = st.lists(NAME, max_size=30)


@given(NAMES)
def test_packed_names_are_the_names(names):
    packed = PackedNames.of(names)
    assert [*packed] == names
    assert [packed[n] for n in range(len(names))] == names
    assert len(packed) == len(names)


@given(NAMES, st.data())
def test_taken_names_are_those_of_the_places(names, data):
    places = st.integers(0, max(len(names) - 1, 0))
    rows = data.draw(st.lists(places, max_size=40)) if names else []
    taken = PackedNames.of(names).take(np.array(rows, np.int64))
    assert [*taken] == [names[row] for row in rows]


@given(st.sets(NAME, max_size=30), NAME)
def test_sorted_names_are_found(names, other):
    ordered = sorted(names, key=encode)
    packed = PackedNames.of(ordered)
    assert [packed.find(name) for name in ordered] == [*range(len(ordered))]
    assert packed.find(other) == (ordered.index(other) if other in names else None)


def test_places_count_from_the_end_as_in_a_list_and_end_there():
    packed = PackedNames.of(['a', 'b c', 'd\ne'])
    assert packed[-1] == 'd\ne'
    assert [*packed[1:]] == ['b c', 'd\ne']
    assert [*packed[::-1]] == ['d\ne', 'b c', 'a']
    with pytest.raises(IndexError):
        packed[3]


def test_more_names_than_a_portion_are_packed_and_taken():
    names = [f'{n:x}' for n in range(2 * PORTION + 3)]
    packed = PackedNames.of(iter(names))
    assert [*packed] == names
    order = np.random.default_rng(0).permutation(len(names))
    assert [*packed.take(order)] == [names[n] for n in order]


def test_saved_names_are_mapped_and_travel_by_their_file(tmp_path):
    names = ['a/b.jpg', 'ü x.png']
    PackedNames.of(names).save(tmp_path / 'names')
    mapped = PackedNames.load(tmp_path / 'names')
    assert [*mapped] == names
    sent = pickle.dumps(mapped)
    assert b'a/b.jpg' not in sent
    assert [*pickle.loads(sent)] == names


def test_no_names_are_none(tmp_path):
    PackedNames.of([]).save(tmp_path / 'names')
    assert [*PackedNames.load(tmp_path / 'names')] == []


def test_a_file_that_changed_before_it_is_mapped_again_is_refused(tmp_path):
    PackedNames.of(['a.jpg']).save(tmp_path / 'names')
    sent = pickle.dumps(PackedNames.load(tmp_path / 'names'))
    PackedNames.of(['a.jpg', 'b.jpg']).save(tmp_path / 'names')
    with pytest.raises(UserError, match=r"names' as it was .* start again"):
        pickle.loads(sent)


@given(st.sets(NAME, max_size=20), st.sampled_from(['a', 'ü', 'a/b']))
def test_names_below_a_folder_are_a_range(names, folder):
    inside = {f'{folder}/{name}' for name in names}
    others = {*names, f'{folder}0', f'{folder}.x', folder}
    others = {name for name in others if not name.startswith(f'{folder}/')}
    packed = PackedNames.of(sorted(inside | others, key=encode))
    part = packed.between(*packed.below(folder))
    assert [*part] == sorted(inside, key=encode)
    cut = part.shortened(len(encode(folder)) + 1)
    assert [*cut] == [name[len(folder) + 1 :] for name in part]
