"""Print figures about the structure of the package: sizes, guards, docstrings, reads.

    python tools/structure.py                     this checkout
    python tools/structure.py --root CHECKOUT     another one, e.g. of an earlier commit

Most figures are counted in the source. The last one runs `tools/train.py --pretrained`
on the quick start's config up to its first step and counts how often the file is
opened.
"""

import argparse
import ast
import io
import os
import statistics
import subprocess
import sys
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

QUESTIONS = ('What', 'Which', 'How', 'Whether', 'Where', 'Who', 'When')
CONFIG = 'configs/gersp/r18_quickstart.py'

# Runs `tools/train.py` without its loop; the audit hook sees every way to open a file.
COUNT_READS = """
import os, runpy, sys
from mmengine.runner import EpochBasedTrainLoop

EpochBasedTrainLoop.run = lambda self: None
checkpoint, config, work_dir = sys.argv[1:]
reads = []
sys.addaudithook(
    lambda event, args: event == 'open'
    and isinstance(args[0], (str, os.PathLike))
    and os.path.abspath(args[0]) == checkpoint
    and reads.append(1)
)
sys.argv = ['train.py', config, '--pretrained', checkpoint, '--work-dir', work_dir]
runpy.run_path('tools/train.py', run_name='__main__')
print(len(reads), file=sys.stderr)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--root', type=Path, default=Path(__file__).parents[1])
    root = parser.parse_args().root.resolve()
    package = root / 'rsp'
    sources = {
        file.relative_to(package): file.read_text(encoding='utf-8')
        for file in sorted(package.rglob('*.py'))
        if '.mim' not in file.parts
    }
    for name, value in [
        *count(sources),
        ('reads of the file in train.py --pretrained', reads(root)),
    ]:
        print(f'{name:<62} {value}')


def count(sources: dict[Path, str]) -> Iterator[tuple[str, str]]:
    """Yield the figures that stand in the source, each with its name."""
    trees = {file: ast.parse(text) for file, text in sources.items()}
    lines = sum(text.count('\n') for text in sources.values())
    loose = [file for file in sources if len(file.parts) == 1]
    folders = {file.parts[0] for file in sources if len(file.parts) > 1}
    modules = Counter(file.parent for file in sources if file.name != '__init__.py')
    large = sorted(str(folder) for folder, n in modules.items() if n > 12)
    functions = [
        node.end_lineno - node.lineno + 1
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    docstrings = [
        text
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and (text := ast.get_docstring(node))
    ]
    questions = sum(text.startswith(QUESTIONS) for text in docstrings)
    comments = sum(map(comment_lines, sources.values()))
    guards = sum(sum(refusing_lines(tree)) for tree in trees.values())
    raises = sum(
        isinstance(node, ast.Raise) and node.exc is not None
        for tree in trees.values()
        for node in ast.walk(tree)
    )
    arguments, owner = max(
        (len(node.args.args) + len(node.args.kwonlyargs) - 1, owner.name)
        for tree in trees.values()
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, ast.FunctionDef) and node.name == '__init__'
    )
    yield 'loose .py files at the top / folders', f'{len(loose)} / {len(folders)}'
    yield 'folders with more than 12 modules', f'{len(large)} {", ".join(large)}'
    yield 'files, lines', f'{len(sources)}, {lines}'
    p95 = statistics.quantiles(functions, n=20)[-1]
    median = statistics.median(functions)
    yield 'lines of a function: median, 95 %', f'{median:g}, {p95:g}'
    yield 'raise statements', str(raises)
    yield 'lines that only refuse', f'{guards / lines:.1%}'
    yield (
        'docstrings that open with a question word',
        f'{questions / len(docstrings):.1%}',
    )
    yield 'comments per line', f'{comments / lines:.1%}'
    yield 'most arguments of one constructor', f'{arguments} ({owner})'
    yield (
        'files of checkpoints/ that name VGG',
        str(naming(sources, 'checkpoints', 'vgg')),
    )
    yield 'files beyond its own that name GeoKR', str(naming(sources, '', 'geokr'))


def refusing_lines(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of each `raise`, and of a guard that holds nothing else."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and not node.orelse:
            if len(node.body) == 1 and isinstance(node.body[0], ast.Raise):
                yield node.body[0].lineno - node.lineno
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield node.end_lineno - node.lineno + 1


def comment_lines(text: str) -> int:
    """Count lines that hold a comment."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type == tokenize.COMMENT for token in tokens)


def naming(sources: dict[Path, str], folder: str, word: str) -> int:
    """Count files of a folder, but those of that name, whose code holds a word."""
    return sum(
        word in code(text).lower()
        for file, text in sources.items()
        if str(file).startswith(folder) and word not in str(file)
    )


def code(text: str) -> str:
    """Return a source without comments and docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if (
            ast.get_docstring(node)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            else None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def reads(root: Path) -> str:
    """Count how often training opens the checkpoint that it starts with."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, 'resnet18.pth')
        environment = os.environ | dict(PYTHONPATH=str(root))
        make = (
            'import sys, rsp, torch, torchvision;'
            'torch.save(torchvision.models.resnet18().state_dict(), sys.argv[1])'
        )
        python = [sys.executable, '-c']
        options = dict(cwd=root, env=environment, capture_output=True, text=True)
        subprocess.run([*python, make, checkpoint], check=True, **options)
        run = subprocess.run(
            [*python, COUNT_READS, checkpoint, CONFIG, folder], **options
        )
        return run.stderr.splitlines()[-1] if run.returncode == 0 else 'failed'


if __name__ == '__main__':
    main()
