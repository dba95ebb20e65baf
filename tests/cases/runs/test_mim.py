"""Find configs and tools as OpenMMLab's mim does, and run them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from environments import copy_checkout, make_python, run
from small_runs import write_data

CONFIG = 'supervised_resnet50_8xb32-steplr-100e_in1k.py'
# Where mim 0.3.9 looks: in the folder of the package that the metadata names, wherever
# links lead, for a file of that name.
LOOK = """
import importlib.metadata as m, json, os, sys
d = m.distribution('rsp-pretrain')
place = d._path.parent
root = place / 'rsp-pretrain'
if not root.exists():
    root = place / d.read_text('top_level.txt').split('\\n')[0]
found = [os.path.join(f, sys.argv[1])
         for f, _, names in os.walk(root, followlinks=True) if sys.argv[1] in names]
print(json.dumps(dict(tool=str(root / '.mim/tools/train.py'), found=found)))
"""


@pytest.fixture(
    scope='module',
    params=[pytest.param('wheel', marks=pytest.mark.slow), 'editable'],
)
def installed(request, tmp_path_factory):
    """A python with rsp."""
    checkout = copy_checkout(tmp_path_factory.mktemp('checkout'))
    lent = importlib.util.find_spec('mim')
    more = [] if lent is None else [str(Path(lent.origin).parents[1])]
    python = make_python(tmp_path_factory.mktemp('environment'), *more)
    pip = (sys.executable, '-m', 'pip', '--python', python, 'install', '--no-index')
    editable = ['-e'] if request.param == 'editable' else []
    options = ('--no-deps', '--no-build-isolation', *editable, checkout)
    run(*pip, *options, cwd=python.parent)
    if editable:  # as README says, and setup_env.sh does
        code = 'import sysconfig as s; print(s.get_path("purelib"))'
        packages = Path(run(python, '-c', code, cwd=python.parent).strip())
        (packages / 'rsp-pretrain').symlink_to(checkout / 'rsp')
    return python


def small_options(root: Path) -> list[str]:
    data = 'train_dataloader.dataset.data_root'
    return [
        *('--no-validate', '--work-dir', str(root / 'run'), '--cfg-options'),
        *(f'{data}={root}', 'train_dataloader.dataset.data_prefix=photos'),
        *('train_dataloader.batch_size=8', 'train_dataloader.num_workers=0'),
        *('model.backbone.depth=18', 'model.backbone.base_channels=16'),
        *('model.backbone.stem_channels=16', 'model.head.in_channels=128'),
        *('model.head.num_classes=2', 'train_cfg.max_epochs=1'),
        'train_dataloader.dataset.indices=16',
    ]


def call(command, folder):
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'},
        capture_output=True,
        text=True,
    )


def test_17_mim_by_name(installed, tmp_path):
    """A name of a config leads to one file, from any folder, and mim's tool runs it."""
    write_data(tmp_path)
    done = call([installed, '-c', LOOK, CONFIG], tmp_path)
    assert done.returncode == 0, done.stderr
    where = json.loads(done.stdout)
    (config,) = where['found']

    command = [installed, where['tool'], os.path.realpath(config), '--launcher', 'none']
    done = call([*command, *small_options(tmp_path)], tmp_path)

    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / 'run/epoch_1.pth').is_file()


ALL = """
import importlib.metadata as m, json, os, yaml
d = m.distribution('rsp-pretrain')
root = d._path.parent / 'rsp-pretrain'
if not root.exists():
    root = d._path.parent / d.read_text('top_level.txt').split('\\n')[0]
mim = root / '.mim'
places = {}
for folder, _, names in os.walk(root, followlinks=True):
    for name in names:
        places.setdefault(name, []).append(os.path.join(folder, name))
index = yaml.safe_load((mim / 'model-index.yml').read_text())['Import']
models = [
    one for f in index for one in yaml.safe_load((mim / f).read_text())['Models']]
print(json.dumps([
    (one['Name'], one['Config'], [os.path.relpath(p, mim) for p in places[
        os.path.basename(one['Config'])]]) for one in models]))
"""


def test_every_name_that_mim_lists_leads_to_one_config(installed, tmp_path):
    """`mim search` prints names; `mim train` looks for the file of that name."""
    done = call([installed, '-c', ALL], tmp_path)
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)
    assert len({name for name, *_ in models}) == len(models) > 30
    for name, config, found in models:
        assert found == [config]
        assert Path(config).stem == name


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec('mim') is None, reason='openmim is not installed'
)
@pytest.mark.parametrize('by', ['name', 'path'])
def test_mim_itself_trains_tests_and_searches(installed, by, tmp_path):
    """As README says, mim's own errors included."""
    write_data(tmp_path)
    config = CONFIG
    if by == 'path':
        config = Path(config).stem[:10] + '.py'
        code = f'from rsp.io.configs import find_config; print(find_config({CONFIG!r}))'
        code = code.replace("('", "('supervised/")
        found = run(installed, '-c', code, cwd=tmp_path).strip()
        (tmp_path / config).write_text(f'_base_ = {found!r}\n')
    mim = [installed, '-m', 'mim']
    command = [*mim, 'train', 'rsp-pretrain', config, '--gpus', '0']

    done = call([*command, *small_options(tmp_path)], tmp_path)

    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / 'run/epoch_1.pth').is_file()
    test = [*mim, 'test', 'rsp-pretrain', config, '--checkpoint', 'run/epoch_1.pth']
    photos = 'test_dataloader.dataset.data_root'
    options = [
        *(f'{photos}={tmp_path}', 'test_dataloader.dataset.data_prefix=photos'),
        *('test_dataloader.num_workers=0', 'test_evaluator.topk=1'),
        *(word for word in small_options(tmp_path) if word.startswith('model.')),
    ]
    test += ['--work-dir', 'tested', '--cfg-options', *options]
    done = call(test, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'accuracy/top1' in done.stdout
    field = ['--field', 'epochs', 'config']
    found = call([*mim, 'search', 'rsp-pretrain', '--model', 'gersp', *field], tmp_path)
    assert 'gersp_resnet50_8xb32-coslr-restart-200e_maid-in1k' in found.stdout
    several = call([*command[:5], 'r50.py', '--gpus', '0'], tmp_path)
    assert 'multiple config files with same name' in several.stderr
    name = ['--config', Path(CONFIG).stem]
    weights = call(
        [*mim, 'download', 'rsp-pretrain', *name, '--dest', tmp_path],
        tmp_path,
    )
    assert weights.stderr.splitlines()[-1] == "KeyError: 'weight'"
