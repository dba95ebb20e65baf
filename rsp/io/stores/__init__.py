"""Read images that `rsp prepare pack` put into few large files."""

from rsp.io.stores.colors import require_same_colors
from rsp.io.stores.manifest import Manifest
from rsp.io.stores.names import PackedNames
from rsp.io.stores.store import Store, open_store, read_stored_image, split_path

__all__ = [
    'Manifest',
    'PackedNames',
    'Store',
    'open_store',
    'read_stored_image',
    'require_same_colors',
    'split_path',
]
