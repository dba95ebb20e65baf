"""Find scenes of Sentinel-2 whose values differ by the offset of a baseline."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rsp.errors import UserError, shorten
from rsp.geo.bands.choice import BandChoice
from rsp.geo.bands.names import find_sensor
from rsp.geo.bands.products import FIRST_WITH_OFFSET, UNKNOWN, baseline_of
from rsp.geo.scene import Scene

# Of the first products with the offset; later ones of earlier dates have it, too.
FIRST_DAY = '20220125'


def refuse_mixed_baselines(scenes: Sequence[Scene], choice: BandChoice) -> None:
    """Refuse scenes of Sentinel-2 of which some are stored with an offset of 1000.

    Args:
        scenes: Of one data set.
        choice: With ``baseline='keep'``, all are taken as they are.

    Raises:
        UserError: If values of one meaning would differ, or it cannot be known.
    """
    if choice.baseline == 'keep':
        return
    kinds: dict[str, list[str]] = {'old': [], 'undone': [], 'stored': [], 'unknown': []}
    for scene in scenes:
        if find_sensor(scene.path, scene.tags) == 'sentinel-2':
            kind = _kind_of(scene)
            if kind is not None:
                kinds[kind].append(scene.path)
    stored, unknown = kinds['stored'], kinds['unknown']
    right = kinds['old'] + kinds['undone']
    if stored and right:
        raise UserError(
            'expected Sentinel-2 of one scale, got files of processing baseline 04.00 '
            f'or later, whose values are 1000 higher ({shorten(stored)}), beside '
            f'others ({shorten(right)}); put them into a folder for each, or set '
            "bands=dict(baseline='keep') if the offset was undone before."
        )
    dates = sorted(
        found[-1] for path in unknown if (found := re.findall(r'_(\d{8})T', path))
    )
    straddle = bool(dates) and dates[0] < FIRST_DAY <= dates[-1]
    if unknown and (straddle or kinds['undone'] or stored):
        raise UserError(
            'expected the processing baseline of every Sentinel-2 scene, as values are '
            f'1000 higher since 04.00; {len(unknown)} do not tell theirs: '
            f'{shorten(unknown)}; keep them in their .SAFE folders, or set '
            "bands=dict(baseline='0209'), or '0400', which is then that of these."
        )


def _kind_of(scene: Scene) -> str | None:
    told = scene.tags.get('PROCESSING_BASELINE', '').replace('.', '')
    if scene.tags.get('SPACECRAFT_ID') == 'sentinel-2':  # A stack of ours.
        if told == UNKNOWN:
            return 'unknown'
        return 'undone' if told >= FIRST_WITH_OFFSET else 'old'
    told = told or baseline_of(scene.path) or ''
    if not told or any(scene.offsets):
        return None
    return 'stored' if told >= FIRST_WITH_OFFSET else 'old'
