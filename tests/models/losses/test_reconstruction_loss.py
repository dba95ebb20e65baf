import pytest
import torch
from torch.testing import assert_close

from rsp.models.losses import FocalFrequencyLoss, FocalL1Loss
from rsp.ops.reconstruction import focal_l1, focal_spectrum_distance


def images():
    pred, target = torch.randn(2, 2, 3, 8, 6, dtype=torch.float64)
    mask = (torch.rand(2, 8, 6) < 0.6).to(torch.uint8)
    return pred.requires_grad_(), target, mask


def test_a_constant_error_of_one():
    """The official divisor is larger by 1e-5 pixels."""
    _, target, mask = images()
    loss = FocalL1Loss()(target + 1, target, mask)
    assert loss.item() == pytest.approx(0.0996680, abs=1e-6)


def test_the_spatial_loss_ignores_visible_pixels():
    pred, target, mask = images()
    FocalL1Loss()(pred, target, mask).backward()
    seen = pred.grad.masked_select(~mask[:, None].bool())
    assert (seen == 0).all()
    hidden = pred.grad.masked_select(mask[:, None].bool())
    assert (hidden != 0).all()


def test_nothing_hidden_costs_nothing():
    pred, target, mask = images()
    loss = FocalL1Loss()(pred, target, 0 * mask)
    loss.backward()
    assert loss.item() == 0
    assert pred.grad.isfinite().all()


def test_plain_absolute_error_is_an_option():
    pred, target, mask = images()
    loss = FocalL1Loss(gamma=0)(pred, target, mask)
    error = (pred - target).abs().masked_select(mask[:, None].bool())
    assert_close(loss, error.mean(), rtol=1e-6, atol=0)


def test_visible_pixels_get_a_thousandth_of_the_gradient(monkeypatch):
    """The weights being those of the same compared images."""
    pred, target, mask = images()
    FocalFrequencyLoss()(pred, target, mask).backward()

    half = (pred + target).detach() / 2
    mixed = torch.where(mask[:, None].bool(), pred, 0.001 * pred + 0.999 * half)
    whole = mixed.detach().requires_grad_()
    focal_spectrum_distance(whole, target).backward()
    share = torch.where(mask[:, None].bool(), 1.0, 0.001).double()
    assert_close(pred.grad, share * whole.grad)


def test_with_share_zero_visible_pixels_get_no_gradient():
    pred, target, mask = images()
    FocalFrequencyLoss(visible_share=0.0)(pred, target, mask).backward()
    assert (pred.grad.masked_select(~mask[:, None].bool()) == 0).all()


def test_visible_errors_count_about_half():
    """y' - x = 0.5005 (y - x) there."""
    pred, target, mask = images()
    loss = FocalFrequencyLoss()(pred, target, 0 * mask)
    expected = focal_spectrum_distance(target + 0.5005 * (pred - target), target)
    assert_close(loss, expected)


@pytest.mark.parametrize('loss', [FocalL1Loss(), FocalFrequencyLoss()])
def test_a_perfect_reconstruction_gives_zero(loss):
    pred, _, mask = images()
    value = loss(pred, pred.detach().clone(), mask)
    value.backward()
    assert value.item() == 0
    assert torch.equal(pred.grad, torch.zeros_like(pred))


@pytest.mark.parametrize('loss', [FocalL1Loss(), FocalFrequencyLoss()])
def test_bfloat16_predictions_are_compared_in_full(loss):
    pred, target, mask = images()
    reference = loss(pred, target, mask)
    value = loss(pred.bfloat16(), target.float(), mask)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(reference.item(), rel=1e-2)


def test_the_modules_add_nothing():
    pred, target, mask = images()
    error = focal_l1(pred - target, 0.5, 2.0, residual=True)
    weight = mask[:, None].double()
    expected = (error * weight).sum() / (weight.sum() + 1e-5) / 3
    assert_close(FocalL1Loss(0.5, 2.0, residual=True)(pred, target, mask), expected)
