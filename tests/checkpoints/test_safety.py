"""No file runs code on any path of ours, unless it is trusted by name."""

import argparse
import os
import runpy
import sys
import types
from collections import OrderedDict, defaultdict, deque
from datetime import timedelta
from pathlib import Path
from urllib.error import URLError

import official
import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import ResNet

from rsp import checkpoints
from rsp.io import configs as config_files

CONFIG = """
default_scope = 'mmpretrain'
custom_imports = dict(imports=['rsp'], allow_failed_imports=False)
runner_type = 'rsp.PortableRunner'
log_level = 'ERROR'
work_dir = {work_dir!r}
model = dict(type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=32))
data = dict(type='CIFAR10', data_root='none', test_mode=False, pipeline=[])
train_dataloader = dict(batch_size=2, num_workers=0, dataset=data,
    sampler=dict(type='DefaultSampler', shuffle=True))
test_dataloader = dict(batch_size=2, num_workers=0, dataset=data,
    sampler=dict(type='DefaultSampler', shuffle=False))
train_cfg = dict(by_epoch=True, max_epochs=1)
test_cfg = dict()
test_evaluator = dict(type='Accuracy')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
default_hooks = dict(checkpoint=dict(type='CheckpointHook'))
"""


class Malice:
    """Unpickled by an unsafe loader, this writes a file through a shell."""

    def __init__(self, made):
        self.command = f'echo ran > "{made}"'

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.fixture
def made(tmp_path):
    return tmp_path / 'made'


@pytest.fixture
def evil(tmp_path, made):
    """Weights that would load, beside a call."""
    state = {
        f'backbone.{n}': t for n, t in official.narrow_resnet().state_dict().items()
    }
    file = tmp_path / 'evil.pth'
    torch.save(dict(meta={}, state_dict=state, message_hub=Malice(made)), file)
    return file


@pytest.fixture
def config(tmp_path):
    file = tmp_path / 'small.py'
    file.write_text(CONFIG.format(work_dir=str(tmp_path / 'run')))
    return file


def run_script(monkeypatch, name, *arguments):
    """Run a script of tools/ in this process; its exit message or status."""
    file = config_files.config_folder().parent / 'tools' / name
    monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
    with pytest.raises(SystemExit) as ending:
        runpy.run_path(str(file), run_name='__main__')
    return str(ending.value.code)


def test_the_file_is_dangerous_indeed(evil, made):
    torch.load(evil, weights_only=False)
    assert made.exists()


@pytest.mark.parametrize(
    ('script', 'before', 'after'),
    [
        ('train.py', ['CONFIG', '--resume'], []),
        ('train.py', ['CONFIG', '--pretrained'], []),
        ('test.py', ['CONFIG'], []),
        ('checkpoint.py', ['inspect'], []),
        ('checkpoint.py', ['convert'], ['out.pth']),
        ('checkpoint.py', ['verify'], ['--against', 'torchvision:resnet18']),
        ('export_backbone.py', [], ['out.pth']),
    ],
)
def test_no_script_runs_it(
    monkeypatch, tmp_path, evil, made, config, script, before, after
):
    monkeypatch.chdir(tmp_path)
    before = [config if word == 'CONFIG' else word for word in before]
    message = run_script(monkeypatch, script, *before, evil, *after)
    assert message.startswith('error: ')
    assert 'evil.pth' in message
    assert 'refused' in message
    assert len(message.splitlines()) == 1
    assert '--trust' in message
    assert not made.exists()
    assert not (tmp_path / 'out.pth').exists()


def _runner(config, **changes):
    from mmengine.registry import RUNNERS

    cfg = Config.fromfile(config)
    for loader in ('train', 'test'):
        for suffix in ('_dataloader', '_cfg', '_evaluator'):
            cfg.pop(loader + suffix, None)
    cfg.pop('optim_wrapper')
    cfg.merge_from_dict(changes)
    return RUNNERS.build(cfg)


def test_resuming_does_not_run_it(config, evil, made):
    with pytest.raises(ValueError, match=r'evil.pth. holds more than tensors'):
        _runner(config).resume(str(evil))
    assert not made.exists()


def test_load_from_does_not_run_it(config, evil, made):
    runner = _runner(config, load_from=str(evil))
    with pytest.raises(ValueError, match=r'evil.pth. holds more than tensors'):
        runner.load_or_resume()
    assert not made.exists()


@pytest.mark.parametrize('prefix', ['', 'file://'])
def test_init_cfg_does_not_run_it(config, evil, made, prefix):
    _runner(config)
    init = dict(type='Pretrained', checkpoint=prefix + str(evil), prefix='backbone.')
    backbone = ResNet(18, base_channels=4, stem_channels=4, init_cfg=init)
    with pytest.raises(ValueError, match=r'refused|expected a file or an address'):
        backbone.init_weights()
    assert not made.exists()


