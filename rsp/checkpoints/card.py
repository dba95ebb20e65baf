"""The papers a backbone carries: where it comes from and what it expects.

A card is plain JSON: under ``meta['card']`` of a ``.pth`` file, or as text in the
metadata of a ``.safetensors`` file.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from rsp.checkpoints.conversion import Backbone
from rsp.checkpoints.layout import config_value, state_dict_of
from rsp.checkpoints.layouts import Layout, recognise
from rsp.compat import installed_versions

FORMAT = 1


def make_card(
    content: Mapping[str, Any], backbone: Backbone, licence: str | None = None
) -> dict[str, Any]:
    """Write the card of a backbone from what its file tells.

    Args:
        content: What the file holds.
        backbone: Taken from it.
        licence: Of the weights; None leaves the question open.

    Returns:
        ``method``, ``recipe_hash`` (SHA-256 of the config's text), ``data``
        (description and number of images), ``normalisation`` (mean and std in 0-255,
        to_rgb), ``bands``, ``licence``, ``metrics``, ``git_commit``, ``versions`` and
        ``digests`` (one per tensor); None where the file does not tell.
    """
    meta = content.get('meta') or {}
    text = meta.get('cfg') if isinstance(meta.get('cfg'), str) else None
    normalisation, bands = _pixels(text, backbone.layout)
    return dict(
        format=FORMAT,
        method=config_value(text, 'model', 'type') or backbone.layout.title,
        architecture=backbone.architecture,
        part=backbone.part,
        recipe_hash=hashlib.sha256(text.encode()).hexdigest() if text else None,
        data=dict(
            description=config_value(text, 'train_dataloader', 'dataset'),
            images=meta.get('images'),
        ),
        normalisation=normalisation,
        bands=bands,
        licence=licence,
        metrics=_metrics(content),
        git_commit=meta.get('git_commit'),
        versions=meta.get('versions') or installed_versions(),
        digests=digests(backbone.tensors),
    )


def card_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The card of a file, or what its config or layout tells of its pixels."""
    meta = content.get('meta') or {}
    if meta.get('card'):
        return dict(meta['card'])
    try:
        layout = recognise(state_dict_of(content))
    except ValueError:
        return {}
    normalisation, bands = _pixels(meta.get('cfg'), layout)
    return dict(normalisation=normalisation, bands=bands) if normalisation else {}


def digests(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """A fingerprint of each learned tensor: its type, shape and bytes.

    Args:
        tensors: By mmpretrain's names.

    Returns:
        First 16 hexadecimal digits of SHA-256 by name; without what follows from the
        architecture.
    """
    found = {}
    for name, tensor in tensors.items():
        if name.endswith('relative_position_index'):
            continue
        plain = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        content = (
            f'{tensor.dtype}{tuple(tensor.shape)}'.encode() + plain.numpy().tobytes()
        )
        found[name] = hashlib.sha256(content).hexdigest()[:16]
    return found


def changed_since(card: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that are not those the card was written for."""
    then, now = card.get('digests') or {}, digests(tensors)
    if not then:
        return []
    return [name for name in {**then, **now} if then.get(name) != now.get(name)]


def differences(
    card: Mapping[str, Any],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    bands: Sequence[str] | None = None,
) -> list[str]:
    """How a task's pixels differ from those a backbone was trained on, as sentences.

    Args:
        card: See `make_card`.
        mean: Per channel, in pixel units 0-255; None if the task does not normalise.
        std: Likewise.
        bands: Names of the task's bands, if it tells.
    """
    said = []
    trained = card.get('normalisation') or {}
    for word, here in (('mean', mean), ('std', std)):
        there = trained.get(word)
        if there is None:
            continue
        if here is None or len(here) != len(there) or not _near(there, here):
            said.append(
                f'normalisation: {word} {_short(there)} in pre-training, '
                f'{_short(here) if here is not None else "none"} here'
            )
    then = card.get('bands')
    if then and bands and list(then) != list(bands):
        said.append(f'bands: {list(then)} in pre-training, {list(bands)} here')
    return said


def _near(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(abs(x - y) <= 0.5 for x, y in zip(a, b, strict=True))


def _short(numbers: Sequence[float]) -> list[float]:
    return [round(float(number), 1) for number in numbers]


def _pixels(text: Any, layout: Layout) -> tuple[dict[str, Any] | None, Any]:
    """Normalisation and bands, from a config's text or the layout's training."""
    found = _normalisation(text)
    if found is None and layout.pixels:
        mean, std = map(list, layout.pixels)
        found = dict(mean=mean, std=std, to_rgb=True)
    return found, config_value(text, 'bands') or _bands(found)


def _normalisation(text: Any) -> dict[str, Any] | None:
    found = config_value(text, 'model', 'data_preprocessor') or config_value(
        text, 'data_preprocessor'
    )
    if not isinstance(found, dict) or 'mean' not in found:
        return None
    return {key: found.get(key) for key in ('mean', 'std', 'to_rgb', 'bgr_to_rgb')
            if key in found}  # fmt: skip


def _bands(normalisation: Mapping[str, Any] | None) -> list[str] | None:
    swapped = normalisation or {}
    if swapped.get('to_rgb') or swapped.get('bgr_to_rgb'):
        return ['red', 'green', 'blue']
    return None


def _metrics(content: Mapping[str, Any]) -> dict[str, float]:
    """The last value of each validation metric in a run's log."""
    log = (content.get('message_hub') or {}).get('log_scalars') or {}
    scores = {n: b for n, b in log.items() if n.startswith(('val/', 'test/'))}
    return {n: float(b.current()) for n, b in scores.items() if len(b.data[0])}
