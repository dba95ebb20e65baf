"""Remote-sensing pre-training for the OpenMMLab ecosystem.

Importing this package registers its parts, so that any mm-project reaches them
with ``custom_imports=dict(imports=['rsp'])`` and names like ``rsp.GeRSP``.
"""

from rsp.compat import (
    define_missing_torchvision_ops,
    import_transformers_quietly,
    silence_debug_logs,
    warn_outside_tested_range,
)
from rsp.version import __version__

# Before anything that imports torchvision, and mmpretrain does.
define_missing_torchvision_ops()
silence_debug_logs()
warn_outside_tested_range()
import_transformers_quietly()

from rsp import datasets, engine, evaluation, models  # noqa: E402

__all__ = [
    '__version__',
    'datasets',
    'engine',
    'evaluation',
    'models',
]
