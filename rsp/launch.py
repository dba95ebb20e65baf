"""From the arguments of a script to a config that is ready to run."""

import copy
import difflib
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmengine
import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import DumpResults
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

import rsp
from rsp import checkpoints, platform

# Words that stand for "no checkpoint" where tools/test.py expects one.
UNTRAINED = ('none', 'random')
LOADERS = (
    'train_dataloader',
    'val_dataloader',
    'test_dataloader',
    'submission_dataloader',
)


def config_folder() -> Path:
    """Where the configs lie: in the checkout, or in the installed package."""
    package = Path(rsp.__file__).parent
    checkout = package.parent / 'configs'
    return checkout if checkout.is_dir() else package / '.mim' / 'configs'


def find_config(name: str) -> Path:
    """Find a config by its path from here or, failing that, from the project.

    Args:
        name: E.g. ``configs/gersp/r50.py``; from the project, ``configs/`` may be left
            out.

    Raises:
        FileNotFoundError: With the nearest names.
    """
    folder = config_folder()
    for path in (Path(name).expanduser(), folder.parent / name, folder / name):
        if path.is_file():
            return path
    known = [
        str(path.relative_to(folder.parent))
        for path in sorted(folder.rglob('*.py'))
        if '_base_' not in path.parts
    ]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    # Also by file name alone, for a wrong folder.
    names = {Path(path).name: path for path in reversed(known)}
    for match in difflib.get_close_matches(Path(name).name, names, n=2, cutoff=0.7):
        near += [names[match]] if names[match] not in near else []
    hint = f'nearest: {", ".join(near)}' if near else f'configs lie in {folder}'
    raise FileNotFoundError(f"no config '{name}'; {hint}.")


