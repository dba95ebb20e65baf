"""Adapt pipelines of the project's configs to other images."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

# Meaningless for bands that are no colors.
COLOR_TRANSFORMS = {'ColorJitter', 'rsp.ColorJitter', 'RandomGrayscale', 'Solarize'}


def adapt_pipeline(
    pipeline: Any, scenes: bool, bands: tuple[int, ...]
) -> list[dict[str, Any]]:
    """Adapt a pipeline to scenes and to bands that may be no colors.

    Args:
        pipeline: Of one of the project's configs.
        scenes: Images come decoded, so that none is loaded.
        bands: Band numbers; of other than three, color transforms are left out.
    """
    steps = []
    for step in Config(dict(steps=pipeline)).to_dict()['steps']:
        if scenes and step['type'] == 'LoadImageFromFile':
            continue
        if len(bands) != 3 and step['type'] in COLOR_TRANSFORMS:
            continue
        inner = step.get('transforms')
        if isinstance(inner, list):
            nested = [
                adapt_pipeline(s, scenes, bands) for s in inner if isinstance(s, list)
            ]
            flat = adapt_pipeline(
                [s for s in inner if isinstance(s, Mapping)], scenes, bands
            )
            if not nested and inner and not flat:
                continue
            step = step | dict(transforms=nested or flat)
        steps.append(step)
    return steps
