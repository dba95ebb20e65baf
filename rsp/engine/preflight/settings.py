"""Refuse settings of a config that contradict each other."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log

from rsp.engine.preflight.values import (
    LOADERS,
    refuse_impossible_values,
    values_of,
)
from rsp.errors import UserError
from rsp.ops import check


def refuse_contradictions(cfg: Config) -> None:
    """Check the settings of a run against each other, before anything is built.

    What the libraries refuse clearly is left to them.

    Args:
        cfg: Config of a training or an evaluation; not modified.

    Raises:
        UserError: With the first keys that contradict each other.
    """
    _check_length(cfg.get('train_cfg'))
    for name in LOADERS:
        for key, loader in _loaders(name, cfg.get(name)):
            _check_loader(key, loader, scores=name != 'train_dataloader')
    _check_precision(cfg.get('optim_wrapper'))
    passes = (cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
    if isinstance(passes, int):
        check.at_least('optim_wrapper.accumulative_counts', passes, 1)
    _check_checkpoints(cfg.get('default_hooks'), cfg.get('train_cfg'))
    refuse_impossible_values(cfg)
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    if base is not None:
        check.at_least('auto_scale_lr.base_batch_size', base, 1)
    seed = (cfg.get('randomness') or {}).get('seed')
    if seed is not None:
        check.whole('randomness.seed', seed)
    _check_bands(cfg)
    _warn_of_long_warmup(cfg.get('param_scheduler'), cfg.get('train_cfg'))


def _check_length(train: Mapping[str, Any] | None) -> None:
    if not train:
        return
    for key in ('max_epochs', 'max_iters', 'val_interval'):
        value = train.get(key)
        if value is not None:
            check.at_least(f'train_cfg.{key}', value, 1)
            check.whole(f'train_cfg.{key}', value)
    by_epoch = train.get('by_epoch', True)
    if not isinstance(by_epoch, bool):
        raise UserError(
            f'expected train_cfg.by_epoch to be True or False, got {by_epoch!r}.'
        )
    if train.get('val_begin') is not None:
        check.whole('train_cfg.val_begin', train['val_begin'])
    if train.get('max_epochs') is not None and train.get('max_iters') is not None:
        raise UserError(
            'expected either train_cfg.max_epochs or train_cfg.max_iters, got '
            f'{train["max_epochs"]} and {train["max_iters"]}; drop one.'
        )
    wanted = 'max_epochs' if train.get('by_epoch', True) else 'max_iters'
    if 'type' not in train and 'by_epoch' in train and train.get(wanted) is None:
        raise UserError(
            f'expected train_cfg.{wanted} with train_cfg.by_epoch='
            f'{train["by_epoch"]}, got {dict(train)}; set it, or the other by_epoch.'
        )


def _loaders(name: str, cfg: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield key and config of one loader, or of a list of them."""
    if isinstance(cfg, Mapping):
        yield name, cfg
    elif isinstance(cfg, Sequence):
        for number, loader in enumerate(cfg):
            if isinstance(loader, Mapping):
                yield f'{name}[{number}]', loader


def _check_loader(key: str, loader: Mapping[str, Any], scores: bool) -> None:
    for name, least in (('batch_size', 1), ('num_workers', 0)):
        if loader.get(name) is not None:
            check.at_least(f'{key}.{name}', loader[name], least)
            check.whole(f'{key}.{name}', loader[name])
    if scores and loader.get('drop_last'):
        raise UserError(
            f'expected {key}.drop_last=False, got True: the images of the last '
            'batch would be missing from the score; set it to False.'
        )


def _check_precision(wrapper: Mapping[str, Any] | None) -> None:
    if wrapper and wrapper.get('type') == 'AmpOptimWrapper':
        devices = (getattr(torch, name, None) for name in ('cuda', 'npu', 'mlu'))
        if not any(d is not None and d.is_available() for d in devices):
            raise UserError(
                "optim_wrapper.type='AmpOptimWrapper' expects a GPU, got a CPU: set "
                "optim_wrapper.type='rsp.Bf16OptimWrapper' without loss_scale and "
                "dtype, or 'OptimWrapper' and pass --amp."
            )


def _check_checkpoints(
    hooks: Mapping[str, Any] | None, train: Mapping[str, Any] | None
) -> None:
    cfg = (hooks or {}).get('checkpoint') or {}
    if cfg.get('interval') == 0:
        raise UserError(
            'expected default_hooks.checkpoint.interval of at least 1, or -1 for no '
            'checkpoint but the last, got 0.'
        )
    for key in ('interval', 'max_keep_ckpts'):
        if cfg.get(key) is not None:
            check.whole(f'default_hooks.checkpoint.{key}', cfg[key])
    if cfg.get('max_keep_ckpts') == 0:
        raise UserError(
            'expected default_hooks.checkpoint.max_keep_ckpts of at least 1, or -1 to '
            'keep all, got 0.'
        )
    units = ('max_epochs' if cfg.get('by_epoch', True) else 'max_iters', 'interval')
    end, interval = (train or {}).get(units[0]), cfg.get('interval', -1)
    if end and not cfg.get('save_last', True) and not 0 < interval <= end:
        raise UserError(
            'the run would save nothing: expected default_hooks.checkpoint.interval '
            f'between 1 and train_cfg.{units[0]}={end}, got {interval} with '
            'save_last=False; lower it, or set save_last=True.'
        )


def _check_bands(cfg: Config) -> None:
    """Compare the bands that are read with those that the model takes."""
    model = cfg.get('model')
    dataset = (cfg.get('train_dataloader') or {}).get('dataset')
    if not isinstance(model, Mapping) or cfg.get('default_scope') != 'mmpretrain':
        return
    backbone = model.get('backbone') or {}
    channels = backbone.get('in_channels', backbone.get('in_chans'))
    for key, bands in values_of('bands', 'train_dataloader.dataset', dataset):
        if channels is None or not isinstance(bands, list | tuple):
            continue
        if len(bands) != channels:
            raise UserError(
                f'expected as many bands as model.backbone.in_channels={channels}, '
                f'got {len(bands)} in {key}={list(bands)}; set both to the same '
                'number.'
            )


def _warn_of_long_warmup(schedulers: Any, train: Mapping[str, Any] | None) -> None:
    """Warn of a warm-up that the run ends in; short trials of recipes are common."""
    if isinstance(schedulers, Mapping):
        schedulers = [schedulers]
    if not isinstance(schedulers, Sequence):
        return
    for number, cfg in enumerate(schedulers):
        if not isinstance(cfg, Mapping):
            continue
        last = 'max_epochs' if cfg.get('by_epoch', True) else 'max_iters'
        end, length = cfg.get('end'), (train or {}).get(last)
        rises = str(cfg.get('type')).endswith(('LinearLR', 'ConstantLR', 'Warmup'))
        if rises and length and isinstance(end, int) and end > length:
            print_log(
                f'param_scheduler[{number}] ends at {end}, train_cfg.{last} is '
                f"{length}: the run never reaches the recipe's learning rate; lower "
                'end, or train longer.',
                logger='current',
                level=logging.WARNING,
            )