def default_work_dir(config: Path) -> str:
    """Folder of a run: ``configs/gersp/r50.py`` -> ``work_dirs/gersp/r50``.

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
    trust: bool = False,
) -> Config:
    """The config of a training run.

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
        trust: Open checkpoints even if that can run code in them.

    Raises:
        FileNotFoundError: If the config or the checkpoint does not exist.
        ValueError: If a flag does not go with the config.
    """
    cfg = _load(config, work_dir, launcher, cfg_options)
    if pretrained is not None:
        cfg.checkpoint = pretrained
    if allow_partial:
        cfg.allow_partial = True
    if trust:
        cfg.trust = True
    if cfg.get('checkpoint'):
        # complain before the data load
        checkpoints.read(cfg.checkpoint, trust=cfg.get('trust', False))
        _replace_pretrained(cfg)
    if no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if resume is not None:
        path = None if resume == 'auto' else resume
        # complain before the data load
        file = checkpoints.resume_target(cfg.work_dir, path)
        if file is not None:
            checkpoints.read(file, trust=cfg.get('trust', False))
        cfg.resume, cfg.load_from = True, path
    if amp:
        cfg.optim_wrapper = use_mixed_precision(cfg.optim_wrapper)
    if auto_scale_lr:
        if cfg.get('auto_scale_lr') is None:
            raise ValueError(
                '--auto-scale-lr expects the config to tell its samples per step: '
                f'add auto_scale_lr=dict(base_batch_size=...) to {config}.'
            )
        cfg.auto_scale_lr.enable = True
    return cfg


def evaluation_config(
    config: str,
    checkpoint: str,
    work_dir: str | None = None,
    show_dir: str | None = None,
    launcher: str = 'none',
    cfg_options: Mapping[str, Any] | None = None,
    format_only: str | None = None,
    trust: bool = False,
) -> Config:
    """The config of an evaluation.

    Args:
        config: Path, see `find_config`.
        checkpoint: Of a pre-training, an exported backbone, a classifier; ``'none'`` or
            ``'random'`` leaves the weights untrained.
        work_dir: Folder of the logs.
        show_dir: Where to paint every prediction, beside the truth where known.
        launcher: See `training_config`.
        cfg_options: Overrides by dotted key.
        format_only: Write predictions for a benchmark's server to files of this
            prefix instead of scoring them.
        trust: Open checkpoints even if that can run code in them.

    Raises:
        FileNotFoundError: If the config or the checkpoint does not exist.
        ValueError: If the config defines no test, or no files for a server.
    """
    cfg = _load(config, work_dir, launcher, cfg_options)
    if cfg.get('test_cfg') is None:
        raise ValueError(
            f'expected test_cfg, test_dataloader and test_evaluator in {config}, which '
            'defines no test; the evaluations of a backbone are in configs/downstream.'
        )
    cfg.resume = False
    if trust:
        cfg.trust = True
    if checkpoint in UNTRAINED:
        cfg.load_from = None
        _forget_pretrained(cfg.model)
    else:
        # complain before the data load
        checkpoints.read(checkpoint, trust=cfg.get('trust', False))
        cfg.load_from = checkpoint
    if show_dir is not None:
        cfg.default_hooks.visualization = dict(
            type='rsp.PicturesHook', out_dir=show_dir
        )
    if format_only is not None:
        _only_format(cfg, format_only)
    return cfg


def use_mixed_precision(optim_wrapper: Mapping[str, Any]) -> dict[str, Any]:
    """Switch an optimiser config to what this device computes fast.

    bfloat16 where there is hardware for it, else float16 with dynamic loss scaling.

    Args:
        optim_wrapper: ``optim_wrapper`` of a config; not modified.

    Raises:
        ValueError: If it is of a type that is not known to be replaceable.
    """
    cfg = dict(optim_wrapper)
    kind = cfg.get('type', 'OptimWrapper')
    if kind in ('AmpOptimWrapper', 'rsp.Bf16OptimWrapper'):
        return cfg
    if kind != 'OptimWrapper':
        raise ValueError(
            f"--amp expects optim_wrapper.type='OptimWrapper', got {kind!r}; set the "
            'precision in the config.'
        )
    if platform.supports_bf16():
        return cfg | dict(type='rsp.Bf16OptimWrapper')
    return cfg | dict(type='AmpOptimWrapper', loss_scale='dynamic')


def build_runner(cfg: Config) -> Runner:
    """Build the runner that a config asks for by ``runner_type``."""
    return RUNNERS.build(cfg)


def check_result_file(out: str | None, out_item: str = 'metrics') -> None:
    """Refuse a result file before the evaluation instead of after it.

    Args:
        out: File for the result; None writes none.
        out_item: ``'metrics'`` (``.json``, ``.yaml``, ``.pkl``), or ``'pred'`` for the
            prediction of every image (``.pkl``).

    Raises:
        ValueError: If the file's ending does not tell a format that fits.
    """
    endings = {'metrics': ('.json', '.yaml', '.pkl'), 'pred': ('.pkl',)}[out_item]
    if out is not None and Path(out).suffix not in endings:
        raise ValueError(
            f'--out expects a file ending in {" or ".join(endings)} for {out_item}, '
            f"got '{out}'."
        )


def evaluate(cfg: Config, out: str | None = None, out_item: str = 'metrics') -> dict:
    """Evaluate, and write the result where asked.

    Args:
        cfg: See `evaluation_config`.
        out: See `check_result_file`.
        out_item: See `check_result_file`.

    Returns:
        The metrics.
    """
    check_result_file(out, out_item)
    runner = build_runner(cfg)
    if out is not None and out_item == 'pred':
        if not hasattr(runner.test_loop, 'evaluator'):
            raise ValueError(
                f'--out-item pred expects a test that predicts something for every '
                f'image, got {type(runner.test_loop).__name__}; leave it out.'
            )
        runner.test_evaluator.metrics.append(DumpResults(out_file_path=out))
    metrics = runner.test()
    if out is not None and out_item == 'metrics' and runner.rank == 0:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        mmengine.dump(_plain(metrics), out)
    return metrics


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End a script whose input is wrong by the message, without a traceback.

    Only for errors that rsp itself raises about arguments, configs and files: any other
    one is a bug of somebody, whose traceback is needed. Of several processes only the
    first one speaks.
    """
    try:
        yield
    except (FileNotFoundError, ValueError) as error:
        message = _message_of_ours(error)
        if message is None:
            raise
        first = os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0'
        sys.exit(f'error: {message}' if first else 1)


