"""Explain the error of a step by the key of the config, where that is to blame."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mmengine.config import Config
from mmengine.registry import TRANSFORMS
from mmengine.runner import Runner, TestLoop, ValLoop
from torch import nn

from rsp.engine.distributed import unwrap_model
from rsp.engine.wrong_config.blame import (
    IN_WORKER,
    LIBRARIES,
    calls_of,
    is_installed,
    read_by_failure,
    reason_of,
)
from rsp.engine.wrong_config.building import (
    REFUSALS,
    is_of_library,
    raised_on_purpose,
    refuse,
)
from rsp.engine.wrong_config.built import built_by, part_of
from rsp.engine.wrong_config.frames import frames_of
from rsp.engine.wrong_config.places import walk
from rsp.engine.wrong_config.types import look_up
from rsp.errors import UserError

# What torch says if a layer gets another number of channels: got, then expected.
SHAPES = (
    r'mat1 and mat2 shapes cannot be multiplied \(\d+x(?P<got>\d+) and (?P<want>\d+)x',
    r'to have (?P<want>\d+) channels, but got (?P<got>\d+) channels',
    r'running_mean should contain (?P<got>\d+) elements not (?P<want>\d+)',
    r'expected input with shape \[\*, (?P<want>\d+)\], but got .*\D(?P<got>\d+)\]',
)
PACKS = re.compile(r'(?:^|\.)Pack\w*Inputs$')
LOADS = re.compile(r'(?:^|\.)Load\w*Image')


@contextmanager
def explain_steps(runner: Runner, cfg: Config) -> Iterator[None]:
    """Run a training or a test; tell of shapes and pipelines that do not fit by keys.

    An error that no setting explains passes unchanged.

    Args:
        runner: Of the run.
        cfg: Its config.

    Raises:
        UserError: With file and key.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = (
            _pipeline(error, cfg)
            or _shapes(error, runner.model, cfg)
            or _classes(error, cfg)
            or _value(error, cfg)
        )
        if reason is None and (refusal := _by_part(error, runner)):
            raise refusal from error
        if reason is None:
            raise
        raise UserError(f'{cfg.filename}: {reason}') from error


def _by_part(error: Exception, runner: Runner) -> UserError | None:
    """Explain by the settings of the part that failed in the first step, or validation.

    Later, what fails is no setting.
    """
    calls = calls_of(error)
    loops = [call.names.get('self') for call in calls]
    validates = any(isinstance(loop, ValLoop | TestLoop) for loop in loops)
    trained = getattr(runner._train_loop, 'iter', 0)
    for number, call in reversed([*enumerate(calls)]):
        owner = call.names.get('self')
        if not call.names:
            owner = built_by(call.name, call.file, call.line)
        part = part_of(owner)
        if part is None:
            continue
        if not all(map(is_installed, calls[number:])):
            return None
        certain = validates or trained > 0
        found = read_by_failure(error, type(owner), part, certain, calls[number:])
        return refuse(*found) if found else None
    return None


def _pipeline(error: Exception, cfg: Config) -> str | None:
    """Explain by a data pipeline that loads nothing, or does not pack once at its end.

    Steps of a user may load and pack under any name: such a pipeline is not judged.
    """
    loaders = {key: cfg.get(key) for key in cfg if key.endswith('_dataloader')}
    for path, node in walk(loaders):
        steps = node.get('pipeline')
        if not isinstance(steps, list | tuple) or 'dataset' in node:
            continue
        names = [str(step.get('type')) for step in steps if isinstance(step, Mapping)]
        if len(names) < len(steps) or not names:
            continue
        key, packs = (
            f'{path}.pipeline',
            [n for n, s in enumerate(names) if PACKS.search(s)],
        )
        if len(packs) > 1:
            return (
                f'{key}[{packs[1]}]: {names[packs[1]]} packs again; drop one of them.'
            )
        if packs and packs[0] < len(names) - 1 and _is_known(names[packs[0] + 1]):
            return (
                f'{key}[{packs[0]}]: {names[packs[0]]} is followed by '
                f'{names[packs[0] + 1]}, which gets what is packed; make it the last.'
            )
        if packs and (wanted := _lacking(error, steps[packs[0]])):
            return f"{key}[{packs[0]}].meta_keys: expected '{wanted}' among them."
        loads = any(map(LOADS.search, names))
        if not loads and "'img'" in str(error) and _is_known(names[0]):
            return (
                f"{key}[0]: {names[0]} needs 'img', which no step loads; put "
                "dict(type='LoadImageFromFile') in front."
            )
        batches = [f.tb_frame.f_locals.get('data_batch') for f in frames_of(error)]
        unpacked = any(isinstance(b, Mapping) and 'inputs' not in b for b in batches)
        if not packs and unpacked and all(map(_is_known, names)):
            return f"{key}: nothing packs; append dict(type='PackInputs')."
    return None


