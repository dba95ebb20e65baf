import pytest
import torch

from rsp.ops.accuracy import topk_accuracy


@pytest.mark.parametrize('k', [1, 2, 3])
def test_accuracy_equals_counting_by_hand(k):
    scores, labels = torch.randn(40, 7), torch.randint(7, (40,))
    hits = sum(
        int(label) in sorted(range(7), key=lambda c: -row[c])[:k]
        for row, label in zip(scores.tolist(), labels, strict=True)
    )
    assert topk_accuracy(scores, labels, k).item() == pytest.approx(100 * hits / 40)


def test_top5_of_three_classes_is_always_right():
    """Fewer than five classes broke the official code."""
    assert topk_accuracy(torch.randn(6, 3), torch.arange(6) % 3, 5).item() == 100
