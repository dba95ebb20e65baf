"""How gradients become updates."""

from .bf16_optim_wrapper import Bf16OptimWrapper
from .few_groups import FewGroupsConstructor
from .warmup import WarmupLR

__all__ = ['Bf16OptimWrapper', 'FewGroupsConstructor', 'WarmupLR']
