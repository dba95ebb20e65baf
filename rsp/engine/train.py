"""Build the config and the runner of a training."""

import copy
import difflib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from rsp import checkpoints
from rsp.datasets.views import heed_exact_pillow, heed_pretrain_data
from rsp.engine.cfg_options import refuse_misplaced
from rsp.engine.checkpoint_files import use_our_files, use_our_hooks
from rsp.engine.device import supports_bf16
from rsp.engine.distributed import refuse_missing_launcher
from rsp.engine.wrong_config import (
    explain_builds,
    read_config,
    refuse_wrong_settings,
)
from rsp.errors import UserError, print_once
from rsp.io.configs import find_config
from rsp.io.files import make_folder

LOADERS = (
    'train_dataloader',
    'val_dataloader',
    'test_dataloader',
    'submission_dataloader',
)


def default_work_dir(config: Path) -> str:
    """Return the folder of a run: ``configs/gersp/r50.py`` -> ``work_dirs/gersp/r50``.

    The parent belongs to it, since ``r50.py`` exists once per method.
    """
    return str(Path('work_dirs', config.resolve().parent.name, config.stem))


def training_config(
    config: str,
    work_dir: str | None = None,
    resume: str | None = None,
    amp: bool = False,
    auto_scale_lr: bool = False,
    no_validate: bool = False,
    launcher: str = 'none',
    cfg_options: Mapping[str, Any] | None = None,
    pretrained: str | None = None,
    allow_partial: bool = False,
    inflate_stem: bool = False,
    trust: bool = False,
    auto_scale_schedule: bool = False,
) -> Config:
    """Build the config of a training run.

    Args:
        config: Path, see `find_config`.
        work_dir: Folder of the run, default see `default_work_dir`.
        resume: ``'auto'`` for the newest checkpoint in ``work_dir``, or a path.
        amp: Mixed precision, see `use_mixed_precision`.
        auto_scale_lr: Scale the learning rate to the number of samples per step.
        no_validate: Leave out validation.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        cfg_options: Overrides by dotted key.
        pretrained: File whose backbone the training starts with; the same as the
            config key ``checkpoint``.
        allow_partial: Start although it does not fill the model's backbone.
        inflate_stem: Spread its first layer over the bands of the model's.
        trust: Open checkpoints even if that can run code in them.
        auto_scale_schedule: Fit averages and schedules in steps to it, see
            `rsp.engine.auto_scale_schedule`.

    Raises:
        MissingData: If the config or the checkpoint does not exist.
        UserError: If a flag does not go with the config.
    """
    cfg = load_config(config, work_dir, launcher, cfg_options)
    if pretrained is not None:
        cfg.checkpoint = pretrained
    if allow_partial:
        cfg.allow_partial = True
    if inflate_stem:
        cfg.inflate_stem = True
    if trust:
        cfg.trust = True
    if cfg.get('checkpoint'):
        # Fail early.
        checkpoints.read(cfg.checkpoint, trust=cfg.get('trust', False), keep=True)
        _replace_pretrained(cfg)
    if no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if resume is not None:
        _find_resumed(cfg, None if resume == 'auto' else resume)
    if amp:
        cfg.optim_wrapper = use_mixed_precision(cfg.optim_wrapper)
    for flag, key, wanted in (
        ('--auto-scale-lr', 'enable', auto_scale_lr),
        ('--auto-scale-schedule', 'schedule', auto_scale_schedule),
    ):
        if not wanted:
            continue
        if cfg.get('auto_scale_lr') is None:
            raise UserError(
                f'{flag} expects the config to tell its samples per step: '
                f'add auto_scale_lr=dict(base_batch_size=...) to {config}.'
            )
        cfg.auto_scale_lr[key] = True
    if auto_scale_schedule and not _is_ours(cfg.get('runner_type')):
        raise UserError(
            "--auto-scale-schedule expects runner_type='rsp.PortableRunner', got "
            f'{cfg.get("runner_type")!r}; set it in {config}.'
        )
    return cfg


def _is_ours(kind: Any) -> bool:
    kind = RUNNERS.get(kind) if isinstance(kind, str) else kind
    return hasattr(kind, 'scale_schedules')


def _find_resumed(cfg: Config, path: str | None) -> None:
    """Set which file a run resumes from, and tell of damaged ones; fail early."""
    told: list[str] = []
    trust = cfg.get('trust', False)
    file = checkpoints.resume_target(cfg.work_dir, path, trust, told.append)
    for line in told:
        print_once(f'warning: {line}')
    # If all are damaged, mmengine's own runner would try the newest again.
    cfg.resume = file is not None or not told
    cfg.load_from = None if file is None else str(file)


MIXED_PRECISION = (
    'AmpOptimWrapper',
    'rsp.Bf16OptimWrapper',
    'rsp.MixedPrecisionOptimWrapper',
)