def test_init_cfg_still_loads_what_is_safe(config, tmp_path):
    model = official.narrow_resnet()
    file = tmp_path / 'good.pth'
    torch.save(dict(state_dict=model.state_dict()), file)
    _runner(config)
    init = dict(type='Pretrained', checkpoint=str(file))
    backbone = ResNet(18, base_channels=4, stem_channels=4, init_cfg=init)
    backbone.init_weights()
    assert torch.equal(backbone.conv1.weight, model.conv1.weight)


def test_an_address_is_fetched_and_read_like_a_file(monkeypatch, tmp_path, evil, made):
    fetched = []

    def download(address, file, progress):
        fetched.append(address)
        with open(file, 'wb') as stream:
            stream.write(evil.read_bytes())

    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        with pytest.raises(ValueError, match='refused'):
            checkpoints.read('https://example.org/weights/evil.pth?x=1')
    assert fetched == ['https://example.org/weights/evil.pth?x=1']
    assert not made.exists()
    with pytest.raises(
        ValueError, match=r"on the list of mmcls://, got 'mmcls://none'"
    ):
        checkpoints.read('mmcls://none')


def test_trust_is_the_way_round(evil, made):
    content = checkpoints.read(evil, trust=True)
    assert 'backbone.conv1.weight' in content['state_dict']
    assert made.exists()


@pytest.fixture
def foreign():
    """Classes like those that official CMID files pickle, gone again at loading."""
    package = types.ModuleType('Exploring')
    module = types.ModuleType('Exploring.metric')

    class HistoryBuffer:
        pass

    class MetricStorage(dict):
        pass

    for kind in (HistoryBuffer, MetricStorage):
        kind.__module__, kind.__qualname__ = 'Exploring.metric', kind.__name__
        setattr(module, kind.__name__, kind)
    sys.modules |= {'Exploring': package, 'Exploring.metric': module}

    def storage():
        history = HistoryBuffer()
        history.values, history.recent = [1.0, 2.0], deque([5, 6], maxlen=3)
        found = MetricStorage(loss=history)
        found._latest = defaultdict(int)
        return found

    yield storage
    for name in ('Exploring', 'Exploring.metric'):
        sys.modules.pop(name, None)


@pytest.mark.parametrize('kind', ['resnet', 'swin'])
def test_an_official_cmid_file_loads_and_imports_nothing(tmp_path, foreign, kind):
    model = official.narrow_resnet() if kind == 'resnet' else official.swin()
    content = official.cmid(model, model)
    file = tmp_path / 'cmid.pth'
    torch.save(content | dict(metric_storage=foreign()), file)
    for name in ('Exploring', 'Exploring.metric'):
        del sys.modules[name]
    history = checkpoints.read(file)['metric_storage']
    assert type(history) is OrderedDict
    assert history['loss'].values == [1.0, 2.0]
    assert history['loss'].recent == [5, 6]
    assert 'Exploring' not in sys.modules
    network = checkpoints.load_backbone(file)
    for name, tensor in model.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)


def test_settings_beside_the_weights_are_read_without_their_packages(tmp_path, made):
    """Lightning keeps hyperparameters, solo-learn omegaconf's, others paths."""
    package = types.ModuleType('omegaconf')
    DictConfig = type('DictConfig', (), dict(__module__='omegaconf'))
    package.DictConfig = DictConfig
    sys.modules['omegaconf'] = package
    settings = DictConfig()
    settings.method, settings.extra = 'byol', defaultdict(dict)
    content = dict(
        state_dict=official.narrow_resnet().state_dict(),
        hyper_parameters=settings,
        folder=Path('/data/scenes'),
        lasted=timedelta(hours=3),
        args=argparse.Namespace(arch='resnet18', nested=argparse.Namespace(lr=0.1)),
    )
    file = tmp_path / 'lightning.ckpt'
    try:
        torch.save(content, file)
        torch.save(content | dict(evil=Malice(made)), tmp_path / 'evil.ckpt')
    finally:
        del sys.modules['omegaconf']
    read = checkpoints.read(file)
    assert read['hyper_parameters'].method == 'byol'
    assert read['args'] == content['args']
    assert 'omegaconf' not in sys.modules
    assert checkpoints.load_backbone(file) is not None
    with pytest.raises(ValueError, match='refused'):
        checkpoints.read(tmp_path / 'evil.ckpt')
    assert not made.exists()


def test_a_foreign_package_opens_no_door(tmp_path, foreign, made):
    file = tmp_path / 'cmid.pth'
    torch.save(dict(metric_storage=foreign(), model={}, evil=Malice(made)), file)
    with pytest.raises(ValueError, match='refused'):
        checkpoints.read(file)
    assert not made.exists()


def test_without_a_network_it_is_said_what_is_missing_where(monkeypatch, tmp_path):
    def fail(address, file, progress):
        raise URLError('no route to host')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(
        FileNotFoundError,
        match=r"cannot download 'https://.*resnet50.*no route.*save it as '.*resnet50",
    ):
        checkpoints.read('torchvision://resnet50')
