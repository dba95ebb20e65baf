"""The commands of README and docs/pixels.md lead from 13-band files to scores."""

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


def run(folder, line, *more):
    """Run a command of a page, without GPU; return what it says."""
    _, script, *words = shlex.split(line)
    environment = os.environ | dict(
        PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *words, *more],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def lines_of(commands):
    """Return the commands of a block, without comments and in a line each."""
    lines = commands.replace('\\\n', ' ').splitlines()
    return [line for line in lines if not line.startswith('#')]


def scores_of(told):
    scores = dict(re.findall(r'(knn|linear)/top1: ([\d.]+)', told))
    assert set(scores) == {'knn', 'linear'}
    return [float(score) for score in scores.values()]


@pytest.mark.slow
def test_13_band_eurosat_goes_from_files_to_scores(tmp_path):
    page = (ROOT / 'docs/pixels.md').read_text()
    section = page[page.index('### 13-band EuroSAT') :]
    (commands,) = re.findall(r'```bash\n(.*?)```', section, re.DOTALL)
    (probe,) = re.findall(r'```python\n(.*?)```', section, re.DOTALL)
    eurosat(tmp_path / 'data/eurosat_ms')
    probe = probe.replace("'configs/", f"'{ROOT}/configs/")
    (tmp_path / 'my_probe.py').write_text(probe)

    told = ''
    for line in lines_of(commands):
        more = []
        if 'tools/train.py' in line:
            # One epoch in the place of ten, and its file under the other's name.
            more = ['--cfg-options', 'train_cfg.max_epochs=1', 'param_scheduler=[]']
        told = run(tmp_path, line.replace('epoch_10.pth', 'epoch_1.pth'), *more)
    assert min(scores_of(told)) > 40  # chance: 10

    card = checkpoints.Checkpoint.load(tmp_path / 'eurosat_moco.pth').card
    assert len(card['normalization']['mean']) == 13


@pytest.mark.slow
def test_the_docs_lead_13_bands_through_the_shipped_recipes(tmp_path):
    page = (ROOT / 'docs/scenes.md').read_text()
    section = page[page.index('## 13 bands: pre-train, export, probe') :]
    commands = re.search(r'```bash\n(.*?)```', section, re.DOTALL)[1]
    pretrain, export, probe, finetune = lines_of(commands)
    root = tmp_path / 'data/eurosat-13bands'
    eurosat(root / 'EuroSAT_MS', images=6)
    for part, numbers in (('train', range(1, 5)), ('test', (5, 6))):
        lines = [
            f'{name}/{name}_{n}.tif {label}\n'
            for label, name in enumerate(SCENE_SETS['eurosat'].classes)
            for n in numbers
        ]
        (root / f'{part}.txt').write_text(''.join(lines))

    # One epoch of few images in the place of 200 of many; the rest as it stands.
    once = ['train_cfg.max_epochs=1', 'param_scheduler=[]']
    no_workers = ['train_dataloader.num_workers=0', *once]
    no_workers += ['train_dataloader.persistent_workers=False']
    run(
        tmp_path, pretrain, *no_workers, 'model.queue_len=32',
        'train_dataloader.batch_size=16',
    )  # fmt: skip
    run(tmp_path, export.replace('epoch_200.pth', 'epoch_1.pth'))
    lists = ['test_dataloader.dataset.ann_file=test.txt']
    told = run(
        tmp_path, probe, '--cfg-options', *lists, 'test_cfg.probes.0.k=3',
        'test_cfg.train_dataloader.dataset.ann_file=train.txt',
    )  # fmt: skip
    assert 'other pixels' not in told
    assert min(scores_of(told)) > 30  # chance: 10
    told = run(
        tmp_path, finetune, '--cfg-options', *no_workers, *lists,
        'train_dataloader.dataset.ann_file=train.txt',
        'val_dataloader.dataset.ann_file=test.txt', 'train_dataloader.batch_size=8',
    )  # fmt: skip
    assert 'other pixels' not in told
    assert '(100 %)' in told
