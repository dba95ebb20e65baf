"""Adapt the pipelines of the project's configs to other images."""

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
        scenes: Images come decoded, so that steps that load them are left out.
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
            # A pipeline per view, or the steps of one.
            if inner and isinstance(inner[0], list):
                adapted: list = [adapt_pipeline(s, scenes, bands) for s in inner]
            else:
                adapted = adapt_pipeline(inner, scenes, bands)
            if inner and not adapted:
                continue
            step = step | dict(transforms=adapted)
        steps.append(step)
    return steps
