"""List the parts that configs name on the page docs/api.md, an extension of Sphinx.

Names are read from the source. Where PyTorch or an mm-package is missing, the page says
so and leaves out what cannot be imported.
"""

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx

PACKAGE = Path(__file__).parents[1] / 'rsp'
TITLES = {
    'models/selfsup': 'Methods',
    'models/backbones': 'Backbones',
    'models/necks': 'Necks',
    'models/heads': 'Heads',
    'models/losses': 'Losses',
    'models/modules': 'Modules',
    'datasets': 'Data sets, samplers and transforms',
    'evaluation': 'Probes, as loops and models',
    'engine': 'Hooks, schedules, optimizers, runners',
    'tasks/classification': 'Classification',
    'tasks/detection': 'Detection',
    'tasks/oriented_detection': 'Oriented detection',
    'tasks/segmentation': 'Segmentation',
    'tasks/change_detection': 'Change detection',
    'visualization': 'Pictures',
}


def is_registered(node: ast.stmt) -> bool:
    """Return True for a class or function under ``@....register_module()``."""
    decorators = getattr(node, 'decorator_list', [])
    return any('.register_module(' in ast.unparse(d) for d in decorators)


def list_parts(package: Path = PACKAGE) -> Iterator[tuple[str, str, str]]:
    """Yield folder, module and name of each part that a config may name."""
    for file in sorted(package.rglob('*.py')):
        place = file.relative_to(package.parent).with_suffix('').as_posix()
        for node in ast.parse(file.read_text(encoding='utf-8')).body:
            if is_registered(node):
                yield place.removeprefix('rsp/'), place.replace('/', '.'), node.name


def list_functions(package: Path = PACKAGE / 'ops') -> Iterator[str]:
    """Yield the public functions of `rsp.ops` with their modules."""
    for file in sorted(package.glob('*.py')):
        body = ast.parse(file.read_text(encoding='utf-8')).body
        # One of several signatures has one entry.
        names = {node.name: None for node in body if isinstance(node, ast.FunctionDef)}
        for name in names:
            if not name.startswith('_'):
                yield f'rsp.ops.{file.stem}.{name}'


def block(lines: list[str]) -> str:
    """Return directives of reStructuredText as a block of the Markdown page."""
    return '\n'.join(['```{eval-rst}', *lines, '```', ''])


def can_import(folder: str) -> bool:
    """Return True if the packages are there that parts of a folder build on."""
    needed = ['torch', 'mmpretrain']
    if folder.startswith(('tasks/', 'visualization')):
        needed += ['mmdet', 'mmseg', 'mmrotate']
    return all(find_spec(name) for name in needed)


def parts_by_folder() -> str:
    """Return the section on parts: a title and the classes of each folder."""
    parts, text = list(list_parts()), []
    for folder, title in filter(lambda item: can_import(item[0]), TITLES.items()):
        own = [f'.. autoclass:: {m}.{name}' for place, m, name in parts
               if place.startswith(f'{folder}/')]  # fmt: skip
        text += [f'### {title}', '', block(own)]
    return '\n'.join(text)


def fill(app: Sphinx, name: str, source: list[str]) -> None:
    """Put the lists where the page api.md has its two marks."""
    if name != 'docs/api':
        return
    if not can_import('models'):
        text = re.sub(r'```{eval-rst}.*?```', '', source[0], flags=re.DOTALL)
        source[0] = f'{text}\nThis page was built without PyTorch: names are missing.\n'
        return
    functions = [f'.. autofunction:: {name}' for name in list_functions()]
    text = source[0].replace('<!-- functions of rsp.ops -->', block(functions))
    source[0] = text.replace('<!-- parts of configs -->', parts_by_folder())


def setup(app: Sphinx) -> None:
    """Fill the page whenever Sphinx reads it."""
    app.connect('source-read', fill)
