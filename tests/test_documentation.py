"""The pages build without a warning, their links lead somewhere, examples hold."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('docs/*.md'))]
PAGES += sorted(ROOT.glob('configs/**/*.md')) + sorted(ROOT.glob('projects/**/*.md'))
EXAMPLES = sorted(
    file for file in (ROOT / 'rsp').rglob('*.py') if '>>> ' in file.read_text()
)


def name_of(file):
    return file.relative_to(ROOT).as_posix()


@pytest.mark.slow
def test_the_pages_build_without_a_warning(tmp_path):
    """Links between pages, their anchors, tables of contents, docstrings of parts."""
    pytest.importorskip('sphinx', reason="needs the 'docs' extra")
    words = ['-W', 'ignore', '-m', 'sphinx', '-W', '--keep-going', '-q']
    built = subprocess.run(
        [sys.executable, *words, '-d', tmp_path / 'cache', '-c', ROOT / 'docs', ROOT,
         tmp_path / 'html'],
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    for page in ('docs/index', 'docs/get_started', 'configs/gersp/README'):
        assert (tmp_path / 'html' / f'{page}.html').is_file()
    page = (tmp_path / 'html/docs/api.html').read_text(encoding='utf-8')
    assert 'id="rsp.checkpoints.load_backbone"' in page
    absent = [name for name in registered() if f'.{name}"' not in page]
    assert absent == [], 'docs/public_names.py has no title for the folder of these'


def registered():
    """Return the names of all parts, as the registries learn them."""
    pattern = r'\.register_module\(.*?\)\n(?:@.*\n)*(?:class|def) (\w+)'
    files = (ROOT / 'rsp').rglob('*.py')
    return [name for f in files for name in re.findall(pattern, f.read_text())]


def test_the_front_page_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 150


def anchors(page):
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r'^ *```.*?^ *```', '', page.read_text(), flags=re.M | re.S)
    found: list[str] = []
    for heading in re.findall(r'^#+ (.*)$', text, re.MULTILINE):
        plain = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading).lower()
        slug = re.sub(r'[^\w\- ]', '', plain).strip().replace(' ', '-')
        again = found.count(slug)
        found.append(f'{slug}-{again}' if again else slug)
    return found


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_links_lead_to_a_file_and_a_heading(page):
    links = re.findall(r'\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)', page.read_text())
    broken = []
    for path, anchor in links:
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f'{path}#{anchor}')
    assert broken == []


def test_addresses_are_whole():
    """What linkcheck (`sphinx-build -b linkcheck ...`) asks for is an address."""
    for page in PAGES:
        for address in re.findall(r'\]\((https?:[^)]*)\)', page.read_text()):
            assert re.fullmatch(r'https://[\w.-]+\.\w+(/[^\s]*)?', address), address


@pytest.mark.parametrize('file', EXAMPLES, ids=name_of)
def test_examples_in_docstrings_hold(file):
    place = file.relative_to(ROOT).with_suffix('').as_posix()
    module = importlib.import_module(place.replace('/', '.'))
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def python_blocks():
    for page in PAGES:
        text = page.read_text()
        for n, code in enumerate(re.findall(r'```python\n(.*?)```', text, re.DOTALL)):
            yield pytest.param(code, id=f'{name_of(page)}-{n}')


@pytest.mark.parametrize('code', list(python_blocks()))
def test_python_examples_parse_and_name_what_exists(code):
    lines = code.splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line)
    code = '\n'.join(line[margin:] for line in lines)
    try:
        tree = ast.parse(code)
    except SyntaxError:
        # Arguments of a call, of which the page shows some.
        tree = ast.parse(f'dict(\n{code}\n)')
    names = {n for text in re.findall(r'rsp\.(\w+)\'', code) for n in [text]}
    assert sorted(names - set(registered())) == []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith('rsp'):
            module = importlib.import_module(str(node.module))
            assert [a.name for a in node.names if not hasattr(module, a.name)] == []
