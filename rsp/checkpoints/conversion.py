"""Write the backbone of a checkpoint as a file for one of the libraries."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rsp.checkpoints.card import digests, make_card, refuse_damage
from rsp.checkpoints.checkpoint import Backbone, Checkpoint, take_backbone
from rsp.checkpoints.families import listed
from rsp.checkpoints.formats import list_modules
from rsp.checkpoints.reading.finite import refuse_non_finite
from rsp.checkpoints.reading.safe_tensors import write_safetensors
from rsp.errors import UserError
from rsp.io.files import write_atomically
from rsp.ops import check
from rsp.version import __version__

PREFIX = 'backbone.'
# Target -> library whose names it bears, and their prefix. Those without are what a
# library's own configs expect of `init_cfg=dict(type='Pretrained', checkpoint=...)`.
TARGETS: dict[str, tuple[str, str]] = {
    'mmpretrain': ('mmpretrain', PREFIX),
    'mmdet': ('mmdet', ''),
    'mmseg': ('mmseg', ''),
    'mmrotate': ('mmrotate', ''),
    'torchvision': ('torchvision', ''),
    'timm': ('timm', ''),
    'safetensors': ('mmpretrain', ''),
}


def extract_backbone(
    state_dict: Mapping[str, Tensor], branch: str | None = None
) -> dict[str, Tensor]:
    """Return the tensors of one backbone by mmpretrain's names, under ``backbone.``.

    Args:
        state_dict: Tensors of a whole model by name, in any format of
            `rsp.checkpoints.formats`.
        branch: ``'student'`` or ``'teacher'``; None for the one its method hands on.

    Returns:
        Without what only pre-training uses, such as a mask token. Copies on the CPU,
        contiguous (channels-last weights would save their strides), in the order of the
        model.
    """
    return _bare_copies(take_backbone(state_dict, branch).tensors, PREFIX)


def export_backbone(
    checkpoint: str | Path,
    out: str | Path,
    branch: str | None = None,
    to: str = 'mmpretrain',
    image_size: int | None = None,
    license: str | None = None,
    trust: bool = False,
) -> dict[str, Any]:
    """Write one backbone of a checkpoint as a file of its own.

    The file loads with ``torch.load(..., weights_only=True)`` and, for mmpretrain,
    serves as ``init_cfg=dict(type='Pretrained', checkpoint=out, prefix='backbone.')``.
    Exporting an export gives the same tensors and notes again.

    Args:
        checkpoint: File in any format of `rsp.checkpoints.formats`.
        out: File to write; its folder is made, an older file replaced. Safetensors if
            it ends so.
        branch: ``'student'`` or ``'teacher'``; None for the one its method hands on.
        to: Whose names, a key of `TARGETS`.
        image_size: Fits the position embeddings of a ViT to it.
        license: Of the weights, for the card.
        trust: See `rsp.checkpoints.read`.

    Returns:
        ``meta`` of the new file: ``branch``, ``source``, ``architecture``, ``tensors``,
        ``parameters`` (learned numbers, i.e. without batch-norm statistics), ``rsp``,
        ``names`` (whose), ``unknown`` (kept under their own names), ``left_out``, the
        ``card`` (`rsp.checkpoints.card`), where known ``epoch`` and ``iter``, and,
        not in the file, ``guessed`` (what neither shapes nor config nor card tell).

    Raises:
        MissingData: If the checkpoint does not exist.
        UserError: If it cannot be read, lacks the branch, is ``out`` itself, is not
            what its card says, holds NaN or infinity, or if the names are not known for
            this architecture.
    """
    source, out = Path(checkpoint).expanduser(), Path(out).expanduser()
    check.one_of('--to', to, TARGETS)
    if source.exists() and out.exists() and source.samefile(out):
        raise UserError(f"expected a new file for the backbone, got '{out}' itself.")
    if out.is_dir():
        raise UserError(f"expected a file to write, got the folder '{out}'.")
    file = Checkpoint.load(checkpoint, trust=trust)
    backbone = file.backbone(branch)
    refuse_damage(file, backbone)
    refuse_non_finite(backbone.tensors, checkpoint, 'export an earlier checkpoint')
    backbone = backbone.resize(image_size)
    library, prefix = TARGETS[to]
    notes = _notes(file, backbone, source.name, license)
    notes |= dict(names=library, unknown=list(backbone.unknown))
    tensors = _bare_copies(backbone.for_library(library), prefix)
    _write(out, tensors, notes, as_safetensors=to == 'safetensors')
    return notes | dict(
        left_out=list(backbone.left_out), guessed=backbone.guessed_settings
    )


def describe_export(out: str | Path, meta: Mapping[str, Any]) -> str:
    """Describe what `export_backbone` wrote and what it left out."""
    lines = [
        f'{out}: {meta["architecture"]} of the {meta["branch"]} in {meta["source"]}, '
        f'{meta["tensors"]} tensors, {meta["parameters"] / 1e6:.2f} M parameters'
    ]
    if meta['guessed']:
        lines.append(f'guessed, as the file does not tell: {listed(meta["guessed"])}')
    if meta['unknown']:
        lines.insert(0, f'unknown, kept as they are: {", ".join(meta["unknown"])}')
    if meta['left_out']:
        lines.insert(0, f'left out: {list_modules(meta["left_out"])}')
    return '\n'.join(lines)


def _write(
    out: Path, tensors: dict[str, Tensor], meta: dict, as_safetensors: bool
) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    if as_safetensors or out.suffix == '.safetensors':
        notes = {key: value for key, value in meta.items() if key != 'card'}
        card = json.dumps(meta['card'] | dict(notes=notes), sort_keys=True)
        write_safetensors(out, tensors, dict(format='pt', card=card))
        return
    with write_atomically(out) as unfinished:
        torch.save(dict(state_dict=tensors, meta=meta), unfinished)


def _bare_copies(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return contiguous copies on the CPU that share nothing with the originals."""
    return {
        prefix + name: t.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, t in tensors.items()
    }


def _notes(
    file: Checkpoint, backbone: Backbone, source: str, license: str | None
) -> dict[str, Any]:
    """Return the notes of an export, taken over from an earlier one if they hold."""
    meta, card = file.meta, file.card
    if card:
        # Safetensors keep the notes inside their card.
        meta |= card.pop('notes', None) or {}
        card |= dict(digests=digests(backbone.tensors))
        card |= dict(license=license) if license else {}
        return {key: value for key, value in meta.items() if key != 'cfg'} | dict(
            card=card
        )
    return dict(
        branch=backbone.branch,
        source=source,
        architecture=backbone.architecture,
        tensors=len(backbone.tensors),
        parameters=backbone.parameters,
        rsp=__version__,
        **{key: meta[key] for key in ('epoch', 'iter') if key in meta},
        card=make_card(file, backbone, license),
    )
