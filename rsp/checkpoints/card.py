"""Write and read the card of a backbone: where it comes from and what it expects.

A card is plain JSON: under ``meta['card']`` of a ``.pth`` file, or as text in the
metadata of a ``.safetensors`` file.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from rsp.checkpoints.checkpoint import Backbone, Checkpoint
from rsp.checkpoints.formats import Format
from rsp.compat import installed_versions
from rsp.errors import UserError, shorten

FORMAT = 1


def make_card(
    checkpoint: Checkpoint, backbone: Backbone, license: str | None = None
) -> dict[str, Any]:
    """Write the card of a backbone from what its file tells.

    Args:
        checkpoint: The file.
        backbone: Taken from it.
        license: Of the weights; None leaves the question open.

    Returns:
        ``method``, ``backbone`` (what no shape tells: heads, strides, dilations and
        the like, as it was trained), ``recipe_hash`` (SHA-256 of the config's text),
        ``data`` (description and number of images), ``normalization`` (mean and std in
        0-255, to_rgb), ``bands``, ``pixel_size`` (meters), ``license``, ``metrics``,
        ``git_commit``, ``versions`` and ``digests`` (one per tensor); None where the
        file does not tell.
    """
    meta = checkpoint.meta
    text = meta.get('cfg') if isinstance(meta.get('cfg'), str) else None
    normalization, bands = _pixels(checkpoint, backbone.format)
    return dict(
        format=FORMAT,
        method=checkpoint.config_value('model', 'type') or backbone.format.title,
        architecture=backbone.architecture,
        branch=backbone.branch,
        backbone=backbone.known_settings or None,
        recipe_hash=hashlib.sha256(text.encode()).hexdigest() if text else None,
        data=dict(
            description=checkpoint.config_value('train_dataloader', 'dataset'),
            images=meta.get('images'),
        ),
        normalization=normalization,
        bands=bands,
        pixel_size=_dataset_fact(checkpoint, 'pixel_size'),
        license=license,
        metrics=_metrics(checkpoint.content),
        git_commit=meta.get('git_commit'),
        versions=meta.get('versions') or installed_versions(),
        digests=digests(backbone.tensors),
    )


def find_card(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the card of a file, or what its config or format tells of its pixels."""
    if checkpoint.card or checkpoint.format is None:
        return checkpoint.card
    normalization, bands = _pixels(checkpoint, checkpoint.format)
    known = dict(normalization=normalization, bands=bands) if normalization else {}
    size = _dataset_fact(checkpoint, 'pixel_size')
    return known | (dict(pixel_size=size) if size else {})


def digests(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Compute a digest of each learned tensor: of its type, shape and bytes.

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


def changed_tensors(
    card: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> list[str]:
    """Return the names of tensors that are not those the card was written for."""
    then, now = card.get('digests') or {}, digests(tensors)
    if not then:
        return []
    return [name for name in {**then, **now} if then.get(name) != now.get(name)]


def refuse_damage(checkpoint: Checkpoint, backbone: Backbone) -> None:
    """Refuse a file whose tensors are not those its card was written for.

    Raises:
        UserError: With the tensors' names.
    """
    changed = changed_tensors(checkpoint.card, backbone.tensors)
    if changed:
        raise UserError(
            f"{len(changed)} tensors of '{checkpoint.path}' are missing or not those "
            f'its card was written for: {shorten(changed, 6)}; get a whole copy, or '
            'remove the card if the change was meant.'
        )


def differences(
    card: Mapping[str, Any],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    bands: Sequence[str] | None = None,
) -> list[str]:
    """Describe how a task's pixels differ from those a backbone was trained on.

    Args:
        card: See `make_card`.
        mean: Per channel, in units of the images; None if the task does not normalize.
        std: Likewise.
        bands: Names of the task's bands, if it tells.
    """
    said = []
    trained = card.get('normalization') or {}
    for word, here in (('mean', mean), ('std', std)):
        there = trained.get(word)
        if there is None:
            continue
        if here is None or len(here) != len(there) or not _near(there, here):
            said.append(
                f'normalization: {word} {_short(there)} in pre-training, '
                f'{_short(here) if here is not None else "none"} here'
            )
    then = card.get('bands')
    if then and bands and list(then) != list(bands):
        said.append(f'bands: {list(then)} in pre-training, {list(bands)} here')
    return said


def _near(a: Sequence[float], b: Sequence[float]) -> bool:
    # Half a gray level of 0-255; reflectances and shares are smaller than that.
    tolerance = min(0.5, max(map(abs, a), default=0.0) / 50)
    return all(abs(x - y) <= tolerance for x, y in zip(a, b, strict=True))


def _short(numbers: Sequence[float]) -> list[float]:
    # Gray levels, or reflectances.
    digits = 1 if max(map(abs, numbers), default=0) > 10 else 4
    return [round(float(number), digits) for number in numbers]


def _pixels(
    checkpoint: Checkpoint, format: Format
) -> tuple[dict[str, Any] | None, list[str] | None]:
    """Return normalization and bands, from a config or the format's training."""
    found = checkpoint.config_value('model', 'data_preprocessor')
    found = found or checkpoint.config_value('data_preprocessor')
    normalization = None
    if isinstance(found, dict) and 'mean' in found:
        keys = ('mean', 'std', 'to_rgb', 'bgr_to_rgb')
        normalization = {key: found[key] for key in keys if key in found}
    elif format.pixels:
        mean, std = map(list, format.pixels)
        normalization = dict(mean=mean, std=std, to_rgb=True)
    is_rgb = any((normalization or {}).get(key) for key in ('to_rgb', 'bgr_to_rgb'))
    bands = ['red', 'green', 'blue'] if is_rgb else None
    named = _named_bands(checkpoint.config_value('train_dataloader', 'dataset'))
    return normalization, checkpoint.config_value('bands') or named or bands


def _named_bands(dataset: Any) -> list[str] | None:
    """Return the names of bands that a data set's config, or one within, chooses."""
    if not isinstance(dataset, dict):
        return None
    bands = dataset.get('bands')
    names = bands.get('names') if isinstance(bands, dict) else bands
    if isinstance(names, list) and names and all(isinstance(n, str) for n in names):
        return names
    sources = dataset.get('sources')
    inner = sources.get('remote') if isinstance(sources, dict) else None
    return _named_bands(inner or dataset.get('dataset'))


def _dataset_fact(checkpoint: Checkpoint, name: str) -> Any:
    """Return what the data set of a run said of itself."""
    return (checkpoint.meta.get('dataset_meta') or {}).get(name)


def _metrics(content: Mapping[str, Any]) -> dict[str, float]:
    """Return the last value of each validation metric in a run's log."""
    log = (content.get('message_hub') or {}).get('log_scalars') or {}
    scores = {n: b for n, b in log.items() if n.startswith(('val/', 'test/'))}
    return {n: float(b.current()) for n, b in scores.items() if len(b.data[0])}
