"""The effective rank has closed forms, and an oracle."""

import numpy as np
import pytest
import torch

from rsp.errors import UserError
from rsp.ops.features.rank import effective_rank


@pytest.mark.parametrize('shape', [(40, 7), (7, 40), (16, 16)])
def test_it_is_the_exponential_entropy_of_singular_values(shape):
    features = np.random.default_rng(0).normal(size=shape)
    values = np.linalg.svd(features, compute_uv=False)
    shares = values / values.sum()
    expected = np.exp(-(shares * np.log(shares)).sum())
    found = effective_rank(torch.from_numpy(features))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_orthogonal_rows_of_one_length_have_full_rank():
    torch.testing.assert_close(
        effective_rank(3 * torch.eye(5, 9)), torch.tensor(5.0, dtype=torch.float64)
    )


def test_equal_rows_have_rank_one_and_zeros_none():
    row = torch.randn(1, 12)
    found = effective_rank(row.expand(30, -1))
    assert found.item() == pytest.approx(1, abs=1e-5)
    assert effective_rank(torch.zeros(4, 3)).item() == 0


def test_scale_and_rotation_change_nothing():
    features = torch.randn(20, 6, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))
    torch.testing.assert_close(
        effective_rank(features), effective_rank(100 * features @ turn)
    )


def test_maps_are_refused():
    with pytest.raises(UserError, match=r'expected dimensions .* 2, got 4; pool'):
        effective_rank(torch.zeros(2, 3, 4, 4))
