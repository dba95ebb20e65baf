"""Taking the backbone out of a pre-training checkpoint."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rsp.versions import __version__

from .architecture import guess_architecture
from .layout import PRETRAINING_ONLY, backbone_prefix, state_dict_of
from .reading import read

PREFIX = 'backbone.'


def extract_backbone(
    state_dict: Mapping[str, Tensor], part: str = 'student'
) -> dict[str, Tensor]:
    """The tensors of one backbone, under ``backbone.``.

    Args:
        state_dict: Tensors of a whole model by name.
        part: ``'student'`` or ``'teacher'``.

    Returns:
        Without what only pre-training uses, such as a mask token. Copies on the CPU,
        contiguous (channels-last weights would save their strides), in the order of the
        model.

    Raises:
        ValueError: If the checkpoint has no such part; the message lists its parts.
    """
    prefix = backbone_prefix(state_dict, part)
    return {
        PREFIX + name[len(prefix) :]: bare_copy(tensor)
        for name, tensor in state_dict.items()
        if name.startswith(prefix) and name[len(prefix) :] not in PRETRAINING_ONLY
    }


def export_backbone(
    checkpoint: str | Path, out: str | Path, part: str = 'student'
) -> dict[str, Any]:
    """Write one backbone of a checkpoint as a file of its own.

    The file loads with ``torch.load(..., weights_only=True)`` and serves as
    ``init_cfg=dict(type='Pretrained', checkpoint=out, prefix='backbone.')``. Exporting
    an export gives the same tensors and notes again.

    Args:
        checkpoint: File of a run, or an exported one.
        out: File to write; its folder is made, an older file replaced.
        part: ``'student'`` or ``'teacher'``.

    Returns:
        ``meta`` of the new file: ``part``, ``source``, ``architecture``, ``tensors``,
        ``parameters`` (learned numbers, i.e. without batch-norm statistics), ``rsp``
        and, where known, ``epoch`` and ``iter``.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If it cannot be read, lacks the part, or is ``out`` itself.
    """
    source, out = Path(checkpoint).expanduser(), Path(out).expanduser()
    if source.exists() and out.exists() and source.samefile(out):
        raise ValueError(f"expected a new file for the backbone, got '{out}' itself.")
    if out.is_dir():
        raise ValueError(f"expected a file to write, got the folder '{out}'.")
    content = read(source)
    state = extract_backbone(state_dict_of(content), part)
    meta = content.get('meta') or {}
    if 'architecture' not in meta:
        meta = _notes(meta, state, part, source)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Nobody ever finds half a file under the final name.
    unfinished = out.with_name(f'.{out.name}.unfinished')
    torch.save(dict(state_dict=state, meta=meta), unfinished)
    os.replace(unfinished, out)
    return meta


def bare_copy(tensor: Tensor) -> Tensor:
    """A contiguous copy on the CPU that shares nothing with the original."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _notes(
    meta: Mapping[str, Any], state: Mapping[str, Tensor], part: str, source: Path
) -> dict[str, Any]:
    statistics = ('running_mean', 'running_var', 'num_batches_tracked')
    learned = [t for n, t in state.items() if not n.endswith(statistics)]
    return dict(
        part=part,
        source=source.name,
        architecture=guess_architecture([name[len(PREFIX) :] for name in state]),
        tensors=len(state),
        parameters=sum(t.numel() for t in learned),
        rsp=__version__,
        **{key: meta[key] for key in ('epoch', 'iter') if key in meta},
    )
