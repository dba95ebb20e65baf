"""Let any runner of mmengine read and write checkpoints as ours does."""

import functools
from typing import Any

from mmengine.config import Config

from rsp import checkpoints
from rsp.checkpoints import saving
from rsp.compat import patch_checkpoint_loader, patch_checkpoint_saver

# What mmengine's own hook is called in configs.
_MMENGINES_HOOK = ('CheckpointHook', 'mmengine.CheckpointHook')


def use_our_files(trust: bool = False) -> None:
    """Open and write checkpoints safely in this process, whatever library asks.

    Args:
        trust: See `rsp.checkpoints.read`.
    """
    patch_checkpoint_loader(functools.partial(_read, trust=trust))
    patch_checkpoint_saver(saving.write)


def use_our_hooks(cfg: Config) -> None:
    """Let a config save by our hook and watch for NaN, in place.

    Options of mmengine's checkpoint hook stay, which any config has that does not name
    another. `NonFiniteHook` is added unless the config has one.

    Args:
        cfg: Of a training or a test.
    """
    cfg.setdefault('default_hooks', {})
    hooks = cfg.default_hooks
    if 'checkpoint' not in hooks:
        hooks['checkpoint'] = dict(type='CheckpointHook', interval=1)
    for hook in (hooks['checkpoint'], *(cfg.get('custom_hooks') or ())):
        if isinstance(hook, dict) and hook.get('type') in _MMENGINES_HOOK:
            hook['type'] = 'rsp.CheckpointHook'
    others = (*hooks.values(), *(cfg.get('custom_hooks') or ()))
    if not any('NonFiniteHook' in str(_type_of(hook)) for hook in others):
        hooks['non_finite'] = dict(type='rsp.NonFiniteHook')


def _type_of(hook: Any) -> Any:
    return hook.get('type') if isinstance(hook, dict) else type(hook)


def _read(path: str, map_location: Any, trust: bool) -> dict[str, Any]:
    content = checkpoints.read(path, map_location, trust)
    # mmengine would run this text as Python, for a number of GPUs.
    (content.get('meta') or {}).pop('config', None)
    return content
