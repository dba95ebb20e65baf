"""Judge labels beside the pixels they belong to."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from rsp.engine.pixel_guard.observation import Observation
from rsp.engine.pixel_guard.rules import Finding

# Fewer images may well be of one class.
LEAST_IMAGES = 32
IGNORED = 255


def find_label_faults(seen: Observation, training: bool = True) -> list[Finding]:
    """Look at the labels of the first images, of whatever task.

    Args:
        seen: The images with their samples.
        training: Whether the images are trained on.
    """
    if seen.images < LEAST_IMAGES:
        return []
    rules = (_masks(seen), _classes(seen, training), _fractions(seen), _boxes(seen))
    return [finding for rule in rules for finding in rule]


def _masks(seen: Observation) -> Iterator[Finding]:
    masks = [s.gt_sem_seg.data for s in seen.samples if hasattr(s, 'gt_sem_seg')]
    if not masks:
        return
    values = {int(v) for mask in masks for v in mask.unique()}
    classes = values - {IGNORED}
    if not classes:
        yield Finding(
            'masks',
            f'expected classes in the masks, got nothing but {IGNORED}, which is '
            'ignored; look at reduce_zero_label and the values of the masks',
            certain=True,
        )
    elif len(classes) == 1 and (len(values) == 1 or classes == {0}):
        yield Finding(
            'masks',
            f'expected several classes in {len(masks)} masks, got {classes.pop()} '
            'everywhere; look at the values of the masks and what they are mapped to',
        )


def _classes(seen: Observation, training: bool) -> Iterator[Finding]:
    labels = [int(v) for s in seen.samples for v in _labels(s)]
    if len(labels) >= LEAST_IMAGES and len(set(labels)) == 1 and training:
        yield Finding(
            'classes',
            f'expected several classes among {len(labels)} images, got class '
            f'{labels[0]} only; shuffle the training data (sampler.shuffle=True), or '
            'look at the class folders',
        )


def _labels(sample: Any) -> Tensor:
    label = getattr(sample, 'gt_label', None)
    return label.flatten() if isinstance(label, Tensor) else torch.empty(0)


def _fractions(seen: Observation) -> Iterator[Finding]:
    scores = [getattr(sample, 'gt_score', None) for sample in seen.samples]
    scores = [score for score in scores if score is not None]
    if not scores:
        return
    # Of an image (C,), or of a batch (N, C).
    table = torch.cat([torch.atleast_2d(score) for score in scores])
    if (table == table[:1]).all():
        yield Finding(
            'classes',
            f'expected land cover that differs between {len(table)} images, got '
            f'{[round(v, 3) for v in table[0].tolist()]} for all; look at the map, its '
            'class map and where it lies',
        )
    if len(seen.empty_images) == len(table):
        bare = (seen.empty_images > 0.9) & (table.sum(dim=1) > 0)
        if bare.double().mean() > 0.05:
            yield Finding(
                'labels',
                f'expected labels of images with content, got {int(bare.sum())} of '
                f'{len(table)} labeled images without data; make the labels anew '
                '(rsp prepare label leaves such windows out)',
            )


def _boxes(seen: Observation) -> Iterator[Finding]:
    """Count boxes that hold no pixels with content."""
    found = [s.gt_instances for s in seen.samples if hasattr(s, 'gt_instances')]
    counts = [len(instances) for instances in found]
    if found and not sum(counts):
        yield Finding(
            'labels',
            f'expected objects in some of {len(found)} images, got none; look at the '
            'annotations and the names of the classes',
        )
