"""Try the pixel guard on all set-ups, and print the table of docs/pixels.md.

python tests/engine/pixel_guard/table.py [WORDS OF A NAME]
"""

import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
warnings.filterwarnings('ignore')

# isort: off
import rsp  # noqa: E402, F401  registers everything, and mends torchvision
import faults  # noqa: E402
import setups  # noqa: E402
# isort: on


def main(words: str = '') -> None:
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        faults.prepare(root)
        named, alarms, seconds = 0, 0, []
        for number, (name, make, *told) in enumerate([*faults.RIGHT, *faults.FAULTS]):
            if words not in name:
                continue
            cfg = make(root)
            started = time.perf_counter()
            lines = setups.heard(cfg, root / f'run_{number}')
            seconds.append(time.perf_counter() - started)
            if told:
                hit = any(word in line for line in lines for word in told[0])
                named += hit
                mark = 'named ' if hit else 'MISSED'
            else:
                alarms += bool(lines)
                mark = 'ALARM ' if lines else 'silent'
            print(f'{mark} {name}: {lines[0] if lines else ""}', flush=True)
    print(
        f'{named} of {len(faults.FAULTS)} faults named, {alarms} alarms in '
        f'{len(faults.RIGHT)} right set-ups, {max(seconds):.1f} s at most'
    )


if __name__ == '__main__':
    main(*sys.argv[1:])
