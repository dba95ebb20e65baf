"""The `rsp` command: every help stands alone and shows a line that works."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rsp.cli import COMMANDS, Group, main

ROOT = Path(__file__).parents[1]


def commands(tree, words=()):
    """Yield the words of every command that runs something."""
    for name, inner in tree.items():
        if isinstance(inner, Group | dict):
            inner = inner.load() if isinstance(inner, Group) else inner
            yield from commands(inner, [*words, name])
        else:
            yield ' '.join([*words, name])


@pytest.mark.parametrize('command', list(commands(COMMANDS)))
def test_help_shows_a_command_line(command, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(argv=[*command.split(), '--help'])
    assert leaving.value.code == 0
    # Once in the usage, once in an example.
    assert capsys.readouterr().out.count(f'rsp {command} ') >= 2


def test_the_scripts_run_the_commands_of_their_docstrings():
    # Others measure, check or build this project itself.
    others = {'benchmarks', 'environment', 'check_env.py', 'structure.py'}
    others |= {'quickstart.py', 'make_quickstart_data.py', 'soak.py'}
    # Starts processes in the place of torchrun, before anything is imported.
    others |= {'run_processes.py'}
    files = [f for f in (ROOT / 'tools').rglob('*.py') if not others & {*f.parts}]
    assert files
    for file in files:
        text = file.read_text(encoding='utf-8')
        assert 'ArgumentParser' not in text
        prog = f'python {file.relative_to(ROOT).as_posix()}'
        command = text.split("main('")[1].split("'")[0]
        assert f"main('{command}', prog='{prog}')" in text
        assert f'{prog} ' in text
        assert any(f'{c} '.startswith(f'{command} ') for c in commands(COMMANDS))


@pytest.mark.parametrize('words', [[], ['prepare'], ['checkpoint']])
def test_help_lists_the_commands(words, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(argv=[*words, '--help'])
    assert leaving.value.code == 0
    said = capsys.readouterr().out
    tree = COMMANDS[words[0]].load() if words else COMMANDS
    assert all(f'\n    {name}' in said for name in tree)


@pytest.mark.parametrize('argv', [[], ['prepare'], ['trian', 'config.py']])
def test_what_is_no_command_ends_with_the_usage(argv, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(argv=argv)
    assert leaving.value.code == 2
    assert capsys.readouterr().err.startswith('usage: rsp')


def test_a_word_that_is_no_option_ends_with_the_usage(capsys):
    with pytest.raises(SystemExit) as leaving:
        main('train', argv=['a.py', '--cfg-options', 'a=1', 'model.depth'])
    assert leaving.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith('usage: rsp')
    assert "expected KEY=VALUE, got 'model.depth'; write no spaces in it" in said


def test_an_unknown_config_ends_in_one_line():
    with pytest.raises(SystemExit, match=r"^error: no config 'gersp/r5.py'; nearest"):
        main('train', argv=['gersp/r5.py'])


PARSERS = [
    'cli.py',
    'checkpoints/cli.py',
    'io/configs.py',
    'evaluation/analysis/arguments.py',
    'evaluation/analysis/cli.py',
    'evaluation/analysis/patches/cli.py',
    'evaluation/analysis/retrieval/cli.py',
    'evaluation/analysis/trainings/cli.py',
    'prepare/arguments.py',
    'prepare/cli.py',
    'prepare/convert/cli.py',
    'prepare/leaks/cli.py',
    'prepare/pack/cli.py',
    'prepare/transfer/cli.py',
]


def module_name(file):
    return 'rsp.' + file.removesuffix('.py').replace('/', '.')


@pytest.mark.parametrize('file', PARSERS)
def test_parsers_import_nothing_before_a_command_runs(file):
    """Of the modules behind every `--help`: the standard library and each other."""
    tree = ast.parse((ROOT / 'rsp' / file).read_text(encoding='utf-8'))
    imported = {
        name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    light = {'rsp.errors', *map(module_name, PARSERS)}
    others = {n for n in imported if n.split('.')[0] not in sys.stdlib_module_names}
    assert others <= light


def test_no_library_is_behind_any_help():
    # One process for all: what one of them imports, the others could not hide.
    code = """
import sys
from rsp.cli import main
for command in sys.argv[1:]:
    try:
        main(argv=[*command.split(), '--help'])
    except SystemExit:
        pass
print(*sorted({name.partition('.')[0] for name in sys.modules}))
"""
    words = ['', 'prepare', 'checkpoint', *commands(COMMANDS)]
    done = subprocess.run(
        [sys.executable, '-c', code, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.splitlines()[-1].split())
    assert 'argparse' in modules
    heavy = ('torch', 'mm', 'numpy', 'rasterio', 'rich', 'matplotlib')
    assert {m for m in modules if m.startswith(heavy)} <= {'mmap'}


@pytest.mark.parametrize('own', [None, 'ACTIVE'])
def test_threads_wait_without_spinning_unless_asked_to(own, monkeypatch):
    monkeypatch.setattr(os, 'environ', dict(os.environ))
    os.environ.pop('OMP_WAIT_POLICY', None)
    if own:
        os.environ['OMP_WAIT_POLICY'] = own
    with pytest.raises(SystemExit):
        main(argv=['train', '--help'])
    assert os.environ['OMP_WAIT_POLICY'] == (own or 'PASSIVE')
