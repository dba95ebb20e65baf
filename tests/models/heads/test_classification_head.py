from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from rsp.models.heads import ClassificationHead


def test_zero_weights_give_the_log_of_the_classes():
    head = ClassificationHead(num_classes=1000, in_channels=4)
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    losses = head.loss(torch.randn(3, 4), torch.tensor([0, 1, 999]))
    assert losses['loss_supervised'].item() == pytest.approx(6.9077553, abs=1e-6)


def test_the_loss_equals_the_slow_sum():
    head = ClassificationHead(num_classes=3, in_channels=4).double()
    feats, labels = torch.randn(5, 4).double(), torch.tensor([0, 2, 1, 1, 0])
    scores = feats @ head.fc.weight.T + head.fc.bias
    slow = -sum(
        F.softmax(row, 0)[label].log()
        for row, label in zip(scores, labels, strict=True)
    )
    assert_close(head.loss(feats, labels)['loss_supervised'], slow / 5)


def test_accuracies_are_per_cent_and_carry_no_gradient():
    head = ClassificationHead(num_classes=6, in_channels=6)
    with torch.no_grad():
        head.fc.weight.copy_(torch.eye(6))
        head.fc.bias.zero_()
    feats = torch.eye(6)[[0, 1, 2, 3]]
    losses = head.loss(feats, torch.tensor([0, 1, 2, 4]))
    assert losses['supervised_top1'].item() == 75
    assert not losses['supervised_top1'].requires_grad
    assert losses['loss_supervised'].requires_grad


def test_fewer_than_five_classes_have_a_top5():
    losses = ClassificationHead(3, 4).loss(torch.randn(2, 4), torch.tensor([0, 2]))
    assert losses['supervised_top5'].item() == 100


def test_features_of_another_backbone_are_refused():
    with pytest.raises(ValueError, match="size 2048, got 512; set 'in_channels'"):
        ClassificationHead(10, 2048)(torch.zeros(2, 512))


@pytest.mark.parametrize(('wrong', 'count'), [(-1, 1), (3, 1)])
def test_a_label_without_class_is_refused_with_its_file(wrong, count):
    photos = SimpleNamespace(
        labels=np.array([0, 1, wrong, 2]),
        get_data_info=lambda i: dict(img_path=f'photos/{i}.jpg'),
    )
    with pytest.raises(
        ValueError,
        match=rf"within 0\.\.2, got {wrong} for 'photos/2.jpg' \({count} such",
    ):
        ClassificationHead(3, 4).check_labels(photos)


def test_unlabeled_photos_are_refused():
    with pytest.raises(ValueError, match=r'expected labeled images.*with_label=True'):
        ClassificationHead(3, 4).check_labels(SimpleNamespace(labels=None))
