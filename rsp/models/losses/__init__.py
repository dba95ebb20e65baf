"""Arguments of a loss plus one call into ops."""

from rsp.models.losses.reconstruction_loss import FocalFrequencyLoss, FocalL1Loss

__all__ = ['FocalFrequencyLoss', 'FocalL1Loss']
