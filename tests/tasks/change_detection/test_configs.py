"""The configs of change detection, small, through the real tools."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from rsp.io.configs import config_folder
from rsp.prepare.check import check_datasets

FOLDER = config_folder() / 'downstream/change_detection'
CONFIGS = sorted(file.name for file in FOLDER.glob('*.py'))
SIZE = 64


@pytest.fixture
def data(write_pairs):
    """Return a function that writes a config's data and returns the overrides."""

    def write(name, size=SIZE):
        cdd = name.endswith('_cdd.py')
        layout = dict(masks='OUT', suffix='.jpg') if cdd else {}
        write_pairs('data', dict(train=4, val=3, test=3), size=(size, size), **layout)
        small = {
            'batch_size': 2,
            'num_workers': 0,
            'persistent_workers': False,
            'dataset.data_root': 'data',
        }
        return {
            f'{split}_dataloader.{key}': value
            for split in ('train', 'val', 'test')
            for key, value in small.items()
        }

    return write


def shrunk(name):
    """Overrides that make a model small, and the file that fills its backbone."""
    if 'swin' in name:
        return {
            'model.backbone.arch': dict(
                embed_dims=8,
                depths=[1, 1, 2, 1],
                num_heads=[1, 1, 2, 2],
                _delete_=True,
            ),
            'model.backbone.img_size': SIZE,
            'model.decode_head.in_channels': 32,
            'model.decode_head.decoder_depth': 1,
        }
    small = {
        'model.backbone.depth': 18,
        'model.backbone.base_channels': 8,
        'model.backbone.stem_channels': 8,
    }
    if 'unet' in name:
        head = {'in_channels': [8, 16, 32, 64], 'widths': [4, 6, 8, 10]}
    else:
        head = {'in_channels': 32, 'decoder_depth': 1}
    return small | {f'model.decode_head.{key}': value for key, value in head.items()}


def save_backbone(backbone, file):
    """A pre-training checkpoint of ours, as far as the backbone goes."""
    from mmpretrain.registry import MODELS

    state = MODELS.build(backbone).state_dict()
    torch.save(dict(state_dict={f'backbone.{n}': t for n, t in state.items()}), file)


def train_and_test(name, options, run_downstream):
    """Two iterations from a whole file, the test of the result, and its pictures."""
    cfg = Config.fromfile(FOLDER / name)
    cfg.merge_from_dict(copy.deepcopy(options))
    plain = {k: v for k, v in cfg.model.backbone.items() if k != 'out_indices'}
    save_backbone(plain, 'pretrained.pth')
    metrics = run_downstream(
        f'change_detection/{name}', options, Path('pretrained.pth'), 'pictures'
    )
    scores = ('F1', 'IoU', 'precision', 'recall', 'accuracy', 'F1_batch_mean')
    assert {f'change/{key}' for key in scores} <= metrics.keys()
    assert all(0 <= metrics[f'change/{key}'] <= 100 for key in scores)
    report = json.loads(Path('run/load_report.json').read_text())
    assert report['percent'] == 100
    assert report['unexpected'] == report['missing'] == []
    pictures = sorted(Path('pictures').rglob('*.png'))
    assert [file.name for file in pictures] == ['000.png', '001.png', '002.png']
    assert np.asarray(Image.open(pictures[0])).std() > 10


@pytest.mark.parametrize('name', CONFIGS)
def test_a_small_version_trains_from_a_checkpoint_and_paints(
    name, data, run_downstream
):
    train_and_test(name, shrunk(name) | data(name), run_downstream)


@pytest.mark.slow
@pytest.mark.parametrize('name', CONFIGS)
def test_real_size_trains_from_a_checkpoint_and_paints(name, data, run_downstream):
    train_and_test(name, data(name, size=96), run_downstream)


@pytest.mark.parametrize('name', CONFIGS)
def test_the_rate_falls_on_a_line_to_epoch_201(name):
    """In epoch 100 it is 101 / 201 of the first."""
    cfg = Config.fromfile(FOLDER / name)
    assert cfg.train_cfg.max_epochs == 200
    rates = learning_rates(cfg)
    first = rates[0]
    assert rates == pytest.approx([first * (1 - e / 201) for e in range(200)])
    assert rates[100] / first == pytest.approx(0.502488, abs=5e-7)


def learning_rates(cfg):
    from mmengine.registry import PARAM_SCHEDULERS

    lr = cfg.optim_wrapper.optimizer.lr
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedulers = [
        PARAM_SCHEDULERS.build(s, default_args=dict(optimizer=optimizer))
        for s in cfg.param_scheduler
    ]
    rates = []
    for _ in range(cfg.train_cfg.max_epochs):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return rates


