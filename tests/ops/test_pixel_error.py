import math

import pytest
import torch
from torch.testing import assert_close

from rsp.ops.pixel_error import focal_l1


@pytest.mark.parametrize(
    ('error', 'loss'),
    [(1, 0.0996680), (5, 2.3105858), (-0.5, 0.0249792), (0, 0)],
)
def test_published_settings_give_the_closed_form(error, loss):
    """|d| tanh(0.1 |d|)."""
    value = focal_l1(torch.tensor(float(error), dtype=torch.float64)).item()
    assert value == pytest.approx(loss, abs=1e-7)
    assert value == pytest.approx(abs(error) * math.tanh(0.1 * abs(error)))


@pytest.mark.parametrize(('error', 'slope'), [(1, 0.1986746), (0, 0)])
def test_slope(error, slope):
    x = torch.tensor(float(error), dtype=torch.float64, requires_grad=True)
    focal_l1(x).backward()
    assert x.grad.item() == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize('gamma', [0, 0.5, 1, 2])
@pytest.mark.parametrize('residual', [False, True])
def test_it_equals_the_definition(gamma, residual):
    d = torch.linspace(-3, 3, 14, dtype=torch.float64)
    expected = d.abs() * (2 * torch.sigmoid(0.7 * d.abs()) - 1) ** gamma
    expected = expected + d.abs() if residual else expected
    assert_close(focal_l1(d, 0.7, gamma, residual), expected)


def test_gradcheck():
    d = torch.linspace(-3, 3, 14, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: focal_l1(x, 0.7, 2.0), d)
