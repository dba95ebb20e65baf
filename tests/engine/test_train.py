import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict

from rsp.engine.test import check_result_file, evaluate, evaluation_config
from rsp.engine.train import default_work_dir, training_config, use_mixed_precision

ROOT = Path(__file__).parents[2]
TINY = str(ROOT / 'tests/tools/tiny_gersp.py')


def test_the_work_dir_tells_method_and_config():
    path = Path('configs/gersp/r50.py')
    assert Path(default_work_dir(path)) == Path('work_dirs/gersp/r50')


def test_options_are_not_used_up(tmp_path):
    """Merging takes `_delete_` out of what it merges."""
    options = {'model.backbone': dict(_delete_=True, type='Swin')}
    for _ in range(2):
        cfg = training_config(TINY, str(tmp_path), cfg_options=options)
        assert cfg.model.backbone == dict(type='Swin')


def test_options_and_flags_reach_the_config(tmp_path):
    cfg = training_config(
        TINY,
        work_dir=str(tmp_path),
        auto_scale_lr=True,
        no_validate=True,
        cfg_options={'train_dataloader.batch_size': 6, 'optim_wrapper.optimizer.lr': 1},
    )
    assert cfg.train_dataloader.batch_size == 6
    assert cfg.optim_wrapper.optimizer.lr == 1
    assert cfg.auto_scale_lr == dict(base_batch_size=8, enable=True)
    assert cfg.val_cfg is None
    assert cfg.work_dir == str(tmp_path)
    assert not cfg.resume


def test_a_misspelled_option_is_warned_of():
    options = {'train_dataloader.batchsize': 6, 'model.teacher.momentum': 0.1}
    with pytest.warns(UserWarning, match=r"'batchsize' is new.*mean 'batch_size'\?"):
        training_config(TINY, cfg_options=options)


def test_resume_auto_without_anything_saved_starts_fresh(tmp_path):
    cfg = training_config(TINY, work_dir=str(tmp_path), resume='auto')
    assert cfg.resume
    assert cfg.load_from is None


def test_resume_from_a_missing_file_tells_what_is_there(tmp_path):
    (tmp_path / 'epoch_3.pth').write_bytes(b'')
    with pytest.raises(FileNotFoundError, match=r'epoch_4.pth.*holds epoch_3.pth'):
        training_config(TINY, resume=str(tmp_path / 'epoch_4.pth'))


