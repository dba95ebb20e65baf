"""Optimize: wrappers, parameter groups, schedules."""

from rsp.engine.optim.bf16_optim_wrapper import Bf16OptimWrapper
from rsp.engine.optim.grouped_constructor import GroupedOptimWrapperConstructor
from rsp.engine.optim.mixed_precision import mixed_precision_optim_wrapper
from rsp.engine.optim.warmup import WarmupLR

__all__ = [
    'Bf16OptimWrapper',
    'GroupedOptimWrapperConstructor',
    'WarmupLR',
    'mixed_precision_optim_wrapper',
]
