"""A raw pre-training checkpoint of real size fills the backbone of every config."""

import functools
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from rsp import checkpoints
from rsp.io.configs import config_folder

CONFIGS = config_folder()
EXPERIMENTS = sorted(
    file
    for file in (CONFIGS / 'downstream').rglob('*.py')
    # DINO's files are not written by a run of ours.
    if '_base_' not in file.parts and 'dino' not in file.stem
)
# What trains a backbone of this name; R18 minis have the quick start's.
BANDS_13 = 'moco/r50_s2_13bands.py'
SOURCES = dict(r50='gersp/r50.py', r18='gersp/r18.py')
SOURCES |= {
    'swin-b': 'cmid/swin_b.py',
    'swin-mini': 'cmid/swin_mini_quickstart.py',
}


def build_backbone(cfg: Config) -> torch.nn.Module:
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return MODELS.build(cfg.model.backbone)


@functools.cache
def pretrained_file(folder: Path, source: str) -> Path:
    """A file as a run of that config writes it, in what matters for loading."""
    backbone = build_backbone(Config.fromfile(CONFIGS / source))
    state = {f'backbone.{n}': t for n, t in backbone.state_dict().items()}
    state |= {
        f'teacher.module.backbone.{n}': torch.zeros_like(t)
        for n, t in backbone.state_dict().items()
        if n != 'mask_token'
    }
    state['queue.feats'] = torch.randn(128, 64)
    file = folder / source.replace('/', '_').replace('.py', '.pth')
    torch.save(dict(state_dict=state, meta=dict(epoch=1)), file)
    return file


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('pretrained')


@functools.cache
def filled(folder: Path, source: str, scope: str, backbone: str):
    """The report on a backbone; many configs share one."""
    cfg = Config(dict(default_scope=scope, model=dict(backbone=json.loads(backbone))))
    model = build_backbone(cfg)
    report = checkpoints.load_pretrained(model, pretrained_file(folder, source))
    return report, model.state_dict()


@pytest.mark.parametrize(
    'experiment', EXPERIMENTS, ids=lambda f: f'{f.parent.name}/{f.stem}'
)
def test_all_of_it_is_loaded(experiment, folder):
    cfg = Config.fromfile(experiment)
    name = next(n for n in SOURCES if n in experiment.stem.split('_'))
    backbone = json.dumps(cfg.model.backbone.to_dict())
    source = BANDS_13 if '-13bands_' in experiment.stem else SOURCES[name]
    report, state = filled(folder, source, cfg.default_scope, backbone)
    assert report.complete
    assert report.percent == 100
    assert report.unexpected == report.missing == report.reshaped == ()
    student = torch.load(pretrained_file(folder, source), weights_only=True)
    for tensor in report.loaded[:3] + report.loaded[-3:]:
        expected = student['state_dict'][f'backbone.{tensor}']
        assert torch.equal(state[tensor], expected), tensor


@pytest.mark.parametrize('source', SOURCES.values())
def test_a_mangled_one_is_refused_by_name(folder, source, tmp_path):
    content = torch.load(pretrained_file(folder, source), weights_only=True)
    names = [n for n in content['state_dict'] if n.startswith('backbone.')]
    lost = names[len(names) // 2]
    del content['state_dict'][lost]
    torch.save(content, tmp_path / 'mangled.pth')
    cfg = Config.fromfile(CONFIGS / source)
    if source.startswith('cmid'):
        cfg.model.backbone.type = 'SwinTransformer'
        cfg.model.backbone.pop('pytorch_init', None)
    with pytest.raises(ValueError, match=lost.removeprefix('backbone.')):
        checkpoints.load_pretrained(build_backbone(cfg), tmp_path / 'mangled.pth')
