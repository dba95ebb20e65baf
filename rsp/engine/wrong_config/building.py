"""Turn what a library says of a wrong setting into one line with its key.

Parts are built by registries, so this looks at each build: settings that the type
cannot take are refused before it, and of an error in a constructor it asks whether a
setting is to blame. Every other error is a bug and passes unchanged.
"""

import copy
import dis
import inspect
import linecache
import re
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

from mmengine import registry as root
from mmengine.config import Config
from mmengine.registry import Registry

from rsp.compat import patch_registry_build
from rsp.engine.wrong_config import built
from rsp.engine.wrong_config.arguments import (
    misfit,
    takes_any,
    text_for_number,
    unknown_key,
    unknown_prefix,
    wrong_type,
)
from rsp.engine.wrong_config.blame import (
    LIBRARIES,
    WRONG,
    module_of,
    read_by_failure,
)
from rsp.engine.wrong_config.frames import innermost
from rsp.engine.wrong_config.places import key_of, walk
from rsp.engine.wrong_config.types import look_up, unknown_type
from rsp.errors import UserError

REFUSALS = (TypeError, ValueError, KeyError, AssertionError, NotImplementedError)
UNKNOWN = re.compile(r"(?:([\w.]+)\(\) )?got an unexpected keyword argument '(\w+)'")

# Of the run: the file, and its settings before any is taken out.
_file = ''
_settings: dict[str, Any] = {}


def explain_builds(cfg: Config) -> None:
    """Explain errors of every build in this process from here on.

    Args:
        cfg: Config of the run, in which the keys are found.
    """
    global _file, _settings
    _file, _settings = str(cfg.filename or ''), copy.deepcopy(cfg.to_dict())
    built.forget()
    patch_registry_build(_build)


def refuse(part: Mapping[str, Any], key: str | None, reason: str) -> UserError:
    """Return an error that names the file and the key of a setting."""
    return UserError(f'{_place(part, key)}{reason}')


def check_part(registry: Registry, part: Mapping[str, Any]) -> Any:
    """Refuse a type that is not there, and settings that it cannot take by name.

    Args:
        registry: That of the scope in which the part is built.
        part: Settings with a type, and all that the code adds.

    Returns:
        What is going to be called.

    Raises:
        UserError: With key, file and the nearest name.
    """
    kind = part.get('type')
    if kind is not None and not (isinstance(kind, str) or callable(kind)):
        raise refuse(part, 'type', f'expected a name or a class, got {kind!r}.')
    if kind is None:
        raise refuse(
            part, _any_key(part), f"expected a 'type' for this {registry.name}."
        )
    if isinstance(kind, str):
        kind = look_up(kind, registry)
        if kind is None:
            raise refuse(part, 'type', unknown_type(part['type'], registry))
    # Runners are built from a config; managers take a name beside their arguments.
    if registry.name != 'runner':
        settings = {k: v for k, v in part.items() if k not in _POPPED}
        managed = hasattr(kind, 'get_instance')
        wrong = None if managed else misfit(kind, settings)
        wrong = wrong or text_for_number(kind, settings)
        if wrong:
            raise refuse(part, *wrong)
        prefixes = part.get('data_prefix')
        if registry.name == 'dataset' and isinstance(prefixes, Mapping):
            unknown = unknown_prefix(kind, prefixes)
            if unknown:
                raise refuse(prefixes, *unknown)
    return kind


# What registries take out before they call the type.
_POPPED = {'type', '_scope_', 'convert_to_iter_based', 'epoch_length'}


def _build(
    build: Callable[..., Any], registry: Registry, cfg: Any, *args: Any, **kwargs: Any
) -> Any:
    """Build a part as ``Registry.build`` does, and explain what goes wrong."""
    if isinstance(cfg, Config):
        return _build_runner(build, registry, cfg)
    if not isinstance(cfg, Mapping):
        return build(registry, cfg, *args, **kwargs)
    added = args[0] if args else kwargs.get('default_args')
    part = dict(added or {}) | dict(cfg)
    with registry.switch_scope_and_registry(part.get('_scope_')) as here:
        kind = check_part(here, part)
    try:
        made = build(registry, cfg, *args, **kwargs)
    except UserError as error:
        raise _placed(error, part) from error
    except Exception as error:
        found = _setting_to_blame(error, kind, part)
        if found is None:
            raise
        raise refuse(*found) from error
    if registry.name not in ('runner', 'loop'):
        built.remember(made, part)
    return made


def _build_runner(build: Callable[..., Any], registry: Registry, cfg: Config) -> Any:
    """Build a runner; what has no type in its config it makes without a registry."""
    try:
        return build(registry, cfg)
    except UserError:
        raise
    except Exception as error:
        sections = [s for s in _settings.values() if isinstance(s, Mapping)]
        for section in sections if isinstance(error, WRONG) else ():
            found = read_by_failure(error, NoneType, section, certain=True)
            if found and found[1] is not None:
                part, key, reason = found
                raise refuse(part, key, reason.replace('NoneType ', 'this ')) from error
        raise


def _placed(error: UserError, part: Mapping[str, Any]) -> UserError:
    """Put file and key in front of what a part of ours refuses."""
    if _file and _file in str(error):
        return error
    place = _place(part, _mentioned(str(error), part))
    # A part that is not of this config: what builds it is, and is named around it.
    if place.rstrip(': ') == _file:
        return error
    placed = copy.copy(error)
    placed.args = (f'{place}{error}',)
    return placed


