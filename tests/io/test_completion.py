"""Completion in shells: what the tab key offers is what the command takes."""

import shutil
import subprocess

import pytest

from rsp.cli import main

pytest.importorskip('shtab')

ASK = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_shtab_rsp rsp "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope='module')
def write_script(tmp_path_factory):
    """Return a function that writes the script of a shell."""

    def write(shell):
        file = tmp_path_factory.mktemp('completion') / f'rsp.{shell}'
        with file.open('w') as out, pytest.MonkeyPatch.context() as patch:
            patch.setattr('sys.stdout', out)
            main(argv=['completion', shell])
        return file

    return write


@pytest.fixture(scope='module')
def complete(write_script):
    """Return a function that tells what bash offers behind some words."""
    if shutil.which('bash') is None:
        pytest.skip('no bash')
    script = write_script('bash')

    def complete(words, folder=None):
        command = ['bash', '-c', ASK.format(script=script, words=words)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        assert done.stderr == ''
        return {*done.stdout.split()}

    return complete


@pytest.mark.parametrize(
    ('words', 'offered'),
    [
        ('rsp pre', {'pretrain', 'prepare'}),
        ('rsp checkpoint ver', {'verify'}),
        ('rsp prepare convert lov', {'loveda'}),
        ('rsp train --auto', {'--auto-scale-lr', '--auto-scale-schedule'}),
        ('rsp pretrain --method g', {'gersp', 'geokr'}),
    ],
)
def test_commands_options_and_choices(complete, words, offered):
    assert complete(words) == offered


def test_configs_of_the_package_and_files(complete, tmp_path):
    assert 'gersp/r50.py' in complete('rsp train gersp/r50', tmp_path)
    (tmp_path / 'own.py').touch()
    assert complete('rsp train ow', tmp_path) == {'own.py'}
    assert complete('rsp checkpoint inspect ow', tmp_path) == {'own.py'}
    assert complete('rsp train a.py --pretrained ow', tmp_path) == {'own.py'}


@pytest.mark.parametrize('shell', ['zsh', 'fish'])
def test_other_shells_can_read_theirs(write_script, shell):
    script = write_script(shell)
    assert 'gersp/r50.py' in script.read_text()
    if shutil.which(shell) is None:
        pytest.skip(f'no {shell}')
    subprocess.run([shell, '-n', str(script)], check=True)
