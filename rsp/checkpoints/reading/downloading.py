"""Fetch checkpoints from addresses."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

import mmengine.runner.checkpoint as mmengine_checkpoint
import torch
from mmengine.dist import barrier, get_rank

from rsp.errors import MissingData, UserError

_HTTP = ('http://', 'https://')


def fetch(address: str) -> Path:
    """Download a checkpoint once, and return the file.

    Args:
        address: ``http(s)://...``, or a name of mmengine's lists: ``torchvision://``,
            ``modelzoo://``, ``open-mmlab://``, ``openmmlab://``, ``mmcls://``.

    Returns:
        A file in torch's cache (``TORCH_HOME``).

    Raises:
        MissingData: If it cannot be downloaded.
        UserError: If the name is not on its list, or the kind of address unknown.
    """
    if not address.startswith(_HTTP):
        return fetch(_resolve(address))
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    file = folder / Path(urlparse(address).path).name
    # One process downloads, the others wait for the file.
    if get_rank() == 0 and not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(address, str(file), progress=False)
        except OSError as error:
            raise MissingData(
                f"cannot download '{address}' ({error}); save it as '{file}' by other "
                'means, or give another file.'
            ) from error
    barrier()
    return file


def _resolve(address: str) -> str:
    """Return the web address behind a name of mmengine's lists."""
    scheme, _, name = address.partition('://')
    lists = {
        'torchvision': 'get_torchvision_models',
        'modelzoo': 'get_torchvision_models',
        'open-mmlab': 'get_external_models',
        'openmmlab': 'get_external_models',
        'mmcls': 'get_mmcls_models',
    }
    if scheme not in lists:
        raise UserError(
            f'expected a file or an address of http, https, {", ".join(lists)}, got '
            f"'{address}'; download it and give the file."
        )
    known: Mapping[str, str] = getattr(mmengine_checkpoint, lists[scheme])()
    found = known.get(name, '')
    if not found.startswith(_HTTP):
        raise UserError(f"expected a name on the list of {scheme}://, got '{address}'.")
    return found
