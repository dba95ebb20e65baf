"""Imports go down: the folder list of rsp is its layer diagram (house rules)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'rsp'

# Folder -> the folders of rsp it may import besides itself. `registry`, `platform`,
# `versions`, `wording`, `folders` and `text_lines` are open to all; what is not listed
# here has to be added with thought.
ALLOWED = {
    'ops': set(),
    'losses': {'ops'},
    'modules': {'ops'},
    'backbones': {'modules', 'ops'},
    'necks': {'modules', 'ops'},
    'heads': {'losses', 'modules', 'ops'},
    'geo': {'ops'},
    'transforms': {'geo', 'ops'},
    'datasets': {'geo', 'transforms', 'ops'},
    # Pure functions and plain questions about a config; objects by attribute path.
    'hooks': {'ops', 'recipe'},
    'methods': {'backbones', 'necks', 'heads', 'losses', 'modules', 'ops'},
}
OPEN_TO_ALL = {
    'registry',
    'platform',
    'versions',
    'wording',
    'folders',
    'text_lines',
}
MM_PACKAGES = {'mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmseg', 'mmrotate'}

FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob('*.py'))


def imported_modules(source: str, package: list[str]) -> set[str]:
    """Dotted names a module imports, relative ones and `from rsp import x` resolved."""
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


def violations(file: Path, source: str) -> list[str]:
    """What a module of rsp imports that its layer may not, as sentences."""
    layer = file.parts[0]
    if layer not in ALLOWED:
        return []
    package = ['rsp', *file.parts[:-1]]
    found = []
    for name in sorted(imported_modules(source, package)):
        head, *rest = name.split('.')
        target = rest[0] if rest else ''
        if head == 'rsp' and target not in ALLOWED[layer] | OPEN_TO_ALL | {layer}:
            found.append(f'{layer} may not import rsp.{target}')
        if layer == 'ops' and head in MM_PACKAGES:
            found.append(f'ops may not import {head}')
        if layer == 'methods' and target == layer and file.name != '__init__.py':
            found.append(f'a method may not import another method ({name})')
    return found


@pytest.mark.parametrize('file', FILES, ids=str)
def test_a_module_imports_only_what_lies_below_it(file):
    assert violations(file, (PACKAGE / file).read_text(encoding='utf-8')) == []


@pytest.mark.parametrize(
    ('file', 'source', 'expected'),
    [
        ('ops/a.py', 'from mmengine import Config', 'ops may not import mmengine'),
        ('ops/a.py', 'import rsp.modules.queue', 'ops may not import rsp.modules'),
        ('hooks/a.py', 'from rsp import methods', 'hooks may not import rsp.methods'),
        ('heads/a.py', 'from ..methods import x', 'heads may not import rsp.methods'),
        ('methods/a.py', 'from .gersp import GeRSP', 'may not import another method'),
        ('modules/a.py', 'def f():\n    import rsp.necks', 'may not import rsp.necks'),
    ],
)
def test_the_walk_sees_every_way_to_import_upwards(file, source, expected):
    assert any(expected in found for found in violations(Path(file), source))


@pytest.mark.parametrize(
    'layer', sorted(p.parent.name for p in PACKAGE.glob('*/__init__.py'))
)
def test_every_layer_is_known_here_or_stands_on_top(layer):
    on_top = {'analysis', 'checkpoints', 'downstream', 'geo', 'optim', 'preparation'}
    assert layer in ALLOWED.keys() | on_top, (
        f'rsp/{layer} is new: say in ALLOWED what it may import'
    )
