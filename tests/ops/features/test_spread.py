"""Measures of spread equal slow loops, and their closed forms."""

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from rsp.ops.features.spread import (
    alignment,
    dead_share,
    deviation,
    mean_cosine,
    uniformity,
    view_variance_ratio,
)


def sphere(count, dim):
    return F.normalize(torch.randn(count, dim, dtype=torch.float64), dim=1)


def test_deviation_is_one_of_an_even_spread_and_zero_of_a_collapse():
    even = torch.cat([torch.eye(6), -torch.eye(6)]) * 7
    torch.testing.assert_close(deviation(even), torch.ones(6))
    collapsed = torch.randn(1, 6).expand(9, -1)
    assert deviation(collapsed).max() < 1e-6


def test_mean_cosine_is_that_of_all_pairs():
    features = torch.randn(9, 4, dtype=torch.float64)
    pairs = [
        F.cosine_similarity(a, b, 0) for a, b in itertools.combinations(features, 2)
    ]
    torch.testing.assert_close(mean_cosine(features), torch.stack(pairs).mean())
    # A simplex: the least that N vectors can have in the mean.
    simplex = torch.eye(5, dtype=torch.float64) - 1 / 5
    assert mean_cosine(simplex).item() == pytest.approx(-1 / 4)


def test_alignment_follows_the_cosine():
    first, second = sphere(7, 3), sphere(7, 3)
    cosine = (first * second).sum(1).mean()
    torch.testing.assert_close(alignment(5 * first, second), 2 - 2 * cosine)
    assert alignment(first, -first).item() == pytest.approx(4)


@pytest.mark.parametrize('t', [0.5, 2.0])
def test_uniformity_is_the_mean_potential_of_pairs(t):
    features = sphere(8, 5)
    pairs = [
        math.exp(-t * float((a - b).square().sum()))
        for a, b in itertools.combinations(features, 2)
    ]
    expected = math.log(sum(pairs) / len(pairs))
    assert uniformity(features, t).item() == pytest.approx(expected)


def test_uniformity_of_opposite_points_has_a_closed_form_and_a_collapse_is_zero():
    points = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert uniformity(points).item() == pytest.approx(-8)
    assert uniformity(points[:1].expand(4, -1)).item() == pytest.approx(0, abs=1e-5)


def test_dead_units_are_those_of_one_number():
    features = torch.randn(12, 5)
    features[:, 1], features[:, 4] = 0, 3
    assert dead_share(features).item() == pytest.approx(2 / 5)
    assert dead_share(torch.zeros(12, 5)).item() == 1


def test_ratio_of_views_is_that_of_the_analysis_of_variance():
    from scipy.stats import f_oneway

    first, second = torch.randn(2, 11, 3, dtype=torch.float64)
    second = first + 0.3 * second
    found = view_variance_ratio(first, second)
    for column in range(3):
        groups = torch.stack([first[:, column], second[:, column]], dim=1)
        assert found[column].item() == pytest.approx(f_oneway(*groups.numpy())[0])


def test_ratio_of_views_is_one_for_strangers_and_infinite_for_copies():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 4000, 2, generator=generator)
    torch.testing.assert_close(
        view_variance_ratio(first, second), torch.ones(2), rtol=0, atol=0.1
    )
    assert view_variance_ratio(first, first).isinf().all()
    flat = torch.full((5, 1), 3.0)
    assert view_variance_ratio(flat, flat).item() == 1
