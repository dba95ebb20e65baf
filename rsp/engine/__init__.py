"""Run configs: runner, training, testing, hooks, optimizers."""

from rsp.engine import hooks, optim, runner

__all__ = ['hooks', 'optim', 'runner']
