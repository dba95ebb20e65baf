"""GeoKR's soft labels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.ops.fractions import (
    GEOKR_CLASSES,
    LAND_COVER_CLASSES,
    class_fractions,
    order_counts,
    output_names,
)

NOTHING = dict.fromkeys(LAND_COVER_CLASSES, 0)
some_counts = st.lists(st.integers(0, 10**6), min_size=11, max_size=11)


def test_the_classes_are_those_of_the_official_configuration():
    assert len(LAND_COVER_CLASSES) == 11
    assert GEOKR_CLASSES.index('Forest') == 3
    assert GEOKR_CLASSES.index('Waterbodies') == 6
    assert {*LAND_COVER_CLASSES} - {*GEOKR_CLASSES} == {'Shrubland', 'Tundra', 'sea'}


def test_three_quarters_of_forest_and_one_of_water():
    y = class_fractions(NOTHING | dict(Forest=30, Waterbodies=10))
    expected = np.zeros(8)
    expected[[3, 6]] = 0.75, 0.25
    np.testing.assert_allclose(y, expected, atol=1e-6)
    assert y.sum() == pytest.approx(1, abs=1e-6)
    assert y[3] == 30 / (40 + 1e-6)


@settings(max_examples=25, deadline=None)
@given(some_counts, st.integers(1, 1000), st.permutations(range(8)))
def test_only_proportions_matter_and_order_follows_the_classes(counts, factor, new):
    counts = np.array(counts)
    y = class_fractions(counts)
    if sum(counts[LAND_COVER_CLASSES.index(c)] for c in GEOKR_CLASSES):
        np.testing.assert_allclose(class_fractions(counts * factor), y, atol=1e-6)
    by_name = dict(zip(LAND_COVER_CLASSES, counts, strict=True))
    shuffled = dict(sorted(by_name.items()))
    np.testing.assert_array_equal(class_fractions(shuffled), y)
    permuted = class_fractions(counts, [GEOKR_CLASSES[i] for i in new])
    np.testing.assert_allclose(permuted, y[list(new)], atol=1e-15)


def test_excluded_classes_alone_give_zeros():
    y = class_fractions(NOTHING | dict(Shrubland=50, sea=3, Tundra=1))
    np.testing.assert_array_equal(y, np.zeros(8))


def test_a_group_adds_up():
    counts = NOTHING | dict(Forest=20, Shrubland=40, Waterbodies=40)
    y = class_fractions(counts, [('Forest', 'Shrubland'), 'Waterbodies'])
    np.testing.assert_allclose(y, [0.6, 0.4], atol=1e-7)


def test_many_windows_at_once_agree_with_one_by_one_for_arrays_and_tensors():
    counts = np.random.default_rng(0).integers(0, 99, (2, 3, 11))
    y = class_fractions(counts)
    assert y.shape == (2, 3, 8)
    for i, j in np.ndindex(2, 3):
        one = class_fractions(dict(zip(LAND_COVER_CLASSES, counts[i, j], strict=True)))
        np.testing.assert_allclose(y[i, j], one, atol=1e-15)
    tensor = class_fractions(torch.from_numpy(counts))
    assert tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor.numpy(), y, atol=1e-6)


def test_the_official_spelling_is_understood_in_counts_and_classes():
    official = dict(NOTHING)
    official['Foreast'] = official.pop('Forest') + 30
    official['Artifical_Surfaces'] = official.pop('Artificial_Surfaces') + 10
    ours = NOTHING | dict(Forest=30, Artificial_Surfaces=10)
    np.testing.assert_array_equal(order_counts(official), order_counts(ours))
    for counts in (official, ours):
        for forest in ('Forest', 'Foreast'):
            y = class_fractions(counts, [forest, ('Artifical_Surfaces', 'sea')])
            np.testing.assert_allclose(y, [0.75, 0.25], atol=1e-6)
    with pytest.raises(ValueError, match="'Forest' twice"):
        class_fractions(ours, ['Forest', 'Foreast'])
    assert output_names(['Foreast', ('Tundra', 'sea')]) == ['Forest', 'Tundra+sea']


@pytest.mark.parametrize(
    ('counts', 'classes', 'words'),
    [
        (NOTHING, ['Jungle'], "'Jungle'.*known are Cultivated_Land, Forest"),
        (NOTHING, ['Forest', ('Wetland', 'Forest')], "'Forest' twice"),
        (NOTHING, [], 'at least one class'),
        (dict(Forest=3), GEOKR_CLASSES, 'expected counts of Artificial_Surfaces'),
        (np.zeros((2, 8)), GEOKR_CLASSES, r'11 classes in the last axis.*\(2, 8\)'),
    ],
)
def test_wrong_input_is_named(counts, classes, words):
    with pytest.raises(ValueError, match=words):
        class_fractions(counts, classes)