def use_mixed_precision(optim_wrapper: Mapping[str, Any]) -> dict[str, Any]:
    """Switch an optimizer config to what this device computes fast.

    bfloat16 where there is hardware for it, else float16 with dynamic loss scaling.

    Args:
        optim_wrapper: ``optim_wrapper`` of a config; not modified.

    Raises:
        UserError: If it is of a type that is not known to be replaceable.
    """
    cfg = dict(optim_wrapper)
    kind = cfg.get('type', 'OptimWrapper')
    if kind in MIXED_PRECISION:
        return cfg
    if kind != 'OptimWrapper':
        raise UserError(
            f"--amp expects optim_wrapper.type='OptimWrapper', got {kind!r}; set the "
            'precision in the config.'
        )
    if supports_bf16():
        return cfg | dict(type='rsp.Bf16OptimWrapper')
    return cfg | dict(type='AmpOptimWrapper', loss_scale='dynamic')


def build_runner(cfg: Config) -> Runner:
    """Build the runner that a config asks for by ``runner_type``.

    Whichever it is, mmengine's too, checkpoints are read and written as ours does.

    Raises:
        UserError: If settings contradict each other, or nothing can be written to
            ``work_dir``.
    """
    refuse_wrong_settings(cfg)
    make_folder(Path(cfg.work_dir))
    use_our_files(cfg.get('trust', False))
    use_our_hooks(cfg)
    explain_builds(cfg)
    return RUNNERS.build(cfg)


def load_config(
    config: str,
    work_dir: str | None,
    launcher: str,
    cfg_options: Mapping[str, Any] | None,
) -> Config:
    """Read a config and fill in what every run of a script needs.

    Args:
        config: Path, see `find_config`.
        work_dir: Folder of the run, default the config's, or see `default_work_dir`.
        launcher: See `training_config`.
        cfg_options: Overrides by dotted key.

    Raises:
        MissingData: If the config does not exist.
        UserError: If an override leads nowhere, or this is one of several processes
            without a launcher.
    """
    refuse_missing_launcher(launcher)
    path = find_config(config)
    cfg = read_config(path)
    refuse_misplaced(cfg_options or (), cfg)
    _warn_of_misspelled(cfg_options or {}, cfg)
    # A copy, since merging takes `_delete_` out of the options.
    cfg.merge_from_dict(copy.deepcopy(dict(cfg_options or {})))
    heed_pretrain_data(cfg)
    heed_exact_pillow(cfg)
    cfg.launcher = launcher
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = default_work_dir(path)
    for loader in LOADERS:
        if isinstance(cfg.get(loader), Mapping):
            if cfg.get('default_scope') == 'mmpretrain':
                # What mmpretrain's own tools add; its configs rely on it. The others'
                # rely on mmengine's default, which keeps images of many sizes apart.
                cfg[loader].setdefault('collate_fn', dict(type='default_collate'))
            if isinstance(cfg[loader].get('collate_fn'), Mapping):
                # Of a `_base_` in another package; the function would get it.
                cfg[loader]['collate_fn'].pop('_scope_', None)
            cfg[loader].setdefault('pin_memory', True)
            cfg[loader].setdefault('persistent_workers', True)
    return cfg


def _warn_of_misspelled(options: Mapping[str, Any], cfg: Config) -> None:
    """Warn of an override that makes a new key beside one of nearly the same name."""
    for option in options:
        place: Any = cfg
        for key in option.split('.'):
            if not isinstance(place, Mapping | Config):
                break
            near = difflib.get_close_matches(key, place.keys(), n=1, cutoff=0.8)
            if key not in place and near:
                warnings.warn(
                    f"--cfg-options {option}: '{key}' is new here; did you mean "
                    f"'{near[0]}'?",
                    stacklevel=2,
                )
            place = place.get(key)


def drop_pretrained_init_cfg(model: Any) -> None:
    """Drop, in place, every ``init_cfg`` of a model config that loads weights."""
    if isinstance(model, dict):
        init = model.get('init_cfg')
        if isinstance(init, dict) and init.get('type') == 'Pretrained':
            model.pop('init_cfg')
        model = list(model.values())
    if isinstance(model, list | tuple):
        for part in model:
            drop_pretrained_init_cfg(part)


def _replace_pretrained(cfg: Config) -> None:
    """Let ``checkpoint`` alone decide what a backbone starts with.

    Raises:
        UserError: If there is no backbone, or other weights would overwrite it.
    """
    if 'backbone' not in cfg.model:
        raise UserError(
            f'--pretrained expects a model with a backbone, got {cfg.model.get("type")}'
            '; leave it out.'
        )
    if cfg.get('load_from') and not cfg.get('resume'):
        raise UserError(
            'expected either a pre-trained backbone (--pretrained, checkpoint) or a '
            f"whole model (load_from='{cfg.load_from}'), got both; drop one."
        )
    drop_pretrained_init_cfg(cfg.model.backbone)
