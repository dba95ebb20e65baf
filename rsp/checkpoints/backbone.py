"""Taking the backbone out of a pre-training checkpoint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rsp.checkpoints.card import changed_since, digests, make_card
from rsp.checkpoints.conversion import Backbone, fit_to_image, rename, take_backbone
from rsp.checkpoints.layout import list_parts, state_dict_of
from rsp.checkpoints.reading import read
from rsp.checkpoints.reading.safe_tensors import write_safetensors
from rsp.errors import UserError
from rsp.io.files import write_atomically
from rsp.version import __version__

PREFIX = 'backbone.'
# What to convert to -> whose names, under which prefix. The bare ones are those that a
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
    state_dict: Mapping[str, Tensor], part: str | None = None
) -> dict[str, Tensor]:
    """The tensors of one backbone by mmpretrain's names, under ``backbone.``.

    Args:
        state_dict: Tensors of a whole model by name, in any layout of
            `rsp.checkpoints.layouts`.
        part: ``'student'`` or ``'teacher'``; None for the one its method hands on.

    Returns:
        Without what only pre-training uses, such as a mask token. Copies on the CPU,
        contiguous (channels-last weights would save their strides), in the order of the
        model.

    Raises:
        ValueError: If the checkpoint has no such part; the message lists its parts.
    """
    taken = take_backbone(state_dict, part).tensors
    return {PREFIX + name: bare_copy(tensor) for name, tensor in taken.items()}


def export_backbone(
    checkpoint: str | Path,
    out: str | Path,
    part: str | None = None,
    to: str = 'mmpretrain',
    image_size: int | None = None,
    licence: str | None = None,
    trust: bool = False,
) -> dict[str, Any]:
    """Write one backbone of a checkpoint as a file of its own.

    The file loads with ``torch.load(..., weights_only=True)`` and, for mmpretrain,
    serves as ``init_cfg=dict(type='Pretrained', checkpoint=out, prefix='backbone.')``.
    Exporting an export gives the same tensors and notes again.

    Args:
        checkpoint: File in any layout of `rsp.checkpoints.layouts`.
        out: File to write; its folder is made, an older file replaced. Safetensors if
            it ends so.
        part: ``'student'`` or ``'teacher'``; None for the one its method hands on.
        to: Whose names, a key of `TARGETS`.
        image_size: Fits the position embeddings of a ViT to it.
        licence: Of the weights, for the card.
        trust: See `rsp.checkpoints.read`.

    Returns:
        ``meta`` of the new file: ``part``, ``source``, ``architecture``, ``tensors``,
        ``parameters`` (learned numbers, i.e. without batch-norm statistics), ``rsp``,
        ``names`` (whose), ``unknown`` (kept under their own names), ``left_out``, the
        ``card`` (`rsp.checkpoints.card`) and, where known, ``epoch`` and ``iter``.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If it cannot be read, lacks the part, is ``out`` itself, is not what
            its card says, or if the names are not known for this architecture.
    """
    source, out = Path(checkpoint).expanduser(), Path(out).expanduser()
    if to not in TARGETS:
        raise UserError(f'expected --to to be one of {list(TARGETS)}, got {to!r}.')
    if source.exists() and out.exists() and source.samefile(out):
        raise UserError(f"expected a new file for the backbone, got '{out}' itself.")
    if out.is_dir():
        raise UserError(f"expected a file to write, got the folder '{out}'.")
    content = read(checkpoint if '://' in str(checkpoint) else source, trust=trust)
    meta = dict(content.get('meta') or {})
    backbone = take_backbone(state_dict_of(content), part)
    refuse_damage(meta.get('card'), backbone, source)
    if image_size is not None:
        backbone = fit_to_image(backbone, image_size)
    notes = _notes(content, backbone, source, licence)
    notes |= dict(names=TARGETS[to][0], unknown=list(backbone.unknown))
    state = rename(backbone, TARGETS[to][0])
    state = {TARGETS[to][1] + name: bare_copy(t) for name, t in state.items()}
    _write(out, state, notes, as_safetensors=to == 'safetensors')
    return notes | dict(left_out=list(backbone.left_out))


def describe_export(out: str | Path, meta: Mapping[str, Any]) -> str:
    """What was written and what was not, for the one who asked for it."""
    lines = [
        f'{out}: {meta["architecture"]} of the {meta["part"]} in {meta["source"]}, '
        f'{meta["tensors"]} tensors, {meta["parameters"] / 1e6:.2f} M parameters'
    ]
    if meta['unknown']:
        lines.insert(0, f'unknown, kept as they are: {", ".join(meta["unknown"])}')
    if meta['left_out']:
        lines.insert(0, f'left out: {list_parts(meta["left_out"])}')
    return '\n'.join(lines)


def refuse_damage(card: Any, backbone: Backbone, path: str | Path) -> None:
    """Refuse a file whose tensors are not those its card was written for.

    Raises:
        ValueError: With the tensors' names.
    """
    changed = changed_since(card or {}, backbone.tensors)
    if changed:
        raise UserError(
            f"{len(changed)} tensors of '{path}' are missing or not those its card was "
            f'written for: {", ".join(changed[:6])}; get a whole copy, or remove the '
            'card if the change was meant.'
        )


def _write(
    out: Path, state: dict[str, Tensor], meta: dict, as_safetensors: bool
) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    if as_safetensors or out.suffix == '.safetensors':
        notes = {key: value for key, value in meta.items() if key != 'card'}
        card = json.dumps(meta['card'] | dict(notes=notes), sort_keys=True)
        write_safetensors(out, state, dict(format='pt', card=card))
        return
    with write_atomically(out) as unfinished:
        torch.save(dict(state_dict=state, meta=meta), unfinished)


def bare_copy(tensor: Tensor) -> Tensor:
    """A contiguous copy on the CPU that shares nothing with the original."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _notes(
    content: Mapping[str, Any], backbone: Backbone, source: Path, licence: str | None
) -> dict[str, Any]:
    """The notes of an export, taken over from an earlier one as far as they hold."""
    meta = dict(content.get('meta') or {})
    card = meta.get('card')
    if 'architecture' in meta and not card:  # an export of the time before cards
        meta['card'] = card = make_card(content, backbone, licence)
    if card:
        # Safetensors keep the notes inside their card.
        meta |= card.get('notes') or {}
        card = {key: value for key, value in card.items() if key != 'notes'}
        card |= dict(digests=digests(backbone.tensors))
        card |= dict(licence=licence) if licence else {}
        return {key: value for key, value in meta.items() if key != 'cfg'} | dict(
            card=card
        )
    statistics = ('running_mean', 'running_var', 'num_batches_tracked')
    constants = (*statistics, 'relative_position_index')
    learned = [t for n, t in backbone.tensors.items() if not n.endswith(constants)]
    return dict(
        part=backbone.part,
        source=source.name,
        architecture=backbone.architecture,
        tensors=len(backbone.tensors),
        parameters=sum(t.numel() for t in learned),
        rsp=__version__,
        **{key: meta[key] for key in ('epoch', 'iter') if key in meta},
        card=make_card(content, backbone, licence),
    )