def test_the_recipes_are_those_of_cmid():
    """The values of the official training script."""
    resnet = Config.fromfile(FOLDER / 'bit_r50_cdd.py')
    optimizer = dict(type='SGD', lr=0.002, momentum=0.99, weight_decay=5e-4)
    assert resnet.optim_wrapper.optimizer == optimizer
    swin = Config.fromfile(FOLDER / 'bit_swin-b_cdd.py')
    chosen = swin.optim_wrapper.optimizer
    assert (chosen.type, chosen.lr, chosen.weight_decay) == ('AdamW', 6e-5, 0.01)
    assert swin.model.backbone.drop_path_rate == 0.3
    for cfg in (resnet, swin):
        assert cfg.train_dataloader.batch_size == 8
        assert cfg.model.data_preprocessor.get('mean') is None
        assert cfg.train_pipeline[1].lossy


def test_swin_drops_wherever_it_can():
    from mmseg.registry import MODELS
    from torch import nn

    cfg = Config.fromfile(FOLDER / 'bit_swin-b_cdd.py')
    cfg.merge_from_dict(shrunk('bit_swin-b_cdd.py'))
    model = MODELS.build(cfg.model)
    blocks = [m for n, m in model.backbone.named_modules() if n.endswith('.ffn')]
    rates = {
        name: module.p
        for name, module in model.backbone.named_modules()
        if isinstance(module, nn.Dropout) and 'attn_drop' not in name
    }
    # After the patches; in each block behind attention and both linear layers.
    assert len(rates) == 1 + 3 * len(blocks)
    assert set(rates.values()) == {0.3}


def test_pixels_can_be_normalized_by_an_option():
    from mmseg.registry import MODELS

    cfg = Config.fromfile(FOLDER / 'bit_r50_cdd.py')
    cfg.merge_from_dict(
        {
            'model.data_preprocessor.mean': [123.675, 116.28, 103.53],
            'model.data_preprocessor.std': [58.395, 57.12, 57.375],
        }
    )
    preprocessor = MODELS.build(cfg.model.data_preprocessor | dict(test_cfg=None))
    white = torch.full((6, 32, 32), 255, dtype=torch.uint8)
    out = preprocessor(dict(inputs=[white]))['inputs'][0, :, 0, 0]
    expected = torch.tensor([2.2489, 2.4286, 2.6400]).repeat(2)
    torch.testing.assert_close(out, expected, atol=5e-5, rtol=0)


def test_the_same_weights_see_the_same_in_either_memory_format(data, tmp_path):
    from mmseg.registry import MODELS

    cfg = Config.fromfile(FOLDER / 'bit_r50_cdd.py')
    cfg.merge_from_dict(shrunk('bit_r50_cdd.py'))
    model = MODELS.build(cfg.model).eval()
    images = 50 * torch.rand(2, 6, SIZE, SIZE)
    with torch.no_grad():
        plain = model(images, mode='tensor')
        last = model.to(memory_format=torch.channels_last)(images, mode='tensor')
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)


def test_the_best_model_on_the_validation_is_kept(data, tmp_path, monkeypatch):
    from rsp.engine.train import build_runner, training_config

    monkeypatch.chdir(tmp_path)
    options = shrunk('bit_r50_cdd.py') | data('bit_r50_cdd.py')
    options |= {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1}
    cfg = training_config(
        'downstream/change_detection/bit_r50_cdd.py', 'run', cfg_options=options
    )
    runner: Runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 2
    assert Path('run/best_change_F1_epoch_1.pth').is_file()


@pytest.mark.parametrize('name', ['bit_r50_cdd.py', 'bit_r50_levir-cd.py'])
def test_the_data_check_reads_pairs_and_masks(name, data, tmp_path, monkeypatch):
    """Return what tools/dataset_tools/check.py prints."""
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(FOLDER / name)
    cfg.merge_from_dict(data(name))
    train, val, test = check_datasets(cfg)
    for split, pairs in ((train, 4), (val, 3), (test, 3)):
        assert (split.samples, split.images, split.problems) == (pairs, 2 * pairs, [])
        assert split.counts.total() == pairs * SIZE**2
        # A rectangle of 20 x 16 in each, which JPEG blurs a little.
        assert split.counts[1] == pytest.approx(320 * pairs, rel=0.03)
    mask = next(Path('data/val').glob('[Ol]*/001*'))
    Image.new('L', (SIZE, SIZE), 100).save(mask)
    Path('data/test/B').joinpath(f'002{mask.suffix}').unlink()
    train, val, test = check_datasets(cfg)
    assert train.problems == []
    (problem,) = val.problems
    assert str(mask) in problem
    (problem,) = test.problems
    assert "1 of 3 names have no file in 'data/test/B' (002)" in problem
