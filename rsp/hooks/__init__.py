"""What watches or schedules a run."""

from .mean_over_ranks import MeanOverRanksHook
from .preflight import PreflightHook
from .progress import ProgressHook

__all__ = ['MeanOverRanksHook', 'PreflightHook', 'ProgressHook']
