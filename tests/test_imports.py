"""Imports go down: the folders of rsp are its layer diagram (see CONTRIBUTING.md)."""

import ast
import graphlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
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
    'evaluation.analysis': {
        'checkpoints',
        'datasets',
        'engine',
        'evaluation',
        'geo',
        'models',
        'ops',
        'visualization',
    },
    'cli': {'checkpoints', 'engine', 'evaluation.analysis', 'prepare'},
}
# Small and below everything: they import nothing but each other.
OPEN_TO_ALL = {'registry', 'errors', 'version', 'compat', 'io'}
MM_PACKAGES = {'mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmseg', 'mmrotate'}

FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob('*.py'))
# `__init__` of the package brings the parts together.
LAYERED = [file for file in FILES if file.parts != ('__init__.py',)]


def imported_modules(
    source: str, package: list[str], walk: Callable = ast.walk
) -> set[str]:
    """Return the dotted names a module imports, relative ones resolved."""
    found = set()
    for node in walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = '.'.join([*above, *([node.module] if node.module else [])])
            # `from rsp import ops` and `from rsp.ops import f` both name rsp.ops.
            found |= {f'{base}.{alias.name}' for alias in node.names}
    return found


def walk_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when a module is imported: all but functions' bodies."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test):
            continue
        yield node
        yield from walk_at_import(node)


def import_graph(sources: Mapping[Path, str]) -> dict[str, set[str]]:
    """Map each module to those of the package that it imports when imported."""
    names = {file: '.'.join(['rsp', *file.with_suffix('').parts]) for file in sources}
    names = {f: name.removesuffix('.__init__') for f, name in names.items()}
    graph: dict[str, set[str]] = {name: set() for name in names.values()}
    for file, source in sources.items():
        package = ['rsp', *file.parts[:-1]]
        for name in imported_modules(source, package, walk_at_import):
            # The last word may be a name in a module instead of a module.
            module = name if name in graph else name.rpartition('.')[0]
            if module in graph and module != names[file]:
                graph[names[file]].add(module)
    return graph


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


def test_only_the_command_line_imports_what_prepares():
    assert [layer for layer, below in ALLOWED.items() if 'prepare' in below] == ['cli']


def test_the_layers_have_an_order():
    graphlib.TopologicalSorter(ALLOWED).prepare()


def test_no_modules_import_each_other_in_a_circle():
    sources = {file: (PACKAGE / file).read_text(encoding='utf-8') for file in FILES}
    graphlib.TopologicalSorter(import_graph(sources)).prepare()


@pytest.mark.parametrize(
    ('second', 'circular'),
    [
        ('from rsp.a import x', True),
        ('class B:\n    from . import a', True),
        ('if True:\n    from rsp import a', True),
        ('def f():\n    from rsp.a import x', False),
        ('if TYPE_CHECKING:\n    from rsp.a import x', False),
        ('import rsp.c', False),
    ],
)
def test_a_circle_is_seen_where_it_runs_at_import(second, circular):
    sources = {'a.py': 'from rsp import b', 'b.py': second, 'c.py': ''}
    graph = import_graph({Path(file): source for file, source in sources.items()})
    assert ('rsp.a' in graph['rsp.b']) is circular
    with pytest.raises(graphlib.CycleError) if circular else nullcontext():
        graphlib.TopologicalSorter(graph).prepare()


def test_contributing_shows_these_layers():
    text = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    block = text.split('```text\n')[1].split('```')[0]
    # A row goes on in the next line.
    rows = block.replace(',\n', ',').splitlines()
    shown = {}
    for layer, _, below in (row.partition(' --> ') for row in rows):
        names = below.partition(',')[0] != 'nothing' and below.split(',')
        shown[layer.strip()] = {name.strip() for name in names or ()}
    assert shown == ALLOWED


def test_the_map_shows_every_folder():
    text = (ROOT / 'docs/extending.md').read_text(encoding='utf-8')
    block = text.split('## Where things are')[1].split('```')[1]
    entries = dict(
        entry.split(maxsplit=1) for entry in f'\n{block}'.split('\nrsp/')[1:]
    )
    for file in PACKAGE.rglob('__init__.py'):
        folder, *inner = file.relative_to(PACKAGE).parts[:-1] or ['cli.py']
        assert folder in entries, f'the map of docs/extending.md lacks rsp/{folder}'
        for name in inner:
            place = f'rsp/{folder}/{name}'
            assert name in entries[folder], (
                f'the map of docs/extending.md lacks {place}'
            )
