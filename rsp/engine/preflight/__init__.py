"""Refuse a run that cannot work, before its first step."""

from rsp.engine.preflight.batches import check_training
from rsp.engine.preflight.settings import refuse_contradictions

__all__ = ['check_training', 'refuse_contradictions']
