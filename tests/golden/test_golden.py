"""Compare losses, weights, windows and files with recorded ones.

Names may change, numbers may not; record.py writes them anew where they have to.

numbers.json is of one release of torch. Another one has its trainings in
releases/torch-<release>.json; until they are recorded, the first step has to be that of
numbers.json within rounding. All else is the same with every release.
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
from measuring import NEED_GEO, PARTS, TRAININGS, machine, measure, release

NUMBERS = json.loads(Path(__file__).with_name('numbers.json').read_text())
MADE_WITH = NUMBERS['measured_with']
# Of the release that is installed, if it is another one and recorded.
OWN = Path(__file__).parent / f'releases/torch-{release(machine()["torch"])}.json'

pytestmark = pytest.mark.skipif(
    machine()['machine'] != MADE_WITH['machine'],
    reason=f'numbers are those of {MADE_WITH["machine"]}, not {machine()["machine"]}',
)


def trainings() -> tuple[dict[str, Any], bool]:
    """Return numbers to compare trainings with, and whether all steps must agree."""
    if release(machine()['torch']) == release(MADE_WITH['torch']):
        return NUMBERS, True
    if OWN.is_file():
        return json.loads(OWN.read_text()), True
    return NUMBERS, False


@pytest.fixture(scope='module')
def measured(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Measure what the selected tests compare; importing once takes seconds."""
    asked = {
        item.callspec.params['part']
        for item in request.session.items
        if item.path == request.path and 'part' in item.callspec.params
    }
    return measure([part for part in PARTS if part in asked])


@pytest.mark.parametrize(
    'part',
    [
        pytest.param(part, marks=pytest.mark.slow)
        if part in TRAININGS and part != 'gersp'
        else part
        for part in PARTS
    ],
)
def test_numbers_are_those_of_before(part, request):
    if part in NEED_GEO:
        pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    measured = request.getfixturevalue('measured')
    numbers, whole = trainings() if part in TRAININGS else (NUMBERS, True)
    old, new = numbers[part], measured[part]
    assert 'error' not in new, new['error']
    bound = 1e-6
    if part in TRAININGS:
        whole = whole and measured['rounding'] == numbers['rounding']
    if not whole:
        # Rounding grows from step to step: another CPU shares the first one.
        old, new, bound = first_step(old), first_step(new), 1e-5
    found = [*differences(old, new, bound=bound)]
    assert not found, '\n'.join(['numbers differ', *found])


def first_step(numbers: dict[str, Any]) -> dict[str, Any]:
    return {name: values[:1] for name, values in numbers['steps'].items()}


def differences(
    old: Any, new: Any, name: str = '', bound: float = 1e-6
) -> Iterator[str]:
    """Name what differs, and by how much.

    Numbers with a point may differ by ``bound`` of them, in weights by 1e-5.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old | new:
            path = f'{name}/{key}'
            yield from differences(old.get(key), new.get(key), path, bound)
    elif _are_floats(old) and _are_floats(new) and len(old) == len(new):
        bound = 1e-5 if name.startswith('/weights') else bound
        apart = [_apart(a, b) for a, b in zip(old, new, strict=True)]
        wrong = [place for place, much in enumerate(apart) if not much <= bound]
        if wrong:
            yield (
                f'{name}: first at {wrong[0]}, there {old[wrong[0]]!r} was and '
                f'{new[wrong[0]]!r} is; {len(wrong)} of {len(old)}, by up to '
                f'{max(apart):.1e}; at 0 by {apart[0]:.1e}'
            )
    elif isinstance(old, float) and isinstance(new, float):
        yield from differences([old], [new], name, bound)
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


@pytest.mark.parametrize(
    ('torch_version', 'recorded', 'expected'),
    [
        (MADE_WITH['torch'], False, ('base', True)),
        (f'{release(MADE_WITH["torch"])}.7+cu128', True, ('base', True)),
        ('2.1.2', True, ('own', True)),
        ('2.1.2', False, ('base', False)),
    ],
)
def test_each_release_of_torch_has_its_numbers(
    torch_version, recorded, expected, tmp_path, monkeypatch
):
    own = tmp_path / 'own.json'
    if recorded:
        own.write_text('{"measured_with": "own"}')
    module = sys.modules[__name__]
    found = dict(torch=torch_version, machine=MADE_WITH['machine'])
    monkeypatch.setattr(module, 'machine', lambda: found)
    monkeypatch.setattr(module, 'OWN', own)
    numbers, whole = trainings()
    assert ('base' if numbers is NUMBERS else 'own', whole) == expected
