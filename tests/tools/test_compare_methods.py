"""The comparison of methods: stretched schedules, kept scores, the table."""

import argparse
import importlib.util
import json
from pathlib import Path

import pytest
from mmengine.config import Config, DictAction

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'tools/benchmarks/compare_methods.py'
spec = importlib.util.spec_from_file_location('compare_methods', SCRIPT)
compare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare)


@pytest.mark.parametrize('name', [n for n, m in compare.METHODS.items() if m.config])
def test_a_schedule_ends_with_its_last_epoch(name, tmp_path):
    (tmp_path / 'epochs.json').write_text('{"epochs": 37}')
    options = compare.stretched(compare.METHODS[name], tmp_path, argparse.Namespace())
    cfg = Config.fromfile(ROOT / compare.METHODS[name].config)
    pairs = (option.split('=', 1) for option in options)
    changes = {k: DictAction._parse_iterable(v) for k, v in pairs}
    before = [dict(s) for s in cfg.param_scheduler]
    cfg.merge_from_dict(changes)
    assert cfg.train_cfg.max_epochs == 37
    assert any(s.get('T_max') for s in cfg.param_scheduler)
    for old, new in zip(before, cfg.param_scheduler, strict=True):
        if 'T_max' in old:
            assert (new.T_max, new.end) == (37 - old['begin'], 37)
        else:  # The warm-up stays.
            assert dict(new) == old


def test_kept_scores_are_not_made_again(tmp_path, capsys):
    scores = {'knn': 50.0, 'linear': 60.0, 'knn, 5 %': 40.0, 'linear, 5 %': 41.0}
    for seed in range(2):
        folder = tmp_path / 'simclr-scenes' / f'seed_{seed}'
        folder.mkdir(parents=True)
        (folder / 'scores.json').write_text(
            json.dumps({key: value + 2 * seed for key, value in scores.items()})
        )
    (tmp_path / 'simclr-scenes/epochs.json').write_text('{"epochs": 9}')
    args = argparse.Namespace(work_dir=tmp_path, seeds=2, methods=['SimCLR, scenes'])
    text = compare.table(compare.compared(args), tmp_path)
    assert '| SimCLR, scenes | 9 | 51.0 ± 1.4 | 61.0 ± 1.4 |' in text


def test_curves_begin_at_untrained_weights(tmp_path):
    content = {
        'random/seed_0/scores.json': dict(knn=48.0),
        'byol-scenes/epochs.json': dict(epochs=8, seconds_per_epoch=2.5),
        'byol-scenes/seed_0/curve.json': {'2': 50.0, '10': 60.0, '8': 58.0},
    }
    for name, values in content.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(values))
    curves = compare.curves(['random', 'BYOL, scenes'], tmp_path)
    seconds, scores = curves['BYOL, scenes']
    assert (seconds, scores) == ([0, 5, 20, 25], [48, 50, 58, 60])
    assert curves.keys() == {'BYOL, scenes'}


def test_the_first_seed_keeps_a_checkpoint_of_each_quarter(tmp_path):
    (tmp_path / 'epochs.json').write_text('{"epochs": 11}')
    first, second = (compare.kept(tmp_path / f'seed_{n}', n) for n in range(2))
    assert first == ['max_keep_ckpts=-1', 'interval=2']
    assert second == ['max_keep_ckpts=1']
