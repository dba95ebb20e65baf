"""The commands of docs/pixels.md lead from 13-band files to scores."""

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

from rsp import checkpoints
from rsp.io.configs import config_folder
from rsp.tasks.classification.benchmarks import SCENE_SETS

pytest.importorskip('rasterio', reason="needs the 'geo' extra")
import scenes

ROOT = config_folder().parent


def eurosat(folder, images=15):
    """Write class folders of 13-band images of 64 pixels, as the archive has them."""
    for number, name in enumerate(SCENE_SETS['eurosat'].classes):
        for n in range(1, images + 1):
            grid = scenes.utm_grid(64, 64, 700 * n, -3000 * number)
            pixels = scenes.reflectance(grid, 13).astype(float)
            # A class brightens a band of its own, so that there is something to tell.
            pixels[number] *= 3
            layout = dict(tiled=False, blockxsize=None, blockysize=None, compress=None)
            file = folder / name / f'{name}_{n}.tif'
            scenes.write(file, pixels.astype(np.uint16), grid, **layout)


@pytest.mark.slow
def test_13_band_eurosat_goes_from_files_to_scores(tmp_path):
    page = (ROOT / 'docs/pixels.md').read_text()
    section = page[page.index('### 13-band EuroSAT') :]
    (commands,) = re.findall(r'```bash\n(.*?)```', section, re.DOTALL)
    (probe,) = re.findall(r'```python\n(.*?)```', section, re.DOTALL)
    eurosat(tmp_path / 'data/eurosat_ms')
    probe = probe.replace("'configs/", f"'{ROOT}/configs/")
    (tmp_path / 'my_probe.py').write_text(probe)

    environment = os.environ | dict(
        PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''
    )
    told = ''
    for line in commands.splitlines():
        _, script, *words = shlex.split(line)
        if script.endswith('train.py'):
            # One epoch in the place of ten, and its file under the other's name.
            words += ['--cfg-options', 'train_cfg.max_epochs=1', 'param_scheduler=[]']
        words = [word.replace('epoch_10.pth', 'epoch_1.pth') for word in words]
        run = subprocess.run(
            [sys.executable, str(ROOT / script), *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr[-3000:]
        told = run.stdout + run.stderr
    scores = dict(re.findall(r'(knn|linear)/top1: ([\d.]+)', told))
    assert set(scores) == {'knn', 'linear'}
    assert min(map(float, scores.values())) > 40  # chance: 10

    card = checkpoints.Checkpoint.load(tmp_path / 'eurosat_moco.pth').card
    assert len(card['normalization']['mean']) == 13
