"""What watches or schedules a run."""

from .preflight import PreflightHook

__all__ = ['PreflightHook']
