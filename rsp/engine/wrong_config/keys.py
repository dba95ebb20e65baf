"""Refuse keys that nothing reads, and miss none that is needed."""

import difflib
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine import registry as root
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import BaseLoop, Runner
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.utils.data import DataLoader

from rsp.engine.preflight import refuse_contradictions
from rsp.engine.preflight.values import LOADERS
from rsp.engine.wrong_config.arguments import (
    did_you_mean,
    names_of,
    parameters_of,
    text_for_number,
)
from rsp.engine.wrong_config.free_keys import refuse_misspelt_keys
from rsp.engine.wrong_config.places import walk
from rsp.engine.wrong_config.types import look_up, unknown_type
from rsp.errors import UserError
from rsp.ops import check

# Beside the arguments of mmengine's runner.
TOP_LEVEL = {
    'allow_partial', 'auto_scale_lr', 'checkpoint', 'compile_backbone',
    'custom_imports', 'exact_pillow', 'find_unused_parameters', 'inflate_stem',
    'launcher', 'memory_format', 'model_wrapper_cfg', 'pretrain_data', 'runner_type',
    'submission_dataloader', 'sync_bn', 'trust', 'tta_model',
}  # fmt: skip
HOOKS = (
    'checkpoint', 'health', 'logger', 'non_finite', 'param_scheduler', 'pixel_guard',
    'preflight', 'report', 'runtime_info', 'sampler_seed', 'timer', 'visualization',
    'watchdog',
)  # fmt: skip
# Sections and what they are; whatever else a library makes of it comes by Python.
SECTIONS = dict.fromkeys(
    (
        'train_dataloader', 'val_dataloader', 'test_dataloader', 'optim_wrapper',
        'train_cfg', 'val_cfg', 'test_cfg', 'default_hooks', 'env_cfg', 'randomness',
        'auto_scale_lr', 'log_processor', 'visualizer', 'model_wrapper_cfg',
    ),
    'dict(...)',
) | dict.fromkeys(
    ('param_scheduler', 'val_evaluator', 'test_evaluator'), 'dict(type=...)'
) | dict(custom_hooks='[dict(type=...)]')  # fmt: skip


def refuse_wrong_settings(cfg: Config) -> None:
    """Refuse unknown and missing keys, and settings that contradict each other.

    Typed settings are looked at when they are built, see `building`; these have no
    type.

    Args:
        cfg: Config of a run; not modified.

    Raises:
        UserError: With file, key and the nearest name.
    """
    try:
        _refuse_wrong_sections(cfg)
        _refuse_top_level(cfg)
        _refuse_missing(cfg)
        for path, known in _plain_keys(cfg):
            _refuse_unknown(path, _at(cfg, path), known)
        refuse_misspelt_keys(cfg)
        _refuse_hooks(cfg.get('default_hooks'))
        _refuse_unknown_types(cfg)
        _refuse_frozen_stages(cfg)
        _refuse_empty_pipelines(cfg)
        refuse_contradictions(cfg)
    except UserError as error:
        raise UserError(f'{cfg.filename}: {error}') from error


def _refuse_top_level(cfg: Config) -> None:
    """Refuse a key near a known one, unless the config uses it as a variable."""
    known = TOP_LEVEL | set(inspect.signature(Runner.__init__).parameters)
    nested = {
        f'{path}.{key}': key
        for path, keys in _plain_keys(cfg)
        if path in ('train_cfg', 'train_dataloader')
        for key in keys
        if key in ('max_epochs', 'max_iters', 'val_interval', 'batch_size')
    }
    text = re.sub(r'^ *#.*', '', cfg.text or '', flags=re.MULTILINE)
    for key in cfg:
        if key in known or re.search(rf'\b{key}\b(?!\s*=[^=])', text):
            continue
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.85)
        # A word more or less is another name: `train_data` beside `pretrain_data`.
        near = [name for name in near if abs(len(name) - len(key)) < 3]
        if not re.search(rf'^{key}\b', text, re.MULTILINE):  # From the command line.
            near = near or [path for path, name in nested.items() if name == key]
        if near:
            raise UserError(f"nothing reads the key '{key}'; did you mean '{near[0]}'?")


def _refuse_wrong_sections(cfg: Config) -> None:
    """Refuse a text or number in the place of a section, or in a list of parts."""
    for key, expected in SECTIONS.items():
        section = cfg.get(key)
        entries = section if isinstance(section, list | tuple) else []
        places = {key: section} | {f'{key}[{n}]': v for n, v in enumerate(entries)}
        for place, value in places.items():
            if isinstance(value, str | int | float):
                wanted = expected if place == key else 'dict(type=...)'
                raise UserError(f'expected {place}={wanted}, got {value!r}.')


def _refuse_missing(cfg: Config) -> None:
    if not isinstance(cfg.get('model'), Mapping):
        raise UserError(f'expected model=dict(type=...), got {cfg.get("model")!r}.')
    for group in (
        ('train_dataloader', 'train_cfg', 'optim_wrapper'),
        ('val_dataloader', 'val_cfg', 'val_evaluator'),
        ('test_dataloader', 'test_cfg', 'test_evaluator'),
    ):
        missing = [key for key in group if cfg.get(key) is None]
        given = [key for key in group if key not in missing]
        # Our probes test without an evaluator.
        if missing and given and missing != ['test_evaluator']:
            raise UserError(
                f'{missing[0]} is not set, but {" and ".join(given)}; '
                f'set all of {", ".join(group)}, or none.'
            )
    train, wrapper = cfg.get('train_dataloader'), cfg.get('optim_wrapper')
    for name in LOADERS:
        loader = cfg.get(name)
        if isinstance(loader, Mapping) and (
            wrong := text_for_number(DataLoader, loader)
        ):
            raise UserError(f'{name}.{wrong[0]}: {wrong[1]}')
    if train is not None and train.get('dataset') is None:
        raise UserError('train_dataloader.dataset is not set; give the data set.')
    if (
        isinstance(wrapper, Mapping)
        and 'constructor' not in wrapper
        and isinstance(wrapper.get('type', ''), str)
        and not isinstance(wrapper.get('optimizer'), Mapping)
    ):
        raise UserError(
            'expected optim_wrapper.optimizer=dict(type=...), got '
            f'{wrapper.get("optimizer")!r}.'
        )


