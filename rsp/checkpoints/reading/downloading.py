"""Fetch checkpoints from addresses."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

import mmengine.runner.checkpoint as mmengine_checkpoint
import torch
from mmengine.dist import barrier, get_rank

from rsp.errors import MissingData, UserError

# timm's words for a repository of the Hugging Face Hub, and the file in it.
HUB = ('hf_hub:', 'hf-hub:')
HUB_WEIGHTS = 'model.safetensors'
_HTTP = ('http://', 'https://')


def is_address(path: str | Path) -> bool:
    """Return True for what `fetch` takes, False for a file or folder."""
    return '://' in str(path) or str(path).startswith(HUB)


def fetch(address: str) -> Path:
    """Download a checkpoint once, and return the file.

    Args:
        address: ``http(s)://...``, or a name of mmengine's lists: ``torchvision://``,
            ``modelzoo://``, ``open-mmlab://``, ``openmmlab://``, ``mmcls://``; or
            ``hf_hub:you/name``, with ``@revision`` if need be.

    Returns:
        A file in torch's cache (``TORCH_HOME``) or the Hub's (``HF_HOME``).

    Raises:
        MissingData: If it cannot be downloaded.
        UserError: If the name is not on its list, or the kind of address unknown.
    """
    if address.startswith(HUB):
        return _fetch_from_hub(address.partition(':')[2])
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


def _fetch_from_hub(repo: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HFValidationError
    except ModuleNotFoundError as error:
        raise UserError(
            "expected huggingface_hub: pip install 'rsp-pretrain[convert]'."
        ) from error
    name, _, revision = repo.partition('@')
    try:
        return Path(hf_hub_download(name, HUB_WEIGHTS, revision=revision or None))
    except HFValidationError as error:
        raise UserError(f"expected hf_hub:you/name, got '{repo}'.") from error
    except OSError as error:
        raise MissingData(
            f"cannot download {HUB_WEIGHTS} of '{name}' from the Hub "
            f'({str(error).splitlines()[0]}); give its folder or file.'
        ) from error


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
