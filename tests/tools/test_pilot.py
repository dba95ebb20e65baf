"""tools/pilot.py, run the way a user runs it, on eight images."""

import json
from pathlib import Path

import pytest

GERSP = Path(__file__).parent / 'tiny_gersp.py'


@pytest.mark.slow  # Each trial is a process that imports everything.
def test_a_pilot_tells_the_bill_and_leaves_nothing(
    script, data_options, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    options = [*data_options, 'train_cfg.max_epochs=100', 'memory_format=contiguous']
    script('pilot.py', GERSP, '--seconds', 6, '--json', '--cfg-options', *options)
    said = capsys.readouterr()
    result = json.loads(said.out)
    schedule = dict(iterations=400, epochs=100, validations=0, checkpoints=100)
    assert result['schedule'] == schedule
    assert sum(result['parts'].values()) == pytest.approx(1)
    assert all(share > 0 for share in result['parts'].values())
    steps, bill = result['steps'], result['bill']
    assert steps['count'] > 10
    training = steps['begin'] + 400 * steps['step'] + 99 * steps['epoch']
    rare = sum(r['wall'] * (400 // r['interval'] + 1) for r in result['rare'])
    assert bill['training'] == pytest.approx(training + rare)
    assert bill['checkpoints'] == pytest.approx(100 * result['checkpoint']['wall'])
    assert result['checkpoint']['mib'] > 0.1
    assert result['memory']['host'] > 100 * 2**20
    tried = [one['option'] for one in result['remedies']]
    assert '--cfg-options memory_format=channels_last' in tried
    assert all(option in said.err for option in tried)
    assert 2 <= result['largest_batch']['batch'] <= 8
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_pilot_refuses_in_the_words_of_train(script, data_options, tmp_path):
    options = ['--cfg-options', *data_options, 'train_dataloader.batch_size=64']
    sentences = []
    for words in (
        ['train.py', GERSP, '--work-dir', tmp_path / 'run', *options],
        ['pilot.py', GERSP, '--seconds', 5, *options],
    ):
        with pytest.raises(SystemExit) as leaving:
            script(*words)
        sentences.append(leaving.value.code)
    assert 'an epoch has no step' in sentences[0]
    assert sentences[0] == sentences[1]