def _lacking(error: Exception, step: Mapping) -> str | None:
    """Return what the model wants to know of an image and a step does not pack."""
    kept = step.get('meta_keys')
    if kept is None or not isinstance(error, KeyError) or not is_of_library(error):
        return None
    wanted = error.args[0]
    metas = [v for name, v in calls_of(error)[-1].names.items() if 'meta' in name]
    metas += [one for some in metas if isinstance(some, list) for one in some]
    lacks = any(isinstance(one, Mapping) and wanted not in one for one in metas)
    return str(wanted) if lacks and wanted not in kept else None


def _is_known(name: str) -> bool:
    """Tell whether a transform is one of a library, which neither loads nor packs."""
    with TRANSFORMS.switch_scope_and_registry(None) as here:
        kind = look_up(name, here)
    return str(getattr(kind, '__module__', '')).partition('.')[0] in LIBRARIES


def _shapes(error: Exception, model: nn.Module, cfg: Config) -> str | None:
    """Explain by the layer that got another number of channels than it was built for.

    All that hold the layer have to be of a library: in a module of a user it may be
    that module's fault.
    """
    match = next((m for s in SHAPES if (m := re.search(s, str(error), re.S))), None)
    model = unwrap_model(model)
    if match is None:
        return None
    got, want = int(match['got']), int(match['want'])
    names = {id(module): name for name, module in model.named_modules()}
    called = [frame.tb_frame.f_locals.get('self') for frame in frames_of(error)]
    called = [module for module in called if id(module) in names]
    if not called or not all(
        type(m).__module__.partition('.')[0] in LIBRARIES for m in called
    ):
        return None
    layer, place, part = names[id(called[-1])], 'model', cfg.model
    for word in layer.split('.'):
        if not isinstance(part.get(word), Mapping):
            break
        place, part = f'{place}.{word}', part[word]
    if place == 'model':
        return None
    keys = [
        f'{path}.{key}'
        for path, node in walk(part, place)
        for key, value in node.items()
        if value == want and isinstance(value, int) and not isinstance(value, bool)
    ]
    near = [key for key in keys if 'in_' in key] or keys
    fix = f'set {near[0]}={got}, now {want}' if near else f'set its input to {got}'
    return f"{place}: its layer '{layer}' expects {want} channels, got {got}; {fix}."


def _classes(error: Exception, cfg: Config) -> str | None:
    """Explain by labels beyond the classes of a head."""
    match = re.search(r'Target (\d+) is out of bounds', str(error))
    if match is None:
        return None
    label = int(match[1])
    for path, node in walk(cfg.model.to_dict(), 'model'):
        number = node.get('num_classes')
        if isinstance(number, int) and number <= label:
            return (
                f'{path}.num_classes={number}, but an image has label {label}; set it '
                f'to the classes of the data, {label + 1} or more.'
            )
    return None


def _value(error: Exception, cfg: Config) -> str | None:
    """Explain by the one text of the config that a library refuses, or does not know.

    E.g. ``test_cfg.mode='slid'``, which is asked for in the first validation.
    """
    in_worker = IN_WORKER in str(error)
    unknown = isinstance(error, KeyError) and len(error.args) == 1 and not in_worker
    refused = isinstance(error, REFUSALS) and raised_on_purpose(error)
    if not is_of_library(error) or not (unknown or refused):
        return None
    text = str(error.args[0]) if unknown else str(error)
    if in_worker:
        text = reason_of(error)
    words = {text} if unknown else set(re.findall(r'[-\w.]*\w', text))
    found = {
        f'{path}.{key}': value
        for path, node in walk(cfg.to_dict())
        for key, value in node.items()
        if isinstance(value, str) and value in words and len(value) > 1
    }
    if len(found) != 1:
        return None
    [(place, value)] = found.items()
    reason = f'nothing is called {value!r} there.' if unknown else text
    return f'{place.lstrip(".")}: {next(iter(reason.splitlines()), "")}'
