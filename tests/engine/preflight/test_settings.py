"""Settings that contradict each other are refused before anything is built."""

import pytest
import torch
from mmengine.config import Config

from rsp.engine.preflight import refuse_contradictions, settings
from rsp.errors import UserError

GOOD = dict(
    default_scope='mmpretrain',
    model=dict(
        backbone=dict(in_channels=4),
        head=dict(loss=dict(type='CrossEntropyLoss'), temperature=0.07),
    ),
    train_dataloader=dict(
        batch_size=8, num_workers=0, drop_last=True, dataset=dict(bands=[4, 3, 2, 1])
    ),
    val_dataloader=dict(batch_size=8, drop_last=False),
    train_cfg=dict(by_epoch=True, max_epochs=4, val_interval=1),
    param_scheduler=[dict(type='LinearLR', by_epoch=True, end=4)],
    optim_wrapper=dict(type='OptimWrapper'),
    default_hooks=dict(checkpoint=dict(interval=1)),
)


@pytest.fixture
def told(monkeypatch):
    lines = []
    monkeypatch.setattr(settings, 'print_log', lambda text, **_: lines.append(text))
    return lines


def test_good_settings_pass_in_silence(told):
    for cfg in (GOOD, {}, dict(train_cfg=None, val_dataloader=None)):
        refuse_contradictions(Config(cfg))
    assert told == []


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('train_cfg.max_epochs', 0, 'train_cfg.max_epochs of at least 1, got 0'),
        ('train_cfg.max_epochs', -3, 'train_cfg.max_epochs of at least 1, got -3'),
        ('train_cfg.val_interval', 0, 'train_cfg.val_interval of at least 1'),
        ('train_cfg.max_iters', 9, r'either.*max_epochs or.*max_iters, got 4 and 9'),
        ('train_cfg.by_epoch', False, r'train_cfg.max_iters with.*by_epoch=False'),
        ('train_dataloader.batch_size', 0, 'train_dataloader.batch_size of at least 1'),
        ('optim_wrapper.accumulative_counts', 0, 'accumulative_counts of at least 1'),
        ('train_dataloader.num_workers', -1, 'num_workers of at least 0, got -1'),
        ('val_dataloader.drop_last', True, r'val_dataloader.drop_last=False.*score'),
        ('model.head.temperature', 0, 'model.head.temperature above 0, got 0'),
        ('model.anchors', dict(ratios=[]), 'at least one number in model.anchors.rat'),
        ('model.head.predict_box_type', 'rbx', "'rbox'"),
        ('model.sampler', dict(num=0), 'model.sampler.num of at least 1, got 0'),
        ('model.test_cfg', dict(max_per_img=0), 'max_per_img of at least 1.*no box'),
        ('model.test_cfg', dict(score_thr=2), 'score_thr of at most 1, got 2'),
        ('model.nms', dict(type='nms_rotate'), "model.nms.type .*'nms_rotated'"),
        ('model.nms', dict(iou_threshold=2), 'iou_threshold .*between 0 and 1'),
        ('train_dataloader.scale', (0, 0), r'scale of at least 1, got \(0, 0\)'),
        ('default_hooks.checkpoint.interval', 0, 'interval of at least 1, or -1'),
        ('train_dataloader.dataset.bands', [3, 2, 1], 'in_channels=4, got 3 in train'),
    ],
)
def test_a_contradiction_names_the_key(key, value, message):
    cfg = Config(GOOD)
    cfg.merge_from_dict({key: value})
    with pytest.raises(UserError, match=message) as error:
        refuse_contradictions(cfg)
    assert '\n' not in str(error.value)


def test_float16_on_a_cpu_is_refused_with_what_works(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = Config(GOOD | dict(optim_wrapper=dict(type='AmpOptimWrapper')))
    with pytest.raises(UserError, match=r"expects a GPU.*'rsp.Bf16OptimWrapper'"):
        refuse_contradictions(cfg)
    cfg.optim_wrapper.type = 'rsp.Bf16OptimWrapper'
    refuse_contradictions(cfg)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    refuse_contradictions(cfg)


def test_a_run_that_would_save_nothing_is_refused():
    cfg = Config(GOOD)
    cfg.default_hooks.checkpoint = dict(interval=5, save_last=False)
    with pytest.raises(UserError, match=r'save nothing.*between 1 and.*=4, got 5'):
        refuse_contradictions(cfg)
    cfg.default_hooks.checkpoint.save_last = True
    refuse_contradictions(cfg)


def test_a_warmup_longer_than_the_run_warns(told):
    cfg = Config(GOOD)
    cfg.param_scheduler[0].end = 5
    refuse_contradictions(cfg)
    assert len(told) == 1
    assert 'param_scheduler[0] ends at 5, train_cfg.max_epochs is 4' in told[0]
