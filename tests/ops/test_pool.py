import pytest
import torch
from torch.testing import assert_close

from rsp.ops.pool import pool


def test_a_map_becomes_its_mean_over_positions():
    features = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).view(2, 3, 4, 5)
    assert_close(pool(features), features.flatten(2).mean(2))


def test_tokens_become_their_mean():
    tokens = torch.randn(2, 7, 3)
    assert_close(pool(tokens), sum(tokens[:, i] for i in range(7)) / 7)


def test_vectors_pass():
    vectors = torch.randn(2, 3)
    assert pool(vectors) is vectors


def test_the_deepest_of_several_outputs_is_used():
    shallow, deep = torch.randn(2, 3, 8, 6), torch.randn(2, 5, 4, 3)
    assert_close(pool((shallow, deep)), deep.mean((2, 3)))


@pytest.mark.parametrize(
    ('features', 'message'),
    [
        ((), "at least one backbone output.*'out_indices'"),
        (torch.zeros(2), r'got \(2,\)'),
        (torch.zeros(1, 2, 3, 4, 5), r"got \(1, 2, 3, 4, 5\).*'out_type'"),
    ],
)
def test_other_shapes_are_refused(features, message):
    with pytest.raises(ValueError, match=message):
        pool(features)
