"""Print what is installed, what was expected, and what of it works.

``.venv/bin/python tools/check_env.py --tier full``

The exit status is 1 if something the tier needs is missing or broken.
"""

import argparse
import contextlib
import ctypes
import importlib
import io
import platform
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

CONSTRAINTS = Path(__file__).resolve().parents[1] / 'requirements/constraints.txt'

# Distribution -> (import name, tier that needs it).
PACKAGES = {
    'torch': ('torch', 'core'),
    'torchvision': ('torchvision', 'core'),
    'numpy': ('numpy', 'core'),
    'opencv-python': ('cv2', 'core'),
    'onedl-mmengine': ('mmengine', 'core'),
    'onedl-mmcv': ('mmcv', 'core'),
    'onedl-mmpretrain': ('mmpretrain.models', 'core'),
    'onedl-mmdetection': ('mmdet.models', 'full'),
    'onedl-mmsegmentation': ('mmseg.models', 'full'),
    'onedl-mmrotate': ('mmrotate.models', 'full'),
    'rasterio': ('rasterio', 'core'),
    'pyproj': ('pyproj', 'core'),
    'shapely': ('shapely', 'core'),
    'distributed': ('distributed', 'core'),
    'jinja2': ('jinja2', 'core'),
    'scipy': ('scipy', 'core'),
    'safetensors': ('safetensors', 'core'),
    'timm': ('timm', 'full'),
    'rsp-pretrain': ('rsp', 'core'),
}


class Row(NamedTuple):
    """Hold a line of the table; ``ok`` is None for what the tier does not need."""

    name: str
    found: str
    expected: str
    works: str
    ok: bool | None


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--tier',
        choices=('core', 'full'),
        default='full',
        help='what must be there: pre-training and classification, or all tasks',
    )
    return parser.parse_args()


def read_pins(text: str) -> dict[str, str]:
    """Map distribution to pinned release, for the Python that runs this."""
    pins = {}
    old = sys.version_info < (3, 11)
    for line in text.splitlines():
        requirement, _, marker = line.split('#')[0].partition(';')
        if '==' not in requirement or ('<' in marker and not old):
            continue
        if '>=' in marker and old:
            continue
        name, pin = requirement.split('==')
        pins[name.strip()] = pin.strip()
    return pins


def check_package(name: str, pin: str, tier: str) -> Row:
    """Compare the release of a package with its pin and import it."""
    module, needed_by = PACKAGES[name]
    needed = tier == 'full' or needed_by == 'core'
    try:
        found = version(name)
    except PackageNotFoundError:
        if (row := check_official(module, needed)) is not None:
            return row
        missing = 'missing' if needed else 'not in the core tier'
        return Row(name, '-', pin, missing, False if needed else None)
    if not needed and not has_operators():
        return Row(name, found, pin, 'needs the full tier', None)
    problem = failure(lambda: importlib.import_module(module))
    # '2.13.0+cpu' is a build of 2.13.0.
    fits = found.split('+')[0] == pin
    works = problem or ('imports' if fits else 'imports, but is not the pinned release')
    return Row(name, found, pin, works, not problem and fits)


def check_official(module: str, needed: bool) -> Row | None:
    """Import a package of the official line, which stands in for the pinned one.

    Returns:
        None if there is no such package. No official release of mmrotate goes with an
        official mmdet, so nothing needs it there.
    """
    from rsp.compat import TESTED, outside_tested_range

    library = module.partition('.')[0]
    distributions, first, past = TESTED.get(library, ((), '', ''))
    expected = f'>={first},<{past}'
    for name in distributions:
        with contextlib.suppress(PackageNotFoundError):
            found = version(name)
            if not needed and not has_operators():
                return Row(name, found, expected, 'needs the full tier', None)
            problem = failure(lambda: importlib.import_module(module))
            misfits = [m for m in outside_tested_range() if m.split()[0] == library]
            works = problem or 'imports (official line)'
            works = f'{works}, but is not tested' if misfits else works
            return Row(name, found, expected, works, not problem and not misfits)
    if library == 'mmrotate':
        with contextlib.suppress(PackageNotFoundError):
            version('mmdet')
            return Row(library, '-', '', 'has no release for the official mmdet', None)
    return None


def check_operators(tier: str) -> Row:
    """Run two of mmcv's compiled operators, on the GPU too if there is one."""
    import torch

    name = 'mmcv operators'
    if not has_operators():
        return Row(name, '-', '', 'not compiled in', False if tier == 'full' else None)
    problem = failure(lambda: run_operators('cpu'))
    works = problem or 'nms_rotated and roi_align run'
    if not problem and torch.cuda.is_available():
        on_gpu = failure(lambda: run_operators('cuda')) is None
        works += (
            ' on CPU and GPU' if on_gpu else ' on the CPU only (built without nvcc)'
        )
    return Row(name, 'mmcv._ext', '', works, not problem)


