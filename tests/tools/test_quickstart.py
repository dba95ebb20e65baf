"""The quick start: its data as tracked, and the whole script on a handful of images."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

import rsp
from rsp.registry import DATASETS

ROOT = Path(__file__).parents[2]
DATA = ROOT / 'data' / 'quickstart'


def load(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def maker():
    return load(ROOT / 'tools' / 'dataset_tools' / 'make_quickstart_data.py')


@pytest.fixture
def small_parts(maker, monkeypatch):
    """The script set to 2 + 1 scenes and 2 photos of each of two classes."""
    monkeypatch.setattr(maker, 'NUM_REMOTE_PER_CLASS', 2)
    monkeypatch.setattr(maker, 'NUM_PROBE_PER_CLASS', 1)
    monkeypatch.setattr(maker, 'NUM_PHOTOS_PER_CLASS', 2)
    counts = {'remote': 4, 'natural': 4, 'probe/train': 2, 'probe/val': 2}
    monkeypatch.setattr(maker, 'EXPECTED_IMAGES', counts)


def write_archive(path, files):
    with tarfile.open(path, 'w') as archive:
        for name, image in files.items():
            data = io.BytesIO()
            Image.fromarray(image).save(data, 'JPEG', quality=100)
            info = tarfile.TarInfo(name)
            info.size = data.tell()
            data.seek(0)
            archive.addfile(info, data)
    return path


def scene(seed, size=(64, 64)):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(*size, 3), dtype=np.uint8)


def archives(folder, replace=()):
    """A pair of small archives; ``replace`` overrides single images."""
    scenes = {
        f'eurosat/{split}/{label}/{label}_{i}.jpg': scene(
            (10 * number + i, split == 'val')
        )
        for number, label in enumerate(('Forest', 'River'))
        for split, count in (('train', 3), ('val', 1))
        for i in range(count)
    }
    photos = {
        f'photos/train/{label}/{i}.jpg': scene((i, 7), (90, 120))
        for label in ('hat', 'shoes')
        for i in range(3)
    }
    return (
        write_archive(folder / 'scenes.tar', scenes | dict(replace)),
        write_archive(folder / 'photos.tar', photos),
    )


def make(maker, monkeypatch, scenes, photos, out):
    words = ['make', '--eurosat', scenes, '--photos', photos, '--out', out]
    monkeypatch.setattr(sys, 'argv', list(map(str, words)))
    maker.main()


def test_tracked_data_are_complete_small_and_disjoint(maker):
    counts = maker.check(DATA)
    assert counts['bytes'] < 8_000_000
    assert counts['probe/val'] >= 600
    assert (DATA / 'LICENSE-EuroSAT').is_file()
    assert (
        'Contains modified Copernicus Sentinel data' in (DATA / 'README.md').read_text()
    )


def test_both_probe_splits_hold_the_same_classes():
    train, val = (
        {folder.name: len(list(folder.iterdir())) for folder in (DATA / part).iterdir()}
        for part in ('probe/train', 'probe/val')
    )
    assert train == val == dict.fromkeys(train, 80)
    assert len(train) == 10


def test_names_of_unlabeled_scenes_tell_nothing():
    names = sorted(path.name for path in (DATA / 'remote').iterdir())
    assert names == [f'scene_{i:04d}.jpg' for i in range(2400)]


def test_the_queue_is_shorter_than_the_unlabeled_set():
    config = Config.fromfile(ROOT / 'configs' / 'gersp' / 'r18_quickstart.py')
    source = config.train_dataloader.dataset.sources.remote
    source.update(data_root=str(ROOT / source.data_root), pipeline=[])
    assert config.model.queue.length < len(DATASETS.build(source))


def test_the_same_archives_give_the_same_bytes(
    maker, small_parts, monkeypatch, tmp_path
):
    sources = archives(tmp_path)
    for name in ('one', 'two'):
        make(maker, monkeypatch, *sources, tmp_path / name)
    one, two = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob('*.jpg')}
        for root in (tmp_path / 'one', tmp_path / 'two')
    )
    assert len(one) == 12
    assert one == two


def test_a_scene_in_two_parts_is_refused(maker, small_parts, monkeypatch, tmp_path):
    twin = {'eurosat/val/River/River_0.jpg': scene((0, False))}  # Forest_0 of train
    sources = archives(tmp_path, replace=twin)
    with pytest.raises(ValueError, match=r'River_0\.jpg and .* are the same image'):
        make(maker, monkeypatch, *sources, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_an_existing_folder_is_not_written_over(
    maker, small_parts, monkeypatch, tmp_path
):
    sources = archives(tmp_path)
    make(maker, monkeypatch, *sources, tmp_path / 'out')
    with pytest.raises(FileExistsError, match='exists; remove it first'):
        make(maker, monkeypatch, *sources, tmp_path / 'out')


def test_missing_images_are_counted(maker, small_parts, monkeypatch, tmp_path):
    make(maker, monkeypatch, *archives(tmp_path), tmp_path / 'out')
    next((tmp_path / 'out' / 'remote').iterdir()).unlink()
    with pytest.raises(ValueError, match=r"expected .*'remote': 4.*got .*'remote': 3"):
        maker.check(tmp_path / 'out')


@pytest.fixture
def script():
    return load(ROOT / 'tools' / 'quickstart.py')


def test_a_log_line_is_cut_to_what_matters(script):
    line = (
        '11/21 02:00:00 - mmengine - INFO - Epoch(train)  [3][10/18]  lr: 9.9e-04  '
        'eta: 0:02:10  time: 0.7  data_time: 0.01  memory: 0  loss: 8.9  '
        'loss_contrast: 6.7012  loss_supervised: 2.2000  contrast_top1: 4.5000'
    )
    assert script.shorten_log_line(line) == (
        'epoch 3, step 10/18  eta 0:02:10  loss_contrast 6.70  loss_supervised 2.20  '
        'contrast_top1 4.50'
    )


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(0.4, '0 s'), (59.4, '59 s'), (60, '1 min 00 s'), (185, '3 min 05 s')],
)
def test_times_read_well(script, seconds, text):
    assert script.duration(seconds) == text


def test_a_failing_stage_shows_the_end_of_its_log(script, tmp_path, capsys):
    stages = script.Stages(['probe'])
    cause = 'print("the cause"); raise SystemExit(3)'
    with pytest.raises(SystemExit, match=r'(?s)the cause.*trying failed; .*test\.log'):
        stages.run('trying', tmp_path / 'test.log', '-c', cause)
    forecast = script.duration(script.SECONDS['probe'])
    assert f'[1/1] trying: about {forecast}, ' in capsys.readouterr().out


def test_no_seed_is_refused():
    command = [sys.executable, str(ROOT / 'tools' / 'quickstart.py'), '--seeds', '0']
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert '--seeds expects at least 1, got 0' in run.stderr


@pytest.mark.slow  # A minute, most of it imports.
def test_the_whole_script_runs_from_any_folder(tmp_path):
    """Three steps on a few images; numbers and figure come out in the promised form."""
    # Of ten sorted classes of 80 images, the first ones of each.
    fit = [80 * label + i for label in range(10) for i in range(2)]
    score = [80 * label for label in range(10)]
    run = subprocess.run(
        [
            *(
                'bash',
                ROOT / 'tools' / 'quickstart.sh',
                '--seeds',
                '1',
                '--epochs',
                '1',
            ),
            *('--work-dir', 'out', '--cfg-options'),
            'train_dataloader.batch_size=16',
            'train_dataloader.dataset.sources.remote.indices=48',
            'train_dataloader.dataset.sources.natural.indices=40',
            '--probe-options',
            f'test_cfg.train_dataloader.dataset.indices={fit}'.replace(' ', ''),
            f'test_dataloader.dataset.indices={score}'.replace(' ', ''),
        ],
        cwd=tmp_path,
        env=os.environ | dict(PYTHON=sys.executable, OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads((tmp_path / 'out' / 'result.json').read_text())
    for backbone, seeds in (('random', 3), ('pretrained', 1)):
        assert set(result[backbone]) == {'knn', 'linear'}
        values = result['seeds'][backbone]['knn']
        assert len(values) == seeds
        assert result[backbone]['knn'] == pytest.approx(np.mean(values))
        assert all(0 <= value <= 100 for value in values)
    assert result['versions']['rsp'] == rsp.__version__
    assert result['seconds']['total'] >= result['seconds']['pretrain'][0] > 0
    assert (tmp_path / 'out' / 'result.png').is_file()
    assert 'gain, points' in run.stdout
