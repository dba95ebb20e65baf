"""Distances of sets of features: closed forms and invariances."""

import pytest
import torch
from torch.testing import assert_close

from rsp.errors import UserError
from rsp.ops.features.distance import frechet_distance, linear_cka


def test_of_shifted_and_scaled_sets_it_is_the_closed_form():
    # Diagonal Gaussians: squared shift plus squared differences of the deviations.
    features = torch.randn(200, 3, dtype=torch.float64)
    scale, shift = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.0, 3.0, -1.0])
    centered = features - features.mean(dim=0)
    # Made exactly uncorrelated, so that the closed form is exact.
    white = torch.linalg.qr(centered).Q
    other = white * scale + shift
    deviations = white.std(dim=0)
    expected = shift.square().sum() + ((scale - 1) * deviations).square().sum()
    assert_close(frechet_distance(white, other), expected.double())


def test_a_set_is_at_no_distance_from_itself_and_order_does_not_matter():
    one, two = torch.randn(30, 5), torch.randn(40, 5) + 1
    assert frechet_distance(one, one) < 1e-9
    assert_close(frechet_distance(one, two), frechet_distance(two, one))
    with pytest.raises(UserError, match='one layer'):
        frechet_distance(one, two[:, :4])


def test_alignment_knows_no_rotation_scale_or_shift():
    features = torch.randn(20, 6)
    rotation = torch.linalg.qr(torch.randn(6, 6)).Q
    assert_close(linear_cka(features, 3 * features @ rotation + 1).item(), 1.0)


def test_alignment_of_what_has_nothing_in_common_is_zero():
    basis = torch.linalg.qr(torch.randn(20, 5, dtype=torch.float64)).Q
    basis = torch.linalg.qr(basis - basis.mean(dim=0)).Q
    assert linear_cka(basis[:, :2], basis[:, 2:4]) < 1e-9


def test_alignment_is_that_of_the_features_own_products():
    one, two = (torch.randn(9, size, dtype=torch.float64) for size in (4, 6))
    x, y = one - one.mean(dim=0), two - two.mean(dim=0)
    expected = (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())
    assert_close(linear_cka(one, two), expected)
