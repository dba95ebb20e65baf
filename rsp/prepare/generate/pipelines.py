"""Adapt the pipelines of the project's configs to other images."""

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

# Transforms that load an image and make views of it -> those that make views alone.
OF_WINDOWS = {'rsp.LoadViews': 'rsp.MultiView', 'rsp.LoadView': 'rsp.SingleView'}


def adapt_pipeline(
    pipeline: Any, scenes: bool, bands: Sequence[int | str]
) -> list[dict[str, Any]]:
    """Adapt a pipeline to scenes and to bands that may be no colors.

    Args:
        pipeline: Of one of the project's configs.
        scenes: Images come decoded, so that steps that load them are left out.
        bands: Band numbers; of other than three, transforms of colors are replaced by
            what means the same of any bands.
    """
    steps = []
    for step in Config(dict(steps=pipeline)).to_dict()['steps']:
        if scenes and step['type'].removeprefix('rsp.') == 'LoadImageFromFile':
            continue
        if scenes and step['type'] in OF_WINDOWS:
            step = step | dict(type=OF_WINDOWS[step['type']])
        if len(bands) != 3:
            step = for_any_bands(step)
        inner = step.get('transforms')
        if isinstance(inner, list):
            # A pipeline per view, or the steps of one.
            if inner and isinstance(inner[0], list):
                adapted: list = [adapt_pipeline(s, scenes, bands) for s in inner]
            else:
                adapted = adapt_pipeline(inner, scenes, bands)
            step = step | dict(transforms=adapted)
        steps.append(step)
    return steps


def for_any_bands(step: dict[str, Any]) -> dict[str, Any]:
    """Replace a transform of three bands of 8 bits by one of any bands and type."""
    kind = step['type'].removeprefix('rsp.')
    if kind == 'ColorJitter':
        kept = {k: v for k, v in step.items() if k not in ('saturation', 'hue')}
        return kept | dict(type='rsp.ColorJitter')
    if kind == 'RandomGrayscale':
        return dict(type='rsp.RandomGrayscale', prob=step.get('prob', 0.1))
    if kind == 'Solarize':
        threshold = step['thr'] / 256
        return dict(type='rsp.RandomSolarize', threshold=threshold, prob=step['prob'])
    if kind == 'GaussianBlur':
        # Three deviations of the widest.
        edge = 2 * round(3 * step['magnitude_range'][1]) + 1
        sigma = step['magnitude_range']
        return dict(
            type='rsp.RandomBlur', kernel=[edge, edge], sigma=sigma, prob=step['prob']
        )
    if step.get('backend') == 'pillow':
        return {key: value for key, value in step.items() if key != 'backend'}
    return step
