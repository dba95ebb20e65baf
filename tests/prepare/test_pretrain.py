"""One line from a folder to a backbone: what it decides, leaves behind and resumes."""

import pytest
import torch
from safetensors import safe_open

from rsp.cli import main
from rsp.errors import MissingData
from rsp.prepare.generate.choices import choose_options
from rsp.prepare.pretrain import estimate, finish

OPEN = dict(land_cover=None, labels=None)


@pytest.mark.parametrize(
    ('given', 'gpu', 'method', 'recipe'),
    [
        ({}, False, 'cmid', 'small'),
        ({}, True, 'cmid', 'full'),
        (dict(labels='labels.jsonl'), False, 'geokr', 'small'),
        (dict(land_cover='cover'), True, 'geokr', 'full'),
    ],
)
def test_what_is_left_open_is_decided_and_told(monkeypatch, given, gpu, method, recipe):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    options, choices = choose_options(None, None, None, **OPEN | given)
    assert (options.method, options.small) == (method, recipe == 'small')
    told = '\n'.join(map(str, choices))
    for word in (method, recipe, '--method', '--recipe'):
        assert word in told
    assert 'as given' not in told
    _, choices = choose_options('moco', 'full', None, **OPEN)
    assert [choice.why for choice in choices] == ['as given', 'as given']


def test_a_run_without_a_checkpoint_is_told(tmp_path):
    with pytest.raises(MissingData, match='goes on where it stopped'):
        finish(tmp_path, print)


@pytest.mark.parametrize(('load', 'told'), [(0.4, False), (18.3, True)])
def test_an_estimate_on_a_busy_machine_says_so(monkeypatch, load, told):
    monkeypatch.setattr('rsp.prepare.pretrain.processes_at_work', lambda: load)
    monkeypatch.setattr('rsp.prepare.pretrain.pilot', lambda *_: dict(hours=0.1))
    monkeypatch.setattr('rsp.engine.pilot.measuring.resources.cores', lambda: 2)
    said = []
    estimate('cmid.py', (), said.append)
    assert 'estimated: 6 min 00 s on this machine' in said[0]
    assert ('whose 2 cores 18 processes share' in said[0]) == told


@pytest.mark.slow
def test_one_line_ends_with_a_backbone_and_goes_on(write_images, tmp_path, capfd):
    scenes = write_images('scenes', [f'{i}.png' for i in range(8)], size=(64, 64))
    line = ['pretrain', str(scenes), '--out', str(tmp_path / 'out'), '--no-estimate']
    line += ['--method', 'moco', '--cfg-options', 'train_dataloader.num_workers=0']
    line += ['train_dataloader.persistent_workers=False']
    main(argv=[*line, 'train_cfg.max_epochs=1'])
    said = capfd.readouterr().out
    told = ('method: moco', 'recipe: small', 'bands: 1, 2, 3', 'Epoch(train)')
    for word in (*told, 'out/report.html', 'next: rsp train'):
        assert word in said
    # Environment, config and hooks are in the log file alone.
    for word in ('sys.platform', 'default_hooks', 'requires_grad', 'mmengine - WARN'):
        assert word not in said
    (log,) = (tmp_path / 'out').glob('*/*.log')
    assert 'sys.platform' in log.read_text()
    backbone = tmp_path / 'out/backbone.safetensors'
    with safe_open(backbone, 'pt') as file:
        first = file.get_tensor('backbone.conv1.weight')
        assert 'card' in file.metadata()
    assert (tmp_path / 'out/scan/report.html').is_file()
    main(argv=[*line, 'train_cfg.max_epochs=2'])
    assert 'going on where it stopped' in capfd.readouterr().out
    with safe_open(backbone, 'pt') as file:
        assert not torch.equal(file.get_tensor('backbone.conv1.weight'), first)
