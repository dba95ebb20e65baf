"""Remote-sensing pre-training for the OpenMMLab ecosystem.

Importing this package registers its parts, so that any mm-project reaches them
with ``custom_imports=dict(imports=['rsp'])`` and names like ``rsp.GeRSP``.
"""

from rsp.platform import (
    define_missing_torchvision_ops,
    keep_debug_messages_off_the_screen,
)
from rsp.versions import __version__, warn_outside_tested_range

# Before anything that imports torchvision, and mmpretrain does.
define_missing_torchvision_ops()
keep_debug_messages_off_the_screen()
warn_outside_tested_range()

from rsp import (  # noqa: E402
    analysis,
    backbones,
    datasets,
    heads,
    hooks,
    losses,
    methods,
    modules,
    necks,
    optim,
    runner,
    transforms,
)

__all__ = [
    '__version__',
    'analysis',
    'backbones',
    'datasets',
    'heads',
    'hooks',
    'losses',
    'methods',
    'modules',
    'necks',
    'optim',
    'runner',
    'transforms',
]
