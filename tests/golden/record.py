"""Record the numbers that test_golden.py holds the project to.

    python tests/golden/record.py              all of them
    python tests/golden/record.py moco labels  some of them, the others stay

With a release of torch other than that of numbers.json the trainings go into
releases/torch-<release>.json; to move numbers.json to it, delete both first. Continuous
integration records all releases it runs with, as artifacts `golden-torch-<release>`:
unpack them in releases/.

Another numbers.json is another result for users: the commit has to say why it is right.
Where the test fails at a commit that is known to be good, record there first.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from measuring import PARTS, TRAININGS, machine, measure, release

NUMBERS = Path(__file__).with_name('numbers.json')


def spell(node: Any, indent: str = '') -> str:
    """JSON with a line per list, so that changes can be read line by line."""
    if not isinstance(node, dict) or not node:
        return json.dumps(node)
    deeper = indent + ' '
    lines = [f'{deeper}{json.dumps(k)}: {spell(v, deeper)}' for k, v in node.items()]
    return '{\n' + ',\n'.join(lines) + f'\n{indent}}}'


def target() -> tuple[Path, tuple[str, ...]]:
    """Return the file for the torch that is installed, and the parts it holds."""
    ours = release(machine()['torch'])
    if NUMBERS.exists():
        made_with = json.loads(NUMBERS.read_text())['measured_with']
        if release(made_with['torch']) != ours:
            return NUMBERS.parent / f'releases/torch-{ours}.json', TRAININGS
    return NUMBERS, PARTS


def main() -> None:
    """Measure, and write what was measured.

    Raises:
        SystemExit: If a part failed; then nothing is written.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('parts', nargs='*', metavar='PART', help=', '.join(PARTS))
    asked = parser.parse_args().parts
    file, every = target()
    parts = asked or every
    unknown = set(parts) - set(every)
    if unknown:
        raise SystemExit(f'error: {", ".join(sorted(unknown))}: not in {file.name}.')
    known = json.loads(file.read_text()) if file.exists() else {}
    if known and len(parts) < len(every) and known['measured_with'] != machine():
        raise SystemExit(
            f'error: expected {known["measured_with"]}, as the others were measured '
            f'with, got {machine()}; record all parts.'
        )
    measured = measure(parts)
    if known and len(parts) < len(every) and known['rounding'] != measured['rounding']:
        raise SystemExit('error: this CPU rounds otherwise; record all parts.')
    failed = [entry['error'] for entry in measured.values() if 'error' in entry]
    if failed:
        raise SystemExit('\n'.join(failed))
    known = dict(measured_with=machine()) | known | measured
    file.parent.mkdir(exist_ok=True)
    file.write_text(spell(known | dict(measured_with=machine())) + '\n')


if __name__ == '__main__':
    main()
