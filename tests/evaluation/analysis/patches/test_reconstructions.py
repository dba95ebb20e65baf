"""rsp analyze reconstruction: frequencies by hand, a whole model from its file."""

import json
import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from rsp.cli import main
from rsp.evaluation.analysis.patches.reconstruction import amplitudes, find_config_of

CONFIG = Path(__file__).parents[4] / 'configs/cmid/swin_mini_quickstart.py'


def test_a_wave_is_in_the_ring_of_its_frequency():
    across = torch.arange(32, dtype=torch.float64) / 32
    wave = torch.cos(2 * math.pi * 4 * across)
    found = amplitudes(wave.expand(2, 3, 32, 32))
    assert len(found) == 16
    assert found.argmax() == 4
    assert found[[0, 1, 2, 3, 5, 6, 7]].max() < 1e-9
    # Two cycles across the 16 pixels of the shorter side.
    assert amplitudes(wave.expand(1, 1, 16, 32)).argmax() == 2


def test_flat_images_hold_their_mean_alone():
    found = amplitudes(torch.full((1, 3, 16, 16), 2.0))
    assert found[0] == pytest.approx(32)  # 2 * sqrt(16 * 16)
    assert found[1:].max() < 1e-9


def test_a_type_is_found_anywhere_in_a_config():
    inner = dict(type='a', size=3)
    assert find_config_of('a', dict(x=[dict(type='b', y=(inner,))])) == inner
    assert find_config_of('a', [1, None, 'a']) is None


@pytest.fixture
def training(tmp_path):
    """A checkpoint as a training of CMID writes it."""
    cfg = Config.fromfile(CONFIG)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(
            cfg.model | dict(data_preprocessor=cfg.get('data_preprocessor'))
        )
    file = tmp_path / 'epoch_1.pth'
    meta = dict(cfg=cfg.pretty_text, epoch=1)
    torch.save(dict(state_dict=model.state_dict(), meta=meta), file)
    return str(file)


def test_a_training_completes_images(training, write_images, tmp_path):
    folder = str(write_images('plain', [f'{n}.png' for n in range(3)], (64, 80)))
    for out in ('a', 'b'):
        main('analyze', argv=['reconstruction', training, '--data', folder,
                              '--out', str(tmp_path / out)])  # fmt: skip
    first, second = (
        (tmp_path / out / 'reconstruction.json').read_bytes() for out in ('a', 'b')
    )
    assert first == second
    [model] = json.loads(first)['models']
    assert model['size'] == 64
    assert model['relative_error'] > 0
    # What is masked and filled has less of the high frequencies.
    clean, masked = (sum(model['amplitudes'][k][8:]) for k in ('clean', 'masked'))
    assert masked < clean


def test_a_training_on_13_bands_is_shown_in_true_colors(write_scene, tmp_path):
    rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    cfg = Config.fromfile(CONFIG.with_name('r18_quickstart.py'))
    sentinel = Config.fromfile(CONFIG.with_name('r50_s2_13bands.py'))
    cfg.model.backbone.in_channels = 13
    cfg.model.reconstruction.decoder.update(type='rsp.LinearDecoder', out_channels=13)
    cfg.data_preprocessor, cfg.bands = sentinel.data_preprocessor, sentinel.bands
    cfg.train_dataloader = dict(dataset=sentinel.train_dataloader.dataset)
    cfg.train_dataloader.dataset.pipeline = [
        dict(type='rsp.MaskedTwoCrop', size=64, mask_patch_size=16)
    ]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(cfg.model | dict(data_preprocessor=cfg.data_preprocessor))
    meta = dict(cfg=cfg.pretty_text, epoch=1)
    torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / 's2.pth')
    for number in range(2):
        file = write_scene(f'scenes/{number}.tif', bands=13)
        with rasterio.open(file, 'r+') as opened:
            opened.descriptions = sentinel.bands
    line = ['reconstruction', str(tmp_path / 's2.pth'), '--out', str(tmp_path)]
    main('analyze', argv=[*line, '--data', str(tmp_path / 'scenes')])
    found = json.loads((tmp_path / 'reconstruction.json').read_text())
    assert found['colors'] == (
        'bands B04, B03, B02 as red, green, blue, 2nd to 98th percentile of the clean '
        'images'
    )


def test_a_backbone_alone_is_refused_in_one_line(write_backbone):
    with pytest.raises(SystemExit, match='expected a training of CMID') as ended:
        main('analyze', argv=['reconstruction', write_backbone()])
    assert '\n' not in str(ended.value)


def test_a_backbone_of_two_stages_has_none_to_compare(training, write_images):
    folder = str(write_images('plain', ['a.png'], (64, 64)))
    with pytest.raises(SystemExit, match='four stages, got 2') as ended:
        main('analyze', argv=['cam', training, '--data', folder])
    assert '\n' not in str(ended.value)