def _message_of_ours(error: BaseException) -> str | None:
    """The message of an error that rsp raised, itself or in a loader's process."""
    ours = (str(Path(rsp.__file__).parent), str(config_folder().parent / 'tools'))
    frames = traceback.extract_tb(error.__traceback__)
    if frames and frames[-1].filename.startswith(ours):
        return str(error)
    # A worker of a loader sends its traceback as text; the message is its end.
    text = str(error)
    if ' in DataLoader worker process' in text:
        *_, last_frame = re.findall(r'^  File "(.+)", line', text, re.MULTILINE)
        message = re.split(r'^\w*Error: ', text, flags=re.MULTILINE)[-1]
        return message.strip() if last_frame.startswith(ours) else None
    return None


def _load(
    config: str,
    work_dir: str | None,
    launcher: str,
    cfg_options: Mapping[str, Any] | None,
) -> Config:
    path = find_config(config)
    cfg = Config.fromfile(path)
    _warn_of_misspelt(cfg_options or {}, cfg)
    # A copy, since merging takes `_delete_` out of the options.
    cfg.merge_from_dict(copy.deepcopy(dict(cfg_options or {})))
    cfg.launcher = launcher
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = default_work_dir(path)
    for loader in LOADERS:
        if cfg.get(loader) is not None:
            if cfg.get('default_scope') == 'mmpretrain':
                # What mmpretrain's own tools add; its configs rely on it. The others'
                # rely on mmengine's default, which keeps images of many sizes apart.
                cfg[loader].setdefault('collate_fn', dict(type='default_collate'))
            cfg[loader].setdefault('pin_memory', True)
            cfg[loader].setdefault('persistent_workers', True)
    return cfg


def _warn_of_misspelt(options: Mapping[str, Any], cfg: Config) -> None:
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


def _forget_pretrained(model: Any) -> None:
    """Drop, in place, every ``init_cfg`` of a model config that loads weights."""
    if isinstance(model, dict):
        init = model.get('init_cfg')
        if isinstance(init, dict) and init.get('type') == 'Pretrained':
            model.pop('init_cfg')
        model = list(model.values())
    if isinstance(model, list | tuple):
        for part in model:
            _forget_pretrained(part)


# Metrics that write files for a server, and the argument that tells where.
_SERVER_FILES = dict(
    CocoMetric='outfile_prefix', DOTAMetric='outfile_prefix', IoUMetric='output_dir'
)


def _only_format(cfg: Config, prefix: str) -> None:
    """Turn a test into one that writes files for a benchmark's server.

    Raises:
        ValueError: If no metric of the config can.
    """
    if cfg.get('submission_dataloader') is not None:
        cfg.test_dataloader = cfg.submission_dataloader
    evaluators = cfg.test_evaluator
    evaluators = [evaluators] if isinstance(evaluators, Mapping) else evaluators
    able = [
        (metric, argument)
        for metric in evaluators
        for name, argument in _SERVER_FILES.items()
        if metric['type'].endswith(name)
    ]
    if not able:
        raise ValueError(
            f'--format-only expects a metric of {sorted(_SERVER_FILES)} in '
            f'test_evaluator, got {[metric["type"] for metric in evaluators]}.'
        )
    for metric, argument in able:
        metric.update({'format_only': True, argument: prefix})
    # The others would score what has no truth.
    cfg.test_evaluator = [metric for metric, _ in able]


def _replace_pretrained(cfg: Config) -> None:
    """Let ``checkpoint`` alone decide what a backbone starts with.

    Raises:
        ValueError: If there is no backbone, or other weights would overwrite it.
    """
    if 'backbone' not in cfg.model:
        raise ValueError(
            f'--pretrained expects a model with a backbone, got {cfg.model.get("type")}'
            '; leave it out.'
        )
    if cfg.get('load_from') and not cfg.get('resume'):
        raise ValueError(
            'expected either a pre-trained backbone (--pretrained, checkpoint) or a '
            f"whole model (load_from='{cfg.load_from}'), got both; drop one."
        )
    _forget_pretrained(cfg.model.backbone)


def _plain(value: Any) -> Any:
    """Numbers that JSON can hold, for tensors and NumPy numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return value.tolist()
    return value
