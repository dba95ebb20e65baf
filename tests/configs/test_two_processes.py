"""Experiments of CMID and GeoKR train on two CPU processes, by dist_train.sh."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rsp.io.configs import config_folder

LOSSES = dict(
    cmid=('loss_spatial', 'loss_frequency', 'loss_global', 'loss_local'),
    geokr=('loss_land_cover', 'loss_consistency'),
)
EXPERIMENTS = [
    file for name in LOSSES for file in sorted(config_folder().glob(f'{name}/{name}_*'))
]
SCRIPT = config_folder().parent / 'tools/dist_train.sh'


@pytest.mark.slow
@pytest.mark.dist
@pytest.mark.parametrize('recipe', EXPERIMENTS, ids=lambda f: f.stem)
def test_two_steps_of_a_small_version(recipe, load, shrink, redirect, tmp_path):
    cfg = load(recipe)
    shrink(cfg)
    redirect(cfg)
    # Two images per process and step, two steps.
    cfg.train_dataloader.update(batch_size=2, num_workers=0)
    cfg.dump(tmp_path / 'small.py')
    launched = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')
    environment = {k: v for k, v in os.environ.items() if k not in launched}
    run = subprocess.run(
        ['bash', str(SCRIPT), 'small.py', '2'],
        cwd=tmp_path,
        env=environment | dict(PYTHON=sys.executable, OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert '2 processes' in run.stdout
    (log,) = Path(tmp_path, 'run').glob('*/vis_data/scalars.json')
    lines = map(json.loads, log.read_text().splitlines())
    first = next(line for line in lines if 'loss' in line)
    names = LOSSES[recipe.parent.name]
    assert first['loss'] == pytest.approx(sum(first[n] for n in names), rel=1e-3)
