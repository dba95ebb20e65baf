"""Remote-sensing pre-training for the OpenMMLab ecosystem.

``custom_imports=dict(imports=['rsp'])`` gives any mm-project all parts by names like
``rsp.GeRSP`` and ``rsp.MaskFolder``. They are imported when the first is looked up, so
that `import rsp` and ``rsp --help`` wait for no library.
"""

from importlib import import_module
from typing import Any

from rsp.compat import adapt_libraries_before_import
from rsp.version import __version__

adapt_libraries_before_import()

__all__ = [
    '__version__',
    'datasets',
    'engine',
    'evaluation',
    'models',
]


def __getattr__(name: str) -> Any:
    """Import a folder when it is first used."""
    if name in __all__:
        return import_module(f'rsp.{name}')
    raise AttributeError(f"module 'rsp' has no attribute {name!r}")