def _setting_to_blame(
    error: Exception, kind: Any, part: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str | None, str] | None:
    """Return the settings, the key in them and the reason, if settings are to blame."""
    if isinstance(error, TypeError) and (match := UNKNOWN.search(str(error))):
        return _handed_on(error, kind, part, *match.groups())
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _missing_file(error, part)
    if not isinstance(error, WRONG):
        return None
    wrong = wrong_type(kind, part)
    if wrong:
        return part, *wrong
    if isinstance(error, KeyError):
        for _, node in walk(part):
            name = node.get('type')
            if isinstance(name, str) and f'Cannot find {name} in registry' in str(
                error
            ):
                return node, 'type', f"no layer is called '{name}'."
        if 'Cannot find None in registry' in str(error):
            return _unknown_layer(part)
    itself = _is_of(error, kind)
    if module_of(kind) not in LIBRARIES:
        return None
    if not (itself or is_of_library(error)):
        return read_by_failure(error, kind, part)
    reason = str(error.args[0] if error.args else '') or _line(error)
    key = _mentioned(reason, part)
    # A helper of the part may refuse for it, if it names what it was given.
    if raised_on_purpose(error) and (itself or key is not None):
        return part, key, f'{kind.__name__} says: {reason}'
    return read_by_failure(error, kind, part)


def _unknown_layer(
    part: Mapping[str, Any],
) -> tuple[Mapping[str, Any], str, str] | None:
    """Look for the type that mmcv did not find; its message does not hold it."""
    with root.MODELS.switch_scope_and_registry(None) as here:
        for path, node in walk(part):
            name = node.get('type')
            if path.endswith('_cfg') and isinstance(name, str):
                if look_up(name, here) is None:
                    return node, 'type', unknown_type(name, here)
    return None


def _handed_on(
    error: TypeError, kind: Any, part: Mapping[str, Any], callee: str | None, key: str
) -> tuple[Mapping[str, Any], str, str] | None:
    """Look for an unknown keyword in the settings that were handed on as ``**``."""
    if key in part:
        # What the type takes by name it passes itself: a bug, not a setting.
        named = inspect.signature(kind).parameters
        if key in named or not takes_any(named):
            return None
        return part, key, unknown_key(kind, key)
    for value in part.values():
        if not isinstance(value, Mapping) or key not in value:
            continue
        # Some types are made without a registry.
        made = str(value.get('type')).rpartition('.')[2]
        if 'type' not in value or (callee or '').startswith(f'{made}.'):
            called = _callee(error, callee)
            return value, key, unknown_key(called or callee or 'this', key)
    return None


def _callee(error: BaseException, name: str | None) -> Any:
    """Return the class that a message names, as the code that called it knows it."""
    frame = innermost(error)
    first = (name or '').partition('.')[0]
    return frame.tb_frame.f_globals.get(first) if frame else None


def _missing_file(
    error: OSError, part: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str | None, str] | None:
    path = str(error.filename or '')
    for key, value in part.items():
        if isinstance(value, str) and value and path.endswith(value):
            return part, key, f"no file or folder '{path}'; is data_root right?"
    return None


def raised_on_purpose(error: BaseException) -> bool:
    """Tell whether a statement raised an error, not an operation."""
    last = innermost(error)
    return last is not None and any(
        i.offset == last.tb_lasti and i.opname == 'RAISE_VARARGS'
        for i in dis.get_instructions(last.tb_frame.f_code)
    )


def is_of_library(error: BaseException) -> bool:
    """Tell whether an error was raised in a module of a library."""
    last = innermost(error)
    module = last.tb_frame.f_globals.get('__name__', '') if last is not None else ''
    return module.partition('.')[0] in LIBRARIES


def _is_of(error: BaseException, kind: Any) -> bool:
    """Tell whether the innermost frame is a method of the part that was being built."""
    last = innermost(error)
    itself = last.tb_frame.f_locals.get('self') if last is not None else None
    return isinstance(kind, type) and isinstance(itself, kind)


def _line(error: Exception) -> str:
    last = innermost(error)
    if last is None:
        return type(error).__name__
    name = last.tb_frame.f_code.co_filename
    return linecache.getline(name, last.tb_lineno).strip() or type(error).__name__


def _mentioned(text: str, part: Mapping[str, Any]) -> str | None:
    """Return the one key whose name or value a text mentions, if it is one."""
    words = set(re.findall(r'[-\w.]*\w', text))
    keys = [k for k, v in part.items() if k in words and k != 'type']
    values = [
        k
        for k, v in part.items()
        if isinstance(v, str | int | float) and str(v) in words and k != 'type'
    ]
    for found in (keys, values):
        if len(found) == 1:
            return found[0]
    return None


def _any_key(part: Mapping[str, Any]) -> str | None:
    return next(iter(part), None)


def _place(part: Mapping[str, Any], key: str | None) -> str:
    known = key if key is not None and key in part else None
    place = key_of(_settings, part, known)
    if not place and known:  # Handed on from another section, such as model.train_cfg.
        holds = (path for path, node in walk(_settings) if _holds(node, part, known))
        place = next(holds, '')
    if place and known:
        place = f'{place}.{known}'
    file = f'{_file}: ' if _file else ''
    return f'{file}{place}: ' if place else file


def _holds(node: Mapping[str, Any], part: Mapping[str, Any], key: str) -> bool:
    value = part[key]
    return key in node and type(node[key]) is type(value) and bool(node[key] == value)
