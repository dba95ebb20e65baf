"""Pipelines of the project's configs, for other images than they were written for."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

# What means nothing of bands that are no colours.
COLOURS = {'ColorJitter', 'rsp.ColorJitter', 'RandomGrayscale', 'Solarize'}


def adapt(pipeline: Any, scenes: bool, bands: tuple[int, ...]) -> list[dict[str, Any]]:
    """A pipeline for scenes and for bands that may be no colours.

    Args:
        pipeline: Of one of the project's configs.
        scenes: Whether images come decoded.
        bands: Band numbers; of other than three, changes of colour are left out.
    """
    steps = []
    for step in Config(dict(steps=pipeline)).to_dict()['steps']:
        if scenes and step['type'] == 'LoadImageFromFile':
            continue
        if len(bands) != 3 and step['type'] in COLOURS:
            continue
        inner = step.get('transforms')
        if isinstance(inner, list):
            nested = [adapt(s, scenes, bands) for s in inner if isinstance(s, list)]
            flat = adapt([s for s in inner if isinstance(s, Mapping)], scenes, bands)
            if not nested and inner and not flat:
                continue
            step = step | dict(transforms=nested or flat)
        steps.append(step)
    return steps
