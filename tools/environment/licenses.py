"""List the licenses of all pinned packages that are installed; refuse copyleft ones.

    python tools/environment/licenses.py

What their metadata say, offline. Known vulnerabilities are looked up by the scheduled
job `audit` of continuous integration, which needs the network.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

PINS = Path(__file__).resolve().parents[2] / 'requirements/constraints.txt'
# Their metadata name none, or a copyright; read in their license files.
KNOWN = {
    # Its classes name the license of an Emacs mode, too, which its wheel lacks.
    'docutils': 'BSD-2-Clause, public domain',
    'onedl-mmengine': 'Apache-2.0',
    'faster-coco-eval': 'Apache-2.0',
    'openTSNE': 'BSD-3-Clause',
    'umap-learn': 'BSD-3-Clause',
}
PERMISSIVE = re.compile(
    r'Apache|BSD|MIT|MPL|Mozilla|OLDAP|PSF|Python Software Foundation|ISC|HPND|Zlib',
    re.I,
)
COPYLEFT = re.compile(r'\b[AL]?GPL|GNU', re.I)


def pinned() -> list[str]:
    """Return the names of the pinned packages."""
    lines = PINS.read_text(encoding='utf-8').splitlines()
    names = [line.split('==')[0] for line in lines if re.match(r'[\w.-]+==', line)]
    return [*dict.fromkeys(names)]


def license_of(name: str) -> str:
    """Return the license of an installed package; '' if it is not installed."""
    try:
        facts = metadata(name)
    except PackageNotFoundError:
        return ''
    classes = [
        c.split(' :: ')[-1]
        for c in facts.get_all('Classifier') or []
        if c.startswith('License')
    ]
    texts = KNOWN.get(name), facts['License-Expression'], '; '.join(classes)
    return next(filter(None, texts), (facts['License'] or 'unknown').split('\n')[0])


def main() -> int:
    found = {name: license_of(name) for name in pinned()}
    for name, text in found.items():
        if text:
            print(f'{name:28} {text}')
    wrong = [
        name
        for name, text in found.items()
        if text and (COPYLEFT.search(text) or not PERMISSIVE.search(text))
    ]
    if wrong:
        print(f'not permissive, or unknown: {", ".join(wrong)}', file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
