import pytest

from rsp.tasks.common.class_names import ClassNames


def test_numbers_are_the_places_of_the_names():
    names = ClassNames(('ship', 'vehicle', 'dam'))
    assert [names.number(n) for n in ('dam', 'ship', 'vehicle')] == [2, 0, 1]


def test_an_alias_has_the_number_of_its_class():
    names = ClassNames(('ship', 'vehicle'), {'Car': 'vehicle', 'van': 'vehicle'})
    assert names.number('Car') == names.number('van') == 1
    assert 'van' in names
    assert 'lorry' not in names


@pytest.mark.parametrize(
    ('written', 'nearest'), [('Vehicle', 'vehicle'), ('vehicel', 'vehicle')]
)
def test_another_name_is_refused_with_the_mapping_to_write(written, nearest):
    names = ClassNames(('ship', 'vehicle'), {})
    with pytest.raises(ValueError, match='is unknown') as refusal:
        names.number(written)
    assert f"aliases={{'{written}': '{nearest}'}}" in str(refusal.value)


def test_aliases_are_no_remedy_where_there_is_no_option():
    for written in ('Vehicle', 'zebra'):
        with pytest.raises(ValueError, match='orrect the name') as refusal:
            ClassNames(('ship', 'vehicle')).number(written)
        assert 'aliases' not in str(refusal.value)


def test_a_strange_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match='known: ship, vehicle'):
        ClassNames(('ship', 'vehicle')).number('zebra')


@pytest.mark.parametrize(
    ('classes', 'aliases', 'message'),
    [
        ((), {}, 'expected class names that differ'),
        (('a', 'b', 'a'), {}, 'expected class names that differ'),
        (('car', 'ship'), {'van': 'Car'}, "nearest: 'car'"),
        (('car', 'ship'), {'ship': 'car'}, 'is a class itself'),
    ],
)
def test_contradictory_names_are_refused(classes, aliases, message):
    with pytest.raises(ValueError, match=message):
        ClassNames(classes, aliases)
