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


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec('mim') is None, reason='openmim is not installed'
)
@pytest.mark.parametrize('by', ['name', 'path'])
def test_mim_itself_trains(installed, by, tmp_path):
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
    several = call([*command[:5], 'r50.py', '--gpus', '0'], tmp_path)
    assert 'multiple config files with same name' in several.stderr
    name = ['--config', Path(CONFIG).stem]
    weights = call(
        [*mim, 'download', 'rsp-pretrain', *name, '--dest', tmp_path],
        tmp_path,
    )
    assert weights.stderr.splitlines()[-1] == "KeyError: 'weight'"
