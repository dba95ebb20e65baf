"""Compare losses, weights, windows and files with recorded ones.

Names may change, numbers may not; record.py writes them anew where they have to.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Last: what lies here has common names.
sys.path.append(str(Path(__file__).parent))
from measuring import NEED_GEO, PARTS, machine, measure

NUMBERS = json.loads(Path(__file__).with_name('numbers.json').read_text())
MADE_WITH = NUMBERS['measured_with']

pytestmark = pytest.mark.skipif(
    machine() != MADE_WITH,
    reason=f'numbers are those of {MADE_WITH}, here is {machine()}',
)


@pytest.fixture(scope='module')
def measured(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Measure what the selected tests compare; importing once takes seconds."""
    asked = {
        item.callspec.params['part']
        for item in request.session.items
        if item.path == request.path and hasattr(item, 'callspec')
    }
    return measure([part for part in PARTS if part in asked])


@pytest.mark.parametrize('part', PARTS)
def test_numbers_are_those_of_before(part, request):
    if part in NEED_GEO:
        pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    numbers = request.getfixturevalue('measured')[part]
    assert 'error' not in numbers, numbers['error']
    found = [*differences(NUMBERS[part], numbers)]
    assert not found, '\n'.join(['numbers differ', *found])


def differences(old: Any, new: Any, name: str = '') -> Iterator[str]:
    """Name what differs, and by how much.

    Numbers with a point may differ by 1e-6 of them in steps, 1e-5 in weights.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old | new:
            yield from differences(old.get(key), new.get(key), f'{name}/{key}')
    elif _are_floats(old) and _are_floats(new) and len(old) == len(new):
        bound = 1e-5 if name.startswith('/weights') else 1e-6
        apart = [_apart(a, b) for a, b in zip(old, new, strict=True)]
        wrong = [place for place, much in enumerate(apart) if not much <= bound]
        if wrong:
            yield (
                f'{name}: first at {wrong[0]}, there {old[wrong[0]]!r} was and '
                f'{new[wrong[0]]!r} is; {len(wrong)} of {len(old)}, by up to '
                f'{max(apart):.1e}; at 0 by {apart[0]:.1e}'
            )
    elif isinstance(old, float) and isinstance(new, float):
        yield from differences([old], [new], name)
    elif old != new:
        yield f'{name}: {old!r} was, {new!r} is'


def _are_floats(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(v, float) for v in values)


def _apart(old: float, new: float) -> float:
    """Return the difference as a share of the larger; NaN is infinitely far."""
    if old == new:
        return 0.0
    share = abs(old - new) / max(abs(old), abs(new))
    return share if math.isfinite(share) else math.inf
