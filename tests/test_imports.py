"""Imports go down: the folders of rsp are its layer diagram (see CONTRIBUTING.md)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'rsp'

# Layer -> the layers it may import besides itself and what is open to all. The parts of
# `models` are layers of their own; a method, a task or a tool never imports another.
ALLOWED = {
    'io': set(),
    'ops': set(),
    'geo': {'ops'},
    'visualization': {'ops'},
    'evaluation': {'ops'},
    'checkpoints': {'ops'},
    'models': {'ops'},
    'models.losses': {'ops'},
    'models.modules': {'ops'},
    'models.backbones': {'models.modules', 'ops'},
    'models.necks': {'models.modules', 'ops'},
    'models.heads': {'models.losses', 'models.modules', 'ops'},
    'models.selfsup': {'models', 'ops'},
    'datasets': {'geo', 'ops'},
    'tasks': {'models', 'datasets', 'geo', 'visualization', 'ops'},
    'engine': {
        'checkpoints',
        'datasets',
        'evaluation',
        'models',
        'ops',
        'visualization',
    },
    'prepare': {
        'checkpoints',
        'datasets',
        'engine',
        'evaluation',
        'geo',
        'models',
        'ops',
        'tasks',
        'visualization',
    },
    'cli': {'checkpoints', 'engine', 'evaluation', 'prepare'},
}
# Small and below everything: they import nothing but each other.
OPEN_TO_ALL = {'registry', 'errors', 'version', 'compat', 'io'}
MM_PACKAGES = {'mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmseg', 'mmrotate'}

FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob('*.py'))
# `__init__` of the package brings the parts together.
LAYERED = [file for file in FILES if file.parts != ('__init__.py',)]


def imported_modules(source: str, package: list[str]) -> set[str]:
    """Return the dotted names a module imports, relative ones resolved."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = '.'.join([*above, *([node.module] if node.module else [])])
            # `from rsp import ops` and `from rsp.ops import f` both name rsp.ops.
            found |= {f'{base}.{alias.name}' for alias in node.names}
    return found


def layer_of(parts: list[str]) -> str:
    """Name the layer of a module, given by its path below rsp."""
    two = '.'.join(parts[:2])
    return two if two in ALLOWED else parts[0]


def violations(file: Path, source: str) -> list[str]:
    """List what a module of rsp imports that its layer may not, as sentences."""
    own = list(file.with_suffix('').parts)
    layer = layer_of(own)
    allowed = ALLOWED.get(layer, set()) | OPEN_TO_ALL | {layer}
    found = []
    for name in sorted(imported_modules(source, ['rsp', *file.parts[:-1]])):
        head, *target = name.split('.')
        if layer == 'ops' and head in MM_PACKAGES:
            found.append(f'ops may not import {head}')
        if head != 'rsp' or not target:
            continue
        if allowed.isdisjoint({target[0], layer_of(target)}):
            found.append(f'{layer} may not import rsp.{layer_of(target)}')
        if layer == 'models.selfsup' and file.name != '__init__.py':
            sibling = target[:2] == ['models', 'selfsup'] and target[2:3]
            if sibling and sibling != ['student_teacher']:
                found.append(f'a method may not import another method ({name})')
        if layer == 'tasks' and target[0] == 'tasks' and len(own) > 2:
            if target[1:2] not in (own[1:2], ['common']):
                found.append(f'a task may not import another task ({name})')
    return found


@pytest.mark.parametrize('file', LAYERED, ids=str)
def test_a_module_imports_only_what_lies_below_it(file):
    assert violations(file, (PACKAGE / file).read_text(encoding='utf-8')) == []


@pytest.mark.parametrize(
    ('file', 'source', 'expected'),
    [
        ('ops/a.py', 'from mmengine import Config', 'ops may not import mmengine'),
        ('ops/a.py', 'import rsp.models.modules', 'ops may not import rsp.mode'),
        ('engine/hooks/a.py', 'from rsp import prepare', 'engine may not import rsp'),
        ('models/heads/a.py', 'from ..selfsup import x', 'heads may not import rsp'),
        (
            'models/selfsup/a.py',
            'from .gersp import G',
            'may not import another method',
        ),
        (
            'models/modules/a.py',
            'def f():\n    import rsp.geo',
            'may not import rsp.geo',
        ),
        ('tasks/detection/a.py', 'import rsp.tasks.segmentation', 'another task'),
        ('checkpoints/a.py', 'from rsp.engine import runner', 'may not import rsp.eng'),
        ('errors.py', 'from rsp import engine', 'errors may not import rsp.engine'),
    ],
)
def test_the_walk_sees_every_way_to_import_upwards(file, source, expected):
    assert any(expected in found for found in violations(Path(file), source))


def test_every_folder_is_a_layer():
    folders = {p.parent.name for p in PACKAGE.glob('*/__init__.py')}
    assert folders <= ALLOWED.keys()
