"""The safetensors container: a JSON header, then plain numbers; nothing in it can run.

The format is https://github.com/huggingface/safetensors: eight bytes (little-endian)
tell the length of the header; it names dtype, shape and place of each tensor, and free
text under ``__metadata__``. Read and written here, so that it needs no further package.
"""

import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rsp.errors import UserError

_DTYPES = dict(
    F64=torch.float64, F32=torch.float32, F16=torch.float16, BF16=torch.bfloat16,
    I64=torch.int64, I32=torch.int32, I16=torch.int16, I8=torch.int8, U8=torch.uint8,
    BOOL=torch.bool,
)  # fmt: skip
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
# The reference implementation's bound, against headers made to fill the memory.
_MAX_HEADER = 100_000_000
_METADATA = '__metadata__'


def is_safetensors(file: Path) -> bool:
    """Whether a file begins like one: a length, then a JSON object."""
    with file.open('rb') as stream:
        start = stream.read(9)
    return len(start) == 9 and start[8:] == b'{' and _length(start) <= _MAX_HEADER


def read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read all tensors and the free text.

    Args:
        file: See the module.

    Returns:
        Tensors by name, on the CPU, and metadata.

    Raises:
        ValueError: If it is cut off or contradicts itself; the message names the place.
    """
    content = bytearray(file.read_bytes())
    end = 8 + _length(content)
    if end > len(content):
        raise UserError(
            f"'{file}' is cut off: its header should end at byte {end}, the file at "
            f'{len(content)}.'
        )
    try:
        header = json.loads(content[8:end].decode())
        metadata = header.pop(_METADATA, {})
        tensors = {n: _tensor(content, end, n, entry) for n, entry in header.items()}
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise UserError(f"'{file}' is no safetensors file ({error!r}).") from error
    except ValueError as error:
        raise UserError(f"'{file}' is cut off or damaged: {error}.") from error
    return tensors, metadata


def write_safetensors(
    file: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors and free text; nobody ever finds half a file.

    Args:
        file: Replaced if it exists.
        tensors: By name.
        metadata: Text by key.
    """
    header: dict[str, Any] = {_METADATA: dict(metadata)} if metadata else {}
    place, blocks = 0, []
    # Large items first keep every tensor aligned to its own size.
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    for name in order:
        tensor = tensors[name].detach().cpu().contiguous()
        block = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = dict(
            dtype=_NAMES[tensor.dtype],
            shape=list(tensor.shape),
            data_offsets=[place, place + len(block)],
        )
        place += len(block)
        blocks.append(block)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    unfinished = file.with_name(f'.{file.name}.unfinished')
    with unfinished.open('wb') as stream:
        stream.write(struct.pack('<Q', len(text)) + text)
        stream.writelines(blocks)
    os.replace(unfinished, file)


def _length(start: bytes | bytearray) -> int:
    return struct.unpack('<Q', start[:8])[0] if len(start) >= 8 else 0


def _tensor(content: bytearray, base: int, name: str, entry: dict) -> Tensor:
    dtype, shape = _DTYPES[entry['dtype']], entry['shape']
    begin, end = entry['data_offsets']
    wanted = math.prod(shape) * dtype.itemsize
    if not 0 <= begin <= end or end - begin != wanted or base + end > len(content):
        raise UserError(
            f"tensor '{name}' of shape {shape} needs {wanted} bytes, bytes {begin} to "
            f'{end} of {len(content) - base} are named for it'
        )
    if not wanted:
        return torch.empty(shape, dtype=dtype)
    # A copy, because a tensor has to begin at a multiple of its item size.
    block = content[base + begin : base + end]
    return torch.frombuffer(block, dtype=dtype).reshape(shape)
