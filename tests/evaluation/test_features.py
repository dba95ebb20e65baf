import pytest
import torch
from torch import nn
from torch.testing import assert_close

from rsp.evaluation.features import extract_features, standardize


class Scale(nn.Module):
    """A backbone whose pooled features are known: channel means, times a factor."""

    def forward(self, images):
        return (images, (2 if self.training else 3) * images)


def batches():
    return [
        (torch.randn(2, 3, 8, 6), torch.tensor([4, 1])),
        (torch.randn(3, 3, 8, 6), torch.tensor([0, 2, 2])),
    ]


def test_features_are_pooled_in_order_in_evaluation_mode():
    data = batches()
    features, labels = extract_features(Scale(), data)
    expected = torch.cat([3 * images.mean(dim=(2, 3)) for images, _ in data])
    assert_close(features, expected)
    assert labels.tolist() == [4, 1, 0, 2, 2]


def test_extraction_leaves_no_trace():
    backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    features, _ = extract_features(backbone, batches())
    assert backbone.training
    assert not features.requires_grad
    for name, value in backbone.state_dict().items():
        assert_close(value, before[name], rtol=0, atol=0)


def test_features_are_float32_whatever_the_backbone_computes_in():
    data = [(torch.randn(2, 3, 8, 6).bfloat16(), torch.zeros(2))]
    assert extract_features(Scale(), data)[0].dtype == torch.float32


def test_no_batch_is_refused():
    with pytest.raises(ValueError, match='at least one batch of images, got none'):
        extract_features(Scale(), [])


def test_diverged_weights_are_named():
    images = torch.zeros(4, 3, 8, 6)
    images[1, 0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match='1 of 4 feature vectors hold NaN'):
        extract_features(Scale(), [(images, torch.zeros(4))])


def test_standardized_training_features_have_mean_0_and_deviation_1():
    train, other = 5 + 3 * torch.randn(50, 4), torch.randn(7, 4)
    new_train, new_other = standardize(train, other)
    assert_close(new_train.mean(dim=0), torch.zeros(4), atol=1e-6, rtol=0)
    assert_close(new_train.square().mean(dim=0), torch.ones(4))
    # The training set's map, not one of its own.
    assert_close(new_other, (other - train.mean(0)) / train.std(0, correction=0))


@pytest.mark.parametrize('value', [0.0, 0.1, -1234.5])
def test_a_constant_feature_is_only_shifted(value):
    train, other = torch.full((49, 1), value), torch.full((2, 1), value + 1)
    new_train, new_other = standardize(train, other)
    assert_close(new_train, torch.zeros(49, 1), atol=1e-3, rtol=0)
    assert_close(new_other, torch.ones(2, 1), atol=1e-3, rtol=0)


def test_standardizing_undoes_any_scale_and_shift():
    train, other = torch.randn(30, 4).double(), torch.randn(5, 4).double()
    scale, shift = torch.rand(4).double() + 0.1, torch.randn(4).double()
    for one, two in zip(
        standardize(train, other),
        standardize(train * scale + shift, other * scale + shift),
        strict=True,
    ):
        assert_close(one, two)
