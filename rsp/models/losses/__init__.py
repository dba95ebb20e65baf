"""Hold the arguments of losses whose mathematics is in ops."""

from rsp.models.losses.reconstruction_loss import FocalFrequencyLoss, FocalL1Loss

__all__ = ['FocalFrequencyLoss', 'FocalL1Loss']
