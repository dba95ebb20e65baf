"""Views are found again by their features."""

import pytest
import torch

from rsp.ops.features.neighbors import retrieval_top1


def test_it_counts_rows_whose_own_view_is_the_nearest():
    first = torch.eye(4, 6)
    second = 5 * torch.eye(4, 6) + 0.1
    assert retrieval_top1(first, second).item() == 100
    swapped = second[[1, 0, 2, 3]]
    assert retrieval_top1(first, swapped).item() == 50


def test_a_tie_is_a_miss():
    assert retrieval_top1(torch.ones(5, 3), torch.ones(5, 3)).item() == 0


def test_strangers_are_found_by_chance():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 50, 8, generator=generator)
    found = [
        retrieval_top1(first[torch.randperm(50, generator=generator)], second)
        for _ in range(200)
    ]
    assert torch.stack(found).mean().item() == pytest.approx(2, abs=0.4)
