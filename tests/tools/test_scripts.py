"""tools/train.py, test.py and export_backbone.py, run for real on eight images."""

import json
from pathlib import Path

import mmengine
import pytest
import torch
from mmpretrain.models import ResNet

HERE = Path(__file__).parent
GERSP, PROBE = HERE / 'tiny_gersp.py', HERE / 'tiny_probe.py'


@pytest.fixture
def train(script, data_options):
    def train(work_dir, *arguments, options=()):
        name = f'experiment_name={work_dir.name}{len(arguments)}{len(options)}'
        script(
            'train.py',
            GERSP,
            '--work-dir',
            work_dir,
            *arguments,
            '--cfg-options',
            *data_options,
            name,
            *options,
        )

    return train


@pytest.mark.parametrize('name', ['train.py', 'test.py', 'export_backbone.py'])
def test_help_shows_a_command(script, capsys, name):
    with pytest.raises(SystemExit) as leaving:
        script(name, '--help')
    assert leaving.value.code == 0
    assert f'python tools/{name} ' in capsys.readouterr().out


def test_a_run_is_trained_resumed_tested_and_exported(
    train, script, probe_options, tmp_path, capsys
):
    run = tmp_path / 'run'
    train(run, '--amp')
    assert (run / 'last_checkpoint').read_text().endswith('epoch_2.pth')

    # Bare --resume takes the newest checkpoint of the folder.
    train(run, '--auto-scale-lr', '--resume', options=['train_cfg.max_epochs=3'])
    meta = torch.load(run / 'epoch_3.pth', weights_only=False)['meta']
    assert (meta['epoch'], meta['iter']) == (3, 12)

    exported = tmp_path / 'backbone.pth'
    script('export_backbone.py', run / 'epoch_3.pth', exported)
    report = capsys.readouterr().out.splitlines()[-1]
    assert 'ResNet-18 of the student in epoch_3.pth, 120 tensors, 0.04 M' in report
    state = torch.load(exported, weights_only=True)['state_dict']
    ResNet(18, base_channels=4, stem_channels=4).load_state_dict(
        {name.removeprefix('backbone.'): t for name, t in state.items()}
    )

    # Each image is its own nearest neighbor, whatever the weights.
    for checkpoint in (run / 'epoch_3.pth', exported, 'random'):
        out = tmp_path / f'{Path(checkpoint).stem}.json'
        script(
            'test.py',
            PROBE,
            checkpoint,
            '--work-dir',
            tmp_path / 'test',
            '--out',
            out,
            '--cfg-options',
            *probe_options,
            f'experiment_name=test-{out.stem}',
        )
        metrics = json.loads(out.read_text())
        assert [value for key, value in metrics.items() if 'knn' in key] == [100.0]


@pytest.fixture
def classify(script, probe_options, tmp_path):
    """Return a function that tests an untrained classifier of three classes."""
    config = tmp_path / 'classifier.py'
    config.write_text(
        f'_base_ = {str(PROBE)!r}\n'
        "model = dict(neck=dict(type='GlobalAveragePooling'), head=dict(\n"
        "    type='LinearClsHead', num_classes=3, in_channels=32))\n"
        'test_cfg = dict(_delete_=True)\n'
        "test_evaluator = [dict(type='Accuracy')]\n"
    )

    def classify(*arguments, config=config):
        folder = ('--work-dir', tmp_path / 'test')
        roots = probe_options if config == PROBE else probe_options[:1]
        options = ('--cfg-options', *roots, f'experiment_name={config.stem}')
        script('test.py', config, 'random', *folder, *arguments, *options)

    return classify


def test_predictions_are_written_and_painted(classify, tmp_path):
    out, painted = tmp_path / 'pred.pkl', tmp_path / 'painted'
    classify('--out', out, '--out-item', 'pred', '--show-dir', painted)
    predictions = mmengine.load(out)
    assert len(predictions) == 8
    assert {len(p['pred_score']) for p in predictions} == {3}
    assert len(list(painted.rglob('*.png'))) == 8


def test_a_probe_has_no_predictions_to_write(classify, tmp_path):
    with pytest.raises(SystemExit, match=r'--out-item pred expects.*got ProbeLoop'):
        classify('--out', tmp_path / 'a.pkl', '--out-item', 'pred', config=PROBE)


def test_an_unknown_config_ends_with_the_nearest_names(script):
    with pytest.raises(
        SystemExit, match=r'^error: no config .*nearest: .*gersp/r50.py'
    ):
        script('train.py', 'configs/gersp/r5.py')


def test_resuming_a_missing_checkpoint_ends_in_one_line(train, tmp_path):
    with pytest.raises(SystemExit, match=r'^error: nothing to resume at .*a.pth'):
        train(tmp_path / 'run', '--resume', tmp_path / 'a.pth')


def test_resuming_another_method_is_refused(train, tmp_path):
    meta = dict(epoch=1, iter=4, cfg="model = dict(type='MoCo')")
    state = {'backbone.conv1.weight': torch.zeros(4, 3, 7, 7), 'queue': torch.zeros(8)}
    file = tmp_path / 'moco.pth'
    torch.save(dict(state_dict=state, meta=meta, message_hub={}), file)
    with pytest.raises(
        SystemExit, match=r'cannot resume GeRSP.*a checkpoint of MoCo.*missing.*1 unexp'
    ):
        train(tmp_path / 'run', '--resume', file)


def test_a_backbone_that_does_not_load_whole_is_an_error(
    script, probe_options, tmp_path
):
    state = ResNet(34, base_channels=4, stem_channels=4).state_dict()
    file = tmp_path / 'deep.pth'
    torch.save({f'backbone.{name}': tensor for name, tensor in state.items()}, file)
    with pytest.raises(
        SystemExit, match=r'deep.pth. does not fit.*unexpected.*layer1.2'
    ):
        script(
            'test.py',
            PROBE,
            file,
            '--work-dir',
            tmp_path / 'test',
            '--cfg-options',
            *probe_options,
        )


def test_a_run_starts_with_a_pretrained_backbone_and_reports_it(train, tmp_path):
    train(tmp_path / 'first')
    source = next((tmp_path / 'first').glob('epoch_*.pth'))
    train(tmp_path / 'second', '--pretrained', source)
    report = mmengine.load(tmp_path / 'second/load_report.json')
    assert report['percent'] == 100
    assert report['loaded_tensors'] == 120
    assert report['source'] == str(source)


def test_a_mangled_pretrained_backbone_is_refused_by_name(train, tmp_path):
    train(tmp_path / 'first')
    source = next((tmp_path / 'first').glob('epoch_*.pth'))
    content = torch.load(source, weights_only=False)
    del content['state_dict']['backbone.layer2.0.conv1.weight']
    torch.save(content, tmp_path / 'mangled.pth')
    with pytest.raises(SystemExit, match=r'missing .*layer2.0.conv1.weight'):
        train(tmp_path / 'second', '--pretrained', tmp_path / 'mangled.pth')
    flags = ('--pretrained', tmp_path / 'mangled.pth', '--allow-partial')
    train(tmp_path / 'third', *flags)
    report = mmengine.load(tmp_path / 'third/load_report.json')
    assert report['missing'] == ['layer2.0.conv1.weight']
    assert 0 < report['percent'] < 100


def test_exporting_a_part_that_is_not_there_ends_in_one_line(script, tmp_path):
    file = tmp_path / 'neck.pth'
    torch.save({'neck.fc.weight': torch.zeros(2)}, file)
    with pytest.raises(SystemExit, match=r'^error: no backbone of a student.*neck \(1'):
        script('export_backbone.py', file, tmp_path / 'out.pth')