def has_operators() -> bool:
    return failure(lambda: importlib.import_module('mmcv._ext')) is None


def run_operators(device: str) -> None:
    import torch
    from mmcv.ops import nms_rotated, roi_align

    boxes = torch.tensor([[5, 5, 4, 2, 0.1], [5, 5, 4, 2, 0.2]], device=device)
    scores = torch.tensor([0.9, 0.8], device=device)
    _, kept = nms_rotated(boxes, scores, 0.3)
    assert kept.tolist() == [0], f'nms_rotated kept {kept.tolist()}, expected [0]'
    image = torch.ones(1, 3, 8, 6, device=device)
    region = torch.tensor([[0.0, 1.0, 1.0, 5.0, 5.0]], device=device)
    pooled = roi_align(image, region, (2, 2))
    assert bool((pooled == 1).all()), 'roi_align of ones did not give ones'


def check_gpu() -> Row:
    """Name the GPUs; a machine without one is fine."""
    import torch

    if not torch.cuda.is_available():
        return Row('GPU', '-', '', 'no GPU: CPU with gloo', None)
    names = {torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}
    problem = failure(lambda: torch.ones(2, device='cuda').sum().item())
    found = f'{torch.cuda.device_count()} x {", ".join(sorted(names))}'
    return Row('GPU', f'CUDA {torch.version.cuda}', '', problem or found, not problem)


def check_bf16() -> Row:
    """Say whether --amp has bfloat16 here."""
    from rsp.engine.device import supports_bf16

    works = 'yes (--amp)' if supports_bf16() else 'no: --amp will not work here'
    return Row('bfloat16', '-', '', works, None)


def check_libgl() -> Row:
    """Say which OpenCV is in use; without libGL only the headless one loads."""
    if failure(lambda: ctypes.CDLL('libGL.so.1')) is None:
        return Row('libGL', 'libGL.so.1', '', 'loads', None)
    works = 'absent; OpenCV without windows is used' + advice('libGL.so.1')
    return Row('libGL', '-', '', works, None)


def failure(attempt: Callable[[], object]) -> str | None:
    """Say in a line why something failed, with the remedy where it is known."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Libraries chat at import.
            attempt()
    except Exception as error:
        text = f'{type(error).__name__}: {error}'.strip().splitlines()[0]
        return text + advice(text)
    return None


def advice(text: str) -> str:
    """Name the package that brings a system library an error message names."""
    packages = {
        'libGL.so.1': ('libgl1', 'mesa-libGL'),
        'libgthread-2.0.so.0': ('libglib2.0-0', 'glib2'),
        'libglib-2.0.so.0': ('libglib2.0-0', 'glib2'),
        'libgomp.so.1': ('libgomp1', 'libgomp'),
    }
    for library, (debian, fedora) in packages.items():
        if library in text:
            return f' (apt-get install {debian}, or dnf install {fedora})'
    return ''


def format_table(rows: list[Row]) -> str:
    """Align columns to their longest cell; mark good, bad, not needed."""
    marks = {True: 'ok', False: 'FAIL', None: '-'}
    cells = [('', 'package', 'version', 'expected', 'what works')]
    cells += [(marks[r.ok], r.name, r.found, r.expected, r.works) for r in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        '  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in cells
    )
    return '\n'.join(line.rstrip() for line in lines)


def main() -> int:
    """Print the table; 0 if all that is needed works."""
    args = parse_args()
    warnings.simplefilter('ignore')  # The libraries' own; tests look at them.
    pins = read_pins(CONSTRAINTS.read_text(encoding='utf-8'))

    rows = [Row('python', platform.python_version(), '3.10-3.13', sys.prefix, True)]
    # First: importing rsp is what makes torchvision importable without CUDA.
    problem = failure(lambda: importlib.import_module('rsp.compat'))
    if problem:
        rows.append(Row('rsp.compat', '-', '', problem, False))
    pins['rsp-pretrain'] = pins.get('rsp-pretrain') or own_version()
    rows += [check_package(name, pins[name], args.tier) for name in PACKAGES]
    rows.append(check_operators(args.tier))
    if not any(row.ok is False for row in rows):
        rows += [check_gpu(), check_bf16(), check_libgl()]

    print(format_table(rows))
    return int(any(row.ok is False for row in rows))


def own_version() -> str:
    """Return the version the checkout claims, to tell an outdated install."""
    text = (CONSTRAINTS.parents[1] / 'rsp/version.py').read_text(encoding='utf-8')
    return text.split("__version__ = '")[1].split("'")[0]


if __name__ == '__main__':
    sys.exit(main())
