import math

import pytest
import torch
from mmpretrain.models import ContrastiveHead
from torch.nn import functional as F
from torch.testing import assert_close

from rsp.ops.contrast import l2_normalize, lowest_loss, similarities, top1


def head(temperature=0.07):
    return ContrastiveHead(
        loss=dict(type='CrossEntropyLoss'), temperature=temperature
    ).double()


@pytest.mark.parametrize(('length', 'value'), [(3, 1.3862944), (65536, 11.0903701)])
@pytest.mark.parametrize('temperature', [0.07, 0.2, 1.0])
def test_equal_similarities_give_log_of_their_number(length, value, temperature):
    loss = head(temperature).loss(
        torch.full((2, 1), 0.3).double(), torch.full((2, length), 0.3).double()
    )
    assert loss.item() == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ('temperature', 'value'), [(0.07, 0.0401355), (0.2, 6.0926169)]
)
def test_negatives_at_right_angles_give_the_closed_form(temperature, value):
    loss = head(temperature).loss(
        torch.ones(1, 1).double(), torch.zeros(1, 65536).double()
    )
    assert loss.item() == pytest.approx(value, abs=1e-6)
    assert loss.item() == pytest.approx(
        math.log1p(65536 * math.exp(-1 / temperature)), abs=1e-9
    )


@pytest.mark.parametrize(
    ('positive', 'negatives', 'value'),
    [(0.07, [0, 0.14], 1.4076060), (0.2, [0.1], 0.2148299)],
)
def test_small_cases_by_hand(positive, negatives, value):
    loss = head().loss(
        torch.tensor([[positive]]).double(), torch.tensor([negatives]).double()
    )
    assert loss.item() == pytest.approx(value, abs=1e-6)


def contrast_loss(queries, keys, negatives):
    return head().loss(
        *similarities(l2_normalize(queries), l2_normalize(keys), negatives)
    )


def test_the_loss_ignores_order_rotation_and_length():
    queries, keys = torch.randn(4, 6).double(), torch.randn(4, 6).double()
    negatives = F.normalize(torch.randn(6, 9).double(), dim=0)
    loss = contrast_loss(queries, keys, negatives)

    shuffled = negatives[:, torch.randperm(9)]
    assert_close(contrast_loss(queries, keys, shuffled), loss)
    rotation, _ = torch.linalg.qr(torch.randn(6, 6).double())
    rotated = (queries @ rotation.T, keys @ rotation.T, rotation @ negatives)
    assert_close(contrast_loss(*rotated), loss)
    assert_close(contrast_loss(3.7 * queries, 0.2 * keys, negatives), loss)


def test_similarities_equal_the_slow_loop():
    queries, keys = l2_normalize(torch.randn(3, 5)), l2_normalize(torch.randn(3, 5))
    negatives = torch.randn(5, 4)
    positive, negative = similarities(queries, keys, negatives)
    for i in range(3):
        own = sum(a * b for a, b in zip(queries[i], keys[i], strict=True))
        assert_close(positive[i, 0], own)
        for j in range(4):
            other = sum(a * b for a, b in zip(queries[i], negatives[:, j], strict=True))
            assert_close(negative[i, j], other)


def test_the_gradient_is_orthogonal_to_the_projection():
    projection = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    keys = l2_normalize(torch.randn(4, 6).double())
    contrast_loss(projection, keys, torch.randn(6, 9).double()).backward()
    dots = (projection.grad * projection).sum(1)
    assert_close(dots, torch.zeros(4).double(), atol=1e-12, rtol=0)
    assert projection.grad.norm() > 1e-3


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_unit_rows_are_exact_under_half_precision(dtype):
    norms = l2_normalize(torch.randn(8, 128).to(dtype)).norm(dim=1)
    assert norms.dtype == torch.float32
    assert (norms - 1).abs().max() < 1e-5


def test_unit_leaves_double_precision_alone():
    assert l2_normalize(torch.randn(2, 3).double()).dtype == torch.float64


def test_similarities_stay_single_under_autocast():
    rows = l2_normalize(torch.randn(4, 64))
    exact = rows @ rows.T
    with torch.autocast('cpu', dtype=torch.bfloat16):
        positive, negative = similarities(rows, rows, rows.T)
    assert positive.dtype == negative.dtype == torch.float32
    assert_close(negative, exact)


def test_a_queue_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"size of the queries, 16, got 128.*'dim'"):
        similarities(torch.randn(2, 16), torch.randn(2, 16), torch.randn(128, 4))


def test_top1_counts_keys_nearer_than_all_negatives():
    positive = torch.tensor([[0.5], [0.5], [0.5], [0.5]])
    negative = torch.tensor([[0.4, 0.1], [0.6, 0.1], [0.1, 0.49], [0.2, 0.5]])
    assert top1(positive, negative).item() == 50  # the tie of the last is a miss


@pytest.mark.parametrize(('count', 'temperature'), [(7, 0.5), (64, 0.2), (3, 20.0)])
def test_no_cosines_give_less_than_the_lowest_loss(count, temperature):
    positive = torch.ones(1, 1).double()
    negative = -torch.ones(1, count).double()
    least = head(temperature).loss(positive, negative).item()
    assert lowest_loss(count, temperature) * math.log1p(count) == pytest.approx(least)


def test_a_high_temperature_leaves_nothing_to_learn():
    assert lowest_loss(65536, 0.07) < 0.01
    assert lowest_loss(65536, 20.0) > 0.98
