"""A test visits every image exactly once, on however many processes."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mmengine.hooks import Hook
from PIL import Image

from rsp.engine.test import evaluation_config
from rsp.engine.train import build_runner
from rsp.tasks.classification import SCENE_SETS
from rsp.tasks.classification.splits import split_lines

NAME = 'r50_ucm_finetune-cmid'
CONFIG = f'downstream/classification/{NAME}.py'
# Written out, since the other processes load this file alone.
OPTIONS = {
    'model.backbone.depth': 18,
    'model.backbone.base_channels': 8,
    'model.backbone.stem_channels': 8,
    'model.head.in_channels': 64,
    'test_dataloader.dataset.pipeline.1.scale': 16,
    'test_dataloader.dataset.pipeline.2.crop_size': 16,
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False,
}


class Visits(Hook):
    """Remembers the images that were tested."""

    def __init__(self):
        self.paths = []

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.paths += [sample.img_path for sample in outputs]


@pytest.fixture
def images(tmp_path) -> list[str]:
    """The test images of the shipped split, small, in the layout of the archive."""
    lines = split_lines(SCENE_SETS['ucm'].split()['test']).splitlines()
    paths = [line.rpartition(' ')[0] for line in lines]
    root = tmp_path / SCENE_SETS['ucm'].root
    rng = np.random.default_rng(0)
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(256, size=(8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
    return [f'{SCENE_SETS["ucm"].root}/{path}' for path in paths]


def visit(folder: str, options: dict) -> tuple[dict, list[str]]:
    """Metrics, and the images this process tested."""
    os.chdir(folder)
    cfg = evaluation_config(CONFIG, 'random', 'run', cfg_options=options)
    runner = build_runner(cfg)
    visits = Visits()
    runner.register_hook(visits)
    return dict(runner.test()), visits.paths


def test_all_420_images_of_uc_merced_are_scored_once(images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    metrics, visited = visit('.', OPTIONS)
    assert len(images) == 420
    assert Counter(visited) == Counter(images)
    hits = metrics['accuracy/top1'] / 100 * 420
    assert hits == pytest.approx(round(hits), abs=1e-3)


@pytest.mark.dist
def test_two_processes_count_an_odd_image_once(images, tmp_path, monkeypatch, gloo):
    """419 images on two ranks: the sampler repeats one, the metric drops it."""
    monkeypatch.chdir(tmp_path)
    lines = split_lines(SCENE_SETS['ucm'].split()['test']).splitlines()
    Path('data/ucm/odd.txt').write_text('\n'.join(lines[1:]))
    options = OPTIONS | {'test_dataloader.dataset.ann_file': 'odd.txt'}
    alone, _ = visit('.', options)
    (first, seen), (second, others) = gloo(visit, str(tmp_path), options)
    assert first == second == alone
    assert len(seen) == len(others) == 210
    assert {*seen, *others} == {*images[1:]}
    hits = alone['accuracy/top1'] / 100 * 419
    assert hits == pytest.approx(round(hits), abs=1e-3)