def test_auto_scale_lr_needs_the_recipes_step(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text('optim_wrapper = dict(optimizer=dict(lr=1))')
    with pytest.raises(ValueError, match=r'add auto_scale_lr=dict\(base_batch_size'):
        training_config(str(config), auto_scale_lr=True)


def test_amp_is_bfloat16_where_the_device_has_it(monkeypatch):
    plain = dict(type='OptimWrapper', optimizer=dict(type='SGD'), clip_grad=None)
    monkeypatch.setattr('rsp.engine.train.supports_bf16', lambda: True)
    assert use_mixed_precision(plain) == plain | dict(type='rsp.Bf16OptimWrapper')
    monkeypatch.setattr('rsp.engine.train.supports_bf16', lambda: False)
    assert use_mixed_precision(plain) == plain | dict(
        type='AmpOptimWrapper', loss_scale='dynamic'
    )
    assert plain['type'] == 'OptimWrapper'


def test_amp_leaves_a_chosen_precision_alone():
    chosen = dict(type='AmpOptimWrapper', dtype='float16')
    assert use_mixed_precision(chosen) == chosen


def test_amp_refuses_wrappers_it_would_break():
    with pytest.raises(ValueError, match=r"--amp expects.*'ApexOptimWrapper'"):
        use_mixed_precision(dict(type='ApexOptimWrapper'))


def test_a_config_without_a_test_is_told_where_tests_are():
    with pytest.raises(ValueError, match=r'expected test_cfg.*configs/downstream'):
        evaluation_config(TINY, 'random')


@pytest.fixture
def probe(tmp_path):
    config = tmp_path / 'probe.py'
    config.write_text(
        "pretrained = dict(type='Pretrained', checkpoint='x.pth')\n"
        'model = dict(backbone=dict(depth=18, init_cfg=pretrained),'
        ' parts=[dict(init_cfg=pretrained), dict(init_cfg=dict(type="Constant"))])\n'
        'test_cfg = dict()\ntest_dataloader = dict()\n'
    )
    return str(config)


@pytest.mark.parametrize('word', ['none', 'random'])
def test_untrained_weights_come_from_no_file(probe, word):
    cfg = evaluation_config(probe, word)
    assert cfg.load_from is None
    assert 'init_cfg' not in cfg.model.backbone
    assert cfg.model.parts == [{}, dict(init_cfg=dict(type='Constant'))]


def test_a_missing_checkpoint_is_told_before_the_data_are_read(probe, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'folder .*nowhere. does not exist'):
        evaluation_config(probe, str(tmp_path / 'nowhere' / 'a.pth'))


@pytest.mark.parametrize(
    ('out', 'item', 'message'),
    [
        ('result.txt', 'metrics', r'ending in .json or .yaml or .pkl for metrics'),
        ('result.json', 'pred', r'ending in .pkl for pred, got .result.json'),
    ],
)
def test_a_result_file_of_the_wrong_kind_is_refused(out, item, message):
    with pytest.raises(ValueError, match=message):
        check_result_file(out, item)


def test_metrics_are_written_as_numbers(tmp_path, monkeypatch):
    class Runner:
        rank = 0

        def test(self):
            return {
                'top1': torch.tensor(1.5),
                'per_class': np.array([1, 2]),
                'nested': {'n': np.float32(0.5), 'names': ['a', 'b']},
            }

    monkeypatch.setattr('rsp.engine.test.build_runner', lambda cfg: Runner())
    out = tmp_path / 'deep' / 'result.json'
    evaluate(ConfigDict(), str(out))
    assert json.loads(out.read_text()) == {
        'top1': 1.5,
        'per_class': [1, 2],
        'nested': {'n': 0.5, 'names': ['a', 'b']},
    }


def test_a_pretrained_backbone_replaces_the_configs_own(tmp_path):
    file = tmp_path / 'backbone.pth'
    torch.save({'backbone.conv1.weight': torch.zeros(1)}, file)
    own = {'model.backbone.init_cfg': dict(type='Pretrained', checkpoint='a.pth')}
    cfg = training_config(
        TINY, cfg_options=own, pretrained=str(file), allow_partial=True
    )
    assert cfg.checkpoint == str(file)
    assert cfg.allow_partial
    assert 'init_cfg' not in cfg.model.backbone


def test_a_whole_model_and_a_backbone_do_not_go_together(tmp_path):
    file = tmp_path / 'backbone.pth'
    torch.save({'backbone.conv1.weight': torch.zeros(1)}, file)
    with pytest.raises(ValueError, match=r'load_from.*got both'):
        training_config(TINY, cfg_options=dict(load_from='b.pth'), pretrained=str(file))
    with pytest.raises(FileNotFoundError, match=r'missing.pth'):
        training_config(TINY, pretrained=str(tmp_path / 'missing.pth'))


def test_files_for_a_server_replace_the_scores(tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(
        'model, test_cfg = {}, {}\n'
        "test_dataloader, submission_dataloader = dict(a='val'), dict(a='test')\n"
        "test_evaluator = [dict(type='rsp.ChangeMetric'), dict(type='DOTAMetric')]\n"
    )
    cfg = evaluation_config(str(config), 'none', format_only='out/task')
    assert cfg.test_dataloader.a == 'test'
    expected = dict(type='DOTAMetric', format_only=True, outfile_prefix='out/task')
    assert cfg.test_evaluator == [expected]
    config.write_text("model, test_cfg, test_evaluator = {}, {}, dict(type='Accuracy')")
    with pytest.raises(ValueError, match=r"expects a metric of .* got \['Accuracy'\]"):
        evaluation_config(str(config), 'none', format_only='out/task')