def _plain_keys(cfg: Config) -> Iterable[tuple[str, set[str]]]:
    """Yield dicts without a type and the keys that their readers know."""
    loader = set(names_of(parameters_of(DataLoader)))
    for name in LOADERS:
        yield name, loader | {'num_batch_per_epoch', 'dataset'}
    for name in ('train_cfg', 'val_cfg', 'test_cfg'):
        settings = cfg.get(name)
        if isinstance(settings, Mapping):
            yield name, {'by_epoch', 'type', *_loop_keys(name, settings)}
    clips = (clip_grad_norm_, clip_grad_value_)
    clip = {key for kind in clips for key in names_of(parameters_of(kind))}
    yield 'optim_wrapper.clip_grad', clip - {'parameters'}
    yield 'randomness', set(inspect.signature(Runner.set_randomness).parameters)
    yield 'env_cfg', {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'}
    yield 'env_cfg.mp_cfg', {'mp_start_method', 'opencv_num_threads'}
    yield 'auto_scale_lr', {'base_batch_size', 'enable'}


def _loop_keys(name: str, settings: Mapping[str, Any]) -> set[str]:
    from mmengine.runner import (
        EpochBasedTrainLoop,
        IterBasedTrainLoop,
        TestLoop,
        ValLoop,
    )

    kinds: dict[str, list[type[BaseLoop]]] = {
        'train_cfg': [EpochBasedTrainLoop, IterBasedTrainLoop],
        'val_cfg': [ValLoop],
        'test_cfg': [TestLoop],
    }
    keys = {key for kind in kinds[name] for key in names_of(parameters_of(kind))}
    return keys - {'runner', 'dataloader', 'evaluator'}


def _refuse_unknown(path: str, settings: Any, known: set[str]) -> None:
    if not isinstance(settings, Mapping) or 'type' in settings:
        return
    for key in settings:
        if key in known:
            continue
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
        if near or path not in ('env_cfg', 'auto_scale_lr'):
            raise UserError(
                f"{path}.{key}: {path} has no '{key}'" + did_you_mean(key, known)
            )


def _refuse_hooks(hooks: Any) -> None:
    """Refuse a default hook without a type that is not there."""
    for key, hook in hooks.items() if isinstance(hooks, Mapping) else ():
        kind = hook.get('type', '') if isinstance(hook, Mapping) else ''
        if not (isinstance(kind, str) or callable(kind)):
            raise UserError(
                f'default_hooks.{key}.type: expected a name or a class, got {kind!r}.'
            )
        if isinstance(hook, Mapping) and 'type' not in hook and key not in HOOKS:
            raise UserError(
                f"default_hooks.{key}: no default hook is called '{key}'"
                + did_you_mean(key, HOOKS)
            )


def _refuse_unknown_types(cfg: Config) -> None:
    """Refuse types that mmengine looks up without building them."""
    kind = cfg.get('runner_type', 'Runner')
    if isinstance(kind, str) and look_up(kind, root.RUNNERS) is None:
        raise UserError(f'runner_type: {unknown_type(kind, root.RUNNERS)}')
    places: dict[str, Registry] = {'optim_wrapper.optimizer': root.OPTIMIZERS}
    for name in LOADERS:
        places[f'{name}.collate_fn'] = root.FUNCTIONS
    for path, registry in places.items():
        settings = _at(cfg, path)
        kind = settings.get('type') if isinstance(settings, Mapping) else None
        if isinstance(kind, int | float):
            raise UserError(f'{path}.type: expected a name or a class, got {kind!r}.')
        if not isinstance(kind, str):
            continue
        with registry.switch_scope_and_registry(cfg.get('default_scope')) as here:
            if look_up(kind, here) is None:
                raise UserError(f'{path}.type: {unknown_type(kind, here)}')


def _refuse_frozen_stages(cfg: Config) -> None:
    """Refuse more frozen stages than a ResNet has, which it notices by a lost name."""
    for path, part in walk(cfg.model.to_dict(), 'model'):
        stages = part.get('frozen_stages')
        if isinstance(stages, int) and str(part.get('type')).endswith('ResNet'):
            most = part.get('num_stages', 4)
            check.between(f'{path}.frozen_stages', stages, -1, most)


def _refuse_empty_pipelines(cfg: Config) -> None:
    """Refuse a data set without steps, unless what it is wrapped in has some."""
    for name in LOADERS:
        having: list[str] = []
        for path, part in walk(cfg.get(name), name):
            steps = part.get('pipeline')
            if steps:
                having.append(f'{path}.')
            elif isinstance(steps, list | tuple) and not path.startswith(tuple(having)):
                raise UserError(
                    f'{path}.pipeline: expected steps that load and pack an image, got '
                    f'{steps!r}.'
                )


def _at(cfg: Any, path: str) -> Any:
    for key in path.split('.'):
        cfg = cfg.get(key) if isinstance(cfg, Mapping | Config) else None
    return cfg
