"""The wheel stands alone: code, configs and tools, with no checkout beside it."""

import json
import shutil
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
import yaml

from rsp.compat import TESTED
from rsp.version import __version__

# isort: split
from environments import copy_checkout, make_python, run

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope='module')
def checkout(tmp_path_factory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp('checkout'))


@pytest.fixture(scope='module')
def clean_python(tmp_path_factory):
    """Return a function that makes an environment without rsp."""
    return lambda: make_python(tmp_path_factory.mktemp('environment'))


@pytest.fixture(scope='module')
def wheel(checkout, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('wheel')
    options = ('--no-deps', '--no-build-isolation', '--no-index', '-w', folder)
    run(sys.executable, '-m', 'pip', 'wheel', *options, checkout, cwd=folder)
    (built,) = folder.glob('*.whl')
    return built


@pytest.fixture(scope='module')
def installed(wheel, clean_python) -> tuple[Path, Path]:
    """The python of a clean environment with the wheel, and a folder to run it in."""
    python = clean_python()
    pip = (sys.executable, '-m', 'pip', '--python', python)
    options = ('--no-deps', '--no-index')
    run(*pip, 'install', *options, wheel, cwd=wheel.parent)
    return python, wheel.parent


def test_the_wheel_is_pure_and_named_as_promised(wheel):
    assert wheel.name == f'rsp_pretrain-{__version__}-py3-none-any.whl'


def test_the_wheel_carries_no_bytecode(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if '__pycache__' in name] == []


def test_building_a_wheel_leaves_the_sources_alone(wheel, checkout):
    assert not (checkout / 'rsp/.mim').exists()


def test_an_installed_wheel_has_configs_and_tools_and_registers_its_parts(installed):
    python, elsewhere = installed
    code = """
import json, pathlib
import rsp
from importlib.metadata import metadata
from mmengine.config import Config
from mmpretrain.registry import MODELS
from rsp.models.selfsup import GeRSP
mim = pathlib.Path(rsp.__file__).parent / '.mim'
config = Config.fromfile(mim / 'configs/gersp/r50.py')
print(json.dumps(dict(
    file=rsp.__file__,
    version=rsp.__version__, meta=metadata('rsp-pretrain')['Version'],
    model=config.model.type, known=MODELS.get(config.model.type) is GeRSP,
    shipped=sorted(p.relative_to(mim).as_posix() for p in mim.rglob('*.*')),
    links=any(p.is_symlink() for p in mim.rglob('*')))))
"""
    said = json.loads(run(python, '-c', code, cwd=elsewhere).splitlines()[-1])

    assert Path(said['file']).is_relative_to(python.parents[1])
    assert said['version'] == said['meta'] == __version__
    assert said['model'] == 'rsp.GeRSP'
    assert said['known']
    assert not said['links']
    kept = ('*.py', '*.sh', '*.yml', '*.txt')
    here = {
        path.relative_to(ROOT).as_posix()
        for folder in ('configs', 'tools')
        for pattern in kept
        for path in (ROOT / folder).rglob(pattern)
    } | {'model-index.yml'}
    assert here <= set(said['shipped'])


def test_an_installed_wheel_has_the_command_types_and_templates(installed, wheel):
    python, elsewhere = installed
    command = shutil.which('rsp', path=python.parent)
    assert 'usage: rsp train' in run(command, 'train', '--help', cwd=elsewhere)
    with zipfile.ZipFile(wheel) as archive:
        shipped = {
            'rsp/py.typed',
            'rsp/engine/report/report.html.j2',
            'rsp/evaluation/analysis/embedding.html.j2',
            'rsp/evaluation/analysis/retrieval/similarity.html.j2',
            'rsp/prepare/report/report.html.j2',
            'rsp/prepare/label/report.md.j2',
        }
        assert shipped <= set(archive.namelist())


def test_the_shipped_train_script_runs_from_there(installed):
    python, elsewhere = installed
    (tool,) = python.parents[1].rglob('.mim/tools/train.py')
    assert '--auto-scale-lr' in run(python, tool, '--help', cwd=elsewhere)


def test_an_editable_install_links_configs_and_tools(checkout, clean_python):
    python = clean_python()
    pip = (sys.executable, '-m', 'pip', '--python', python)
    options = ('--no-deps', '--no-build-isolation', '--no-index')
    try:
        run(*pip, 'install', *options, '-e', checkout, cwd=python.parent)
        for name in ('configs', 'tools', 'model-index.yml'):
            link = checkout / 'rsp/.mim' / name
            assert link.is_symlink()
            assert link.resolve() == (checkout / name).resolve()
    finally:
        shutil.rmtree(checkout / 'rsp/.mim', ignore_errors=True)


def test_no_mm_package_is_a_hard_requirement(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith('.dist-info/METADATA'))
        metadata = message_from_bytes(archive.read(name))
    required = metadata.get_all('Requires-Dist')
    hard = [line for line in required if 'extra ==' not in line]

    assert sorted(hard) == [
        'jinja2',
        'lmdb',
        'matplotlib',
        'numpy',
        'pillow',
        'rich',
        'safetensors',
        'scipy',
        'simplejpeg',
        'torch',
    ]
    assert {'core', 'full', 'mim', 'geo', 'tests'} <= set(
        metadata.get_all('Provides-Extra')
    )
    assert any(
        line.startswith('onedl-mmdetection') and 'extra == "full"' in line
        for line in required
    )
    assert any(
        line.startswith('mmpretrain') and 'extra == "mim"' in line for line in required
    )


def test_the_core_extra_installs_what_pre_training_of_geotiffs_imports(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith('.dist-info/METADATA'))
        metadata = message_from_bytes(archive.read(name))
    core = [
        line.partition(';')[0].strip()
        for line in metadata.get_all('Requires-Dist')
        if 'extra == "core"' in line
    ]
    geo = (ROOT / 'requirements/geo.txt').read_text().splitlines()
    wanted = {line.partition(';')[0].strip() for line in geo if line[0] != '#'}
    assert wanted <= {*core}
    assert any(line.startswith('onedl-mmpretrain') for line in core)


def test_ci_runs_the_oldest_and_newest_python_and_other_systems():
    jobs = yaml.safe_load((ROOT / '.github/workflows/ci.yml').read_text())['jobs']
    assert jobs['core']['strategy']['matrix']['python'] == ['3.10', '3.13']
    assert "python_requires='>=3.10,<3.14'" in (ROOT / 'setup.py').read_text()
    systems = jobs['pure']['strategy']['matrix']['os']
    assert systems == ['macos-latest', 'windows-latest']
    steps = [step.get('run', '') for job in jobs.values() for step in job['steps']]
    files = [w for step in steps for w in step.split() if w.startswith('tests/')]
    assert all((ROOT / file).exists() for file in files)
    assert {'tests/ops', 'tests/io', 'tests/test_imports.py'} <= {*files}


def test_ci_compares_golden_numbers_on_every_supported_torch():
    jobs = yaml.safe_load((ROOT / '.github/workflows/ci.yml').read_text())['jobs']
    builds = jobs['golden']['strategy']['matrix']['include']
    _, first, past = TESTED['torch']
    major, minor = map(int, first.split('.'))
    supported = [f'{major}.{n}' for n in range(minor, int(past.split('.')[1]))]
    assert [build['torch'] for build in builds] == supported
    for build in builds:
        # Releases of the two come in pairs.
        vision = int(build['torch'].split('.')[1]) + 15
        assert build['others'].startswith(f'torchvision~=0.{vision}.0')


def test_every_pinned_package_has_a_permissive_license():
    listed = run(sys.executable, ROOT / 'tools/environment/licenses.py', cwd=ROOT)
    assert 'torch ' in listed


def test_pins_are_looked_up_for_known_vulnerabilities():
    text = (ROOT / '.github/workflows/audit.yml').read_text(encoding='utf-8')
    (job,) = yaml.safe_load(text)['jobs'].values()
    assert 'requirements/constraints.txt' in job['steps'][-1]['run']


def test_the_citation_is_of_this_version_and_of_every_paper():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    assert citation['version'] == __version__
    cited = ' '.join(
        str(paper.get('doi', paper.get('url'))) for paper in citation['references']
    )
    for paper in ('10.1109/TGRS.2024.3354031', '2304.09670', '2107.05276'):
        assert paper in cited


def test_the_changelog_has_an_entry_of_this_version_below_what_is_to_come():
    text = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
    heads = [line for line in text.splitlines() if line.startswith('## ')]
    assert heads[0] == '## Unreleased'
    # As the release asks for.
    assert heads[1].startswith(f'## {__version__}')


def test_a_release_is_a_tag_of_the_version_and_stores_no_password():
    text = (ROOT / '.github/workflows/release.yml').read_text(encoding='utf-8')
    jobs = yaml.safe_load(text)['jobs']
    assert 'test "$GITHUB_REF_NAME" = "v$version"' in text
    assert jobs['publish']['permissions'] == {'id-token': 'write'}
    assert 'secrets.' not in text
