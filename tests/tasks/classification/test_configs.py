"""Every config of the task trains, tests, and reads its data set's own layout."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

from rsp.io.configs import config_folder
from rsp.tasks.classification import SCENE_SETS

from .conftest import TINY, lists, tiny

FOLDER = config_folder() / 'downstream/classification'
BANDS_13 = 'eurosat-13bands'
NAMES = [
    f'{arch}_{data}_{recipe}'
    for arch in TINY
    for data in SCENE_SETS
    for recipe in ('probe', 'finetune', 'finetune-cmid')
    if data != BANDS_13 or (arch == 'r50' and recipe != 'finetune-cmid')
]
QUICK_PROBES = ['r18_eurosat-quickstart_probe', 'swin-mini_eurosat-quickstart_probe']
MINIS = ['r18_eurosat_finetune_mini', 'r18_eurosat-8shot_finetune_mini']


def load(name: str) -> Config:
    return Config.fromfile(FOLDER / f'{name}.py')


def save_backbone(backbone: dict, file: Path) -> Path:
    """Write a pre-training checkpoint that holds this backbone and a projector."""
    state = MODELS.build(dict(backbone, _scope_='mmpretrain')).state_dict()
    state = {f'backbone.{key}': value for key, value in state.items()}
    state['neck.mlp.0.weight'] = torch.ones(2, 2)
    torch.save(dict(state_dict=state), file)
    return file


def test_the_list_of_configs_is_complete():
    found = {file.stem for file in FOLDER.glob('*.py')}
    assert found == {*NAMES, *MINIS, *QUICK_PROBES}


@pytest.mark.parametrize('name', NAMES)
def test_two_steps_on_generated_images(name, run_downstream, write_scenes, tmp_path):
    data = name.split('_')[1]
    scenes = write_scenes(data)
    options = tiny(name) | lists(name, f'{data}_train.txt', f'{data}_test.txt')
    cfg = load(name)
    cfg.merge_from_dict(tiny(name))
    checkpoint = save_backbone(cfg.model.backbone, tmp_path / 'pretrained.pth')
    metrics = run_downstream(f'classification/{name}.py', options, checkpoint)

    if name.endswith('_probe'):
        accuracies = [metrics['knn/top1'], metrics['linear/top1']]
    else:
        accuracies = [metrics['accuracy/top1']]
        report = json.loads(Path('run/load_report.json').read_text())
        assert report['percent'] == 100
    hits = [accuracy * len(scenes.classes) / 100 for accuracy in accuracies]
    assert hits == pytest.approx([round(hit) for hit in hits], abs=1e-4)


@pytest.mark.parametrize('name', NAMES)
def test_data_and_classes_are_those_of_the_published_set(name):
    cfg = load(name)
    scenes = SCENE_SETS[name.split('_')[1]]
    train = cfg.test_cfg if name.endswith('_probe') else cfg
    parts = dict(train=train.train_dataloader, test=cfg.test_dataloader)
    for part, loader in parts.items():
        data = loader.dataset
        assert Path(data.data_root, data.data_prefix) == scenes.root
        assert data.metainfo.classes == scenes.classes
        assert data.type == 'rsp.SceneBenchmark'
        assert (data.benchmark, data.split) == (scenes.name, part)
    if not name.endswith('_probe'):
        assert cfg.val_dataloader == cfg.test_dataloader
        assert cfg.model.head.num_classes == len(scenes.classes)
        mixed = cfg.model.data_preprocessor.get('num_classes')
        assert mixed == (len(scenes.classes) if name.endswith('cmid') else None)


@pytest.mark.parametrize(
    ('name', 'pretraining'),
    [
        ('r50_ucm_finetune', 'gersp/r50.py'),
        ('r50_ucm_probe', 'cmid/r50.py'),
        ('swin-b_aid_finetune-cmid', 'cmid/swin_b.py'),
        ('swin-b_aid_probe', 'cmid/swin_b.py'),
    ],
)
def test_backbones_have_the_tensors_of_pre_training(name, pretraining):
    downstream = load(name).model.backbone
    before = Config.fromfile(config_folder() / pretraining).model.backbone
    shapes = [
        {
            key: value.shape
            for key, value in MODELS.build(dict(cfg, _scope_='mmpretrain'))
            .state_dict()
            .items()
            if key != 'mask_token'
        }
        for cfg in (downstream, before)
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize('name', MINIS)
def test_minis_take_a_step_on_the_quick_starts_images(name, run_downstream):
    root = Path(__file__).parents[3] / 'data/quickstart/probe'
    options = {
        'train_dataloader.dataset.data_root': str(root),
        'test_dataloader.dataset.data_root': str(root),
        'train_dataloader.batch_size': 2,
        'test_dataloader.num_workers': 0,
        'test_dataloader.persistent_workers': False,
        'test_dataloader.dataset.indices': 4,
        'model.backbone.base_channels': 8,
        'model.backbone.stem_channels': 8,
        'model.head.in_channels': 64,
    }
    metrics = run_downstream(f'classification/{name}.py', options, iterations=1)
    assert metrics['accuracy/top1'] in (0, 25, 50, 75, 100)
    few = name.endswith('8shot_finetune_mini')
    assert bool(load(name).train_dataloader.dataset.get('ann_file')) is few


# Of every network and recipe; data sets differ in lists and number of classes alone,
# which the tests above cover for each.
@pytest.mark.slow
@pytest.mark.parametrize('name', [name for name in NAMES if '_resisc45_' in name])
def test_a_step_at_real_size(name, run_downstream, write_scenes):
    data = name.split('_')[1]
    write_scenes(data)
    options = lists(name, f'{data}_train.txt', f'{data}_test.txt')
    if name.endswith('_probe'):
        options |= {
            'test_cfg.probes.0.k': 3,
            'test_cfg.train_dataloader.num_workers': 0,
        }
    else:
        options |= {
            'train_dataloader.batch_size': 2,
            'test_dataloader.batch_size': 8,
        }
    options |= {
        'test_dataloader.num_workers': 0,
        'test_dataloader.persistent_workers': False,
        'test_dataloader.dataset.indices': 8,
    }
    assert run_downstream(f'classification/{name}.py', options, iterations=1)
