"""Measure the images, labels and masks that a network is given."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.ops.features.spread import view_variance_ratio

# More say no more, and cost time.
IMAGES, SIDE = 64, 32


def measure_batch(batch: Any) -> dict[str, float]:
    """Measure a batch.

    Args:
        batch: What a data preprocessor gives, or a loader: ``inputs`` and
            ``data_samples``, of paired data by source. Of several views the first two
            are compared.

    Returns:
        ``flat_images``, share of images of one value; ``equal_views``, share of images
        whose two views are the same; ``view_ratio``, the largest F ratio of means and
        deviations of bands (:func:`rsp.ops.features.spread.view_variance_ratio`);
        ``label_spread``, largest deviation of a class's share over the images;
        ``labels``, their number; ``masked``, share of patches. ``broken_band``, number
        from 1 of a band with NaN or infinity, or 0. Only what there is.
    """
    found: dict[str, float] = {}
    for part in parts_of(batch):
        views = [thin(view) for view in views_of(part.get('inputs'))[:2]]
        if views:
            found |= _measure_views(views) | found
        found |= measure_labels(part.get('data_samples')) | found
    return found


def parts_of(batch: Any) -> Iterator[Mapping]:
    """Yield the parts of a batch that hold ``inputs``, of paired data by source."""
    if not isinstance(batch, Mapping):
        return
    inputs = batch.get('inputs')
    if isinstance(inputs, Mapping):
        samples = batch.get('data_samples') or {}
        for name, views in inputs.items():
            yield dict(inputs=views, data_samples=samples.get(name))
        return
    parts = [batch] if 'inputs' in batch else batch.values()
    yield from (p for p in parts if isinstance(p, Mapping) and 'inputs' in p)


def views_of(inputs: Any) -> list[Tensor]:
    """Return views (N, C, H, W), one if the images have one; [] if unlike in size."""
    if isinstance(inputs, Tensor):
        return [inputs] if inputs.ndim == 4 else []
    if not isinstance(inputs, Sequence) or not inputs:
        return []
    if all(isinstance(i, Tensor) and i.ndim == 4 for i in inputs):
        return [*inputs]
    if all(isinstance(i, Tensor) and i.shape == inputs[0].shape for i in inputs):
        return [torch.stack([*inputs])]
    return []


def thin(view: Tensor) -> Tensor:
    """Keep some pixels of some images, (n, C, h, w) in float32."""
    step = max(1, max(view.shape[-2:]) // SIDE)
    return view[:IMAGES, :, ::step, ::step].float().cpu()


def _measure_views(views: list[Tensor]) -> dict[str, float]:
    broken = [
        (~view.isfinite()).any(dim=3).any(dim=2).any(dim=0).long() for view in views
    ]
    bands = torch.stack(broken).amax(dim=0)  # (C,)
    found = dict(broken_band=float(bands.argmax() + 1) if bands.any() else 0.0)
    views = [view.nan_to_num(posinf=0, neginf=0) for view in views]
    first = views[0].flatten(2)
    flat = (first.amax(dim=2) == first.amin(dim=2)).all(dim=1)
    found['flat_images'] = flat.float().mean().item()
    if len(views) == 2 and len(views[0]) > 1:
        moments = [torch.cat([v.mean((2, 3)), v.std((2, 3))], dim=1) for v in views]
        found['view_ratio'] = view_variance_ratio(*moments).amax().item()
        if views[0].shape == views[1].shape:
            same = (views[0] == views[1]).flatten(1).all(dim=1)
            found['equal_views'] = same.float().mean().item()
    return found


def measure_labels(samples: Any) -> dict[str, float]:
    """Measure classes, shares of classes and masks of data samples."""
    several = [*samples] if isinstance(samples, Sequence) else [samples]
    found: dict[str, float] = {}
    for name in ('masks', 'mask'):
        masks = _values(several, name)
        if masks:
            found['masked'] = torch.cat([m.flatten() for m in masks]).mean().item()
    scores = [s.reshape(-1, s.shape[-1]) for s in _values(several, 'gt_score')]
    classes = [label.flatten().long() for label in _values(several, 'gt_label')]
    if scores:
        shares = torch.cat(scores)
    elif classes:
        shares = F.one_hot(torch.cat(classes).clamp(min=0)).float()
    else:
        return found
    spread = shares.std(dim=0, correction=0).amax().item()
    return found | dict(labels=float(len(shares)), label_spread=spread)


def _values(samples: Sequence[Any], name: str) -> list[Tensor]:
    found = (getattr(sample, name, None) for sample in samples)
    return [value.float().cpu() for value in found if isinstance(value, Tensor)]
