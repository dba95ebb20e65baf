"""Read and write safetensors files: numbers and texts, nothing that can run."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from rsp.errors import UserError
from rsp.io.files import write_atomically

# The library's bound on the length of a header.
MAX_HEADER = 100_000_000


def starts_like_safetensors(head: bytes) -> bool:
    """Recognize a file by nine bytes: the header's length, then a JSON object."""
    return head[8:9] == b'{' and int.from_bytes(head[:8], 'little') <= MAX_HEADER


def read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read all tensors, on the CPU, and the texts of a file.

    Raises:
        UserError: If it is cut off or contradicts itself.
    """
    # The package is needed for such files only.
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), 'pt') as opened:
            names = opened.keys()
            return {n: opened.get_tensor(n) for n in names}, opened.metadata() or {}
    except SafetensorError as error:
        raise UserError(
            f"'{file}' is cut off or no safetensors file ({error}); get a whole copy."
        ) from error


def write_safetensors(
    file: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors and texts whole; the same content gives the same bytes.

    Args:
        file: Replaced if it exists.
        tensors: By name.
        metadata: Text by key.
    """
    from safetensors.torch import save

    own = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    content = save(own, dict(metadata) or None)
    # The library writes the texts in an order of chance.
    start = 8 + struct.unpack('<Q', content[:8])[0]
    header: dict[str, Any] = json.loads(content[8:start])
    if '__metadata__' in header:
        header['__metadata__'] = dict(sorted(header['__metadata__'].items()))
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with write_atomically(file) as unfinished:
        unfinished.write_bytes(struct.pack('<Q', len(text)) + text + content[start:])
