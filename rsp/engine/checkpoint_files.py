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


def use_our_hook(cfg: Config) -> None:
    """Replace mmengine's checkpoint hook in a config, in place, by ours.

    The options stay. mmengine adds its hook to any config that does not name one.

    Args:
        cfg: Of a training or a test.
    """
    hooks = cfg.get('default_hooks')
    if hooks is None:
        cfg.default_hooks = hooks = dict()
    if 'checkpoint' not in hooks:
        hooks['checkpoint'] = dict(type='CheckpointHook', interval=1)
    for hook in (hooks['checkpoint'], *(cfg.get('custom_hooks') or ())):
        if isinstance(hook, dict) and hook.get('type') in _MMENGINES_HOOK:
            hook['type'] = 'rsp.CheckpointHook'


def _read(path: str, map_location: Any, trust: bool) -> dict[str, Any]:
    content = checkpoints.read(path, map_location, trust)
    # mmengine would run this text as Python, for a number of GPUs.
    (content.get('meta') or {}).pop('config', None)
    return content
